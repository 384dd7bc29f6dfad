// SPDX-License-Identifier: GPL-2.0-only
#include "image/build.h"
#include "image/cache.h"
#include "image/image.h"

#include "util/file.h"
#include "util/temp.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace lab {

TEST(Image, FindsAKernelBySuiteOrVersion) {
    Image image;
    image.kernels = {{"6.12.1-amd64", "stable", {}, {}}, {"7.2.3-amd64", "backports", {}, {}}};
    EXPECT_EQ(image.kernel("stable")->version, "6.12.1-amd64");
    EXPECT_EQ(image.kernel("7.2.3-amd64")->suite, "backports");
    const auto none = image.kernel("5.10");
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().what,
              "the image has no kernel \"5.10\"; it has stable (6.12.1-amd64), "
              "backports (7.2.3-amd64); the lab's own are debug, debug-backports, kcsan");
}

TEST(Image, ExplainsKnownFailures) {
    EXPECT_EQ(explain_build_failure("E: foo\nCould not resolve 'mirror.invalid'\n"),
              "the package mirror cannot be reached; --mirror names another");
    EXPECT_EQ(explain_build_failure("dpkg: error: No space left on device"), "the disk is full");
    EXPECT_EQ(explain_build_failure("something new"), "");
}

// Images are named by it: the same recipe elsewhere finds the same image, another one does not.
TEST(Image, RecipeHashIsOfWhatTheRecipeSays) {
    const auto one = recipe_hash();
    ASSERT_TRUE(one) << one.error().what;
    EXPECT_EQ(one->size(), 16U);
    auto temp = TempDir::make();
    ASSERT_TRUE(temp);
    const auto copy = temp->path() / "image";
    std::filesystem::copy(source_dir() / "scripts" / "image", copy,
                          std::filesystem::copy_options::recursive);
    EXPECT_EQ(hash_files({copy}).value_or(""), *one);
    append_line(copy / "guest" / "init", "# and more");
    EXPECT_NE(hash_files({copy}).value_or(""), *one);
}

} // namespace lab
