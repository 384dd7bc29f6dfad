// SPDX-License-Identifier: GPL-2.0-only
#include "util/temp.h"

#include "util/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ctime>
#include <optional>

namespace lab {

namespace fs = std::filesystem;

TEST(TempDir, GoesWithItsContent) {
    fs::path path;
    {
        auto temp = TempDir::make();
        ASSERT_TRUE(temp);
        path = temp->path();
        fs::create_directories(path / "a" / "b");
        append_line(path / "a" / "b" / "file", "text");
        EXPECT_TRUE(fs::exists(path / "a" / "b" / "file"));
        auto moved = std::move(*temp);
        EXPECT_TRUE(fs::exists(path));
    }
    EXPECT_FALSE(fs::exists(path));
}

TEST(TempDir, RemovesWhatAKilledLabLeft) {
    // Nobody holds a lock on this one, and it is old.
    const auto stale = fs::temp_directory_path() / "nfsrdma-lab.stale-test";
    fs::create_directories(stale / "sub");
    fs::last_write_time(stale, fs::file_time_type::clock::now() - std::chrono::hours(1));
    auto held = TempDir::make();
    ASSERT_TRUE(held);
    EXPECT_FALSE(fs::exists(stale));

    // This one is old as well, but somebody is using it.
    fs::last_write_time(held->path(), fs::file_time_type::clock::now() - std::chrono::hours(1));
    const auto other = TempDir::make();
    ASSERT_TRUE(other);
    EXPECT_TRUE(fs::exists(held->path()));
}

TEST(File, LastLines) {
    EXPECT_EQ(last_lines("", 3), "");
    EXPECT_EQ(last_lines("one\n", 3), "one");
    EXPECT_EQ(last_lines("one\ntwo\nthree\n", 2), "two\nthree");
    EXPECT_EQ(last_lines("one\ntwo\nthree", 3), "one\ntwo\nthree");
    EXPECT_EQ(last_lines("\n\n", 2), "");
}

TEST(File, SaysWhyItCannotBeRead) {
    const auto text = read_file("/no/such/file");
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().what, "cannot read /no/such/file: No such file or directory");
}

} // namespace lab
