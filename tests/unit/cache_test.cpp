// SPDX-License-Identifier: GPL-2.0-only
#include "image/cache.h"

#include "util/file.h"
#include "util/temp.h"

#include <gtest/gtest.h>

#include <chrono>

namespace lab {

namespace fs = std::filesystem;

namespace {

class CacheTest : public ::testing::Test {
  protected:
    /// An entry of the cache that was used `age` ago.
    fs::path entry(const std::string &name, std::chrono::hours age) {
        const auto dir = temp_->path() / name;
        fs::create_directory(dir);
        EXPECT_TRUE(write_file(dir / "image.json", "{}"));
        fs::last_write_time(dir / "image.json", fs::file_time_type::clock::now() - age);
        return dir;
    }

    void clean(const fs::path &keep) { remove_unused(temp_->path(), "image-", "image.json", keep); }

    Result<TempDir> temp_ = TempDir::make();
};

using std::chrono::hours;

TEST_F(CacheTest, RemovesWhatNobodyUsesAnyMore) {
    const auto old = entry("image-1", hours(48));
    const auto lately = entry("image-2", hours(2));
    const auto current = entry("image-3", hours(48));
    const auto other = entry("kernel-1", hours(48));
    clean(current);
    EXPECT_FALSE(fs::exists(old));
    EXPECT_TRUE(fs::exists(lately));
    EXPECT_TRUE(fs::exists(current));
    EXPECT_TRUE(fs::exists(other));
    // Nothing is left under another name.
    EXPECT_EQ(std::distance(fs::directory_iterator(temp_->path()), fs::directory_iterator()), 3);
}

TEST_F(CacheTest, KeepsWhatIsInUseHoweverOldItsStampIs) {
    const auto old = entry("image-1", hours(48));
    {
        const auto used = use_entry(old / "image.json");
        ASSERT_TRUE(used);
        fs::last_write_time(old / "image.json", fs::file_time_type::clock::now() - hours(48));
        clean({});
        EXPECT_TRUE(fs::exists(old));
    }
    clean({});
    EXPECT_FALSE(fs::exists(old));
}

TEST_F(CacheTest, UseIsRemembered) {
    const auto old = entry("image-1", hours(48));
    ASSERT_TRUE(use_entry(old / "image.json"));
    clean({});
    EXPECT_TRUE(fs::exists(old));
    EXPECT_FALSE(use_entry(old / "none"));
}

TEST_F(CacheTest, UnfinishedIsRemovedUnlessKept) {
    const auto place = temp_->path() / "image-1";
    fs::path made;
    {
        const Unfinished unfinished(place);
        made = unfinished.dir();
        EXPECT_TRUE(fs::is_directory(made));
    }
    EXPECT_FALSE(fs::exists(made));
    {
        Unfinished unfinished(place);
        ASSERT_TRUE(write_file(unfinished.dir() / "image.json", "{}"));
        ASSERT_TRUE(unfinished.keep());
    }
    EXPECT_FALSE(fs::exists(made));
    EXPECT_TRUE(fs::exists(place / "image.json"));
    // What a builder that was killed left is the next one's to remove.
    fs::create_directory(made);
    ASSERT_TRUE(remove_unfinished(temp_->path()));
    EXPECT_FALSE(fs::exists(made));
}

TEST_F(CacheTest, HashNamesContentAndNames) {
    const auto dir = entry("image-1", hours(0));
    const auto before = hash_files({dir});
    ASSERT_TRUE(before);
    ASSERT_TRUE(write_file(dir / "image.json", "{ }"));
    const auto content = hash_files({dir});
    EXPECT_NE(*content, *before);
    fs::rename(dir / "image.json", dir / "image");
    EXPECT_NE(*hash_files({dir}), *content);
    EXPECT_FALSE(hash_files({dir / "none"}));
}

} // namespace

} // namespace lab
