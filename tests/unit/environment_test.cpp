// SPDX-License-Identifier: GPL-2.0-only
// Where a result comes from: the revision of a tree, and what the image and the machine are called.
#include "lab/environment.h"
#include "util/file.h"
#include "util/process.h"
#include "util/temp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

/// A tree with one commit in it.
class RevisionTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(temp_) << temp_.error().what;
        tree_ = temp_->path() / "tree";
        fs::create_directories(tree_ / "below");
        git({"init", "-q"});
        ASSERT_TRUE(write_file(tree_ / "file", "text\n"));
        ASSERT_TRUE(write_file(tree_ / ".gitignore", "build\n"));
        git({"add", "."});
        commit("first");
    }

    std::string git(std::vector<std::string> words) {
        words.insert(words.begin(),
                     {"git", "-C", tree_.string(), "-c", "user.name=Nobody", "-c",
                      "user.email=nobody@example.org", "-c", "commit.gpgsign=false"});
        const auto output = run_process(words, Deadline::in(std::chrono::seconds(60)));
        if (!output || output->status != 0) {
            ADD_FAILURE() << (output ? output->err : output.error().what);
            return {};
        }
        return output->out;
    }

    void commit(const std::string &subject) {
        git({"commit", "-q", "--no-verify", "-a", "-m", subject});
        head_ = git({"rev-parse", "HEAD"});
        ASSERT_THAT(head_, MatchesRegex("[0-9a-f]+\n"));
        head_.pop_back();
    }

    std::string revision() const { return describe_environment({}, tree_).git_revision; }

    Result<TempDir> temp_ = TempDir::make();
    fs::path tree_;
    std::string head_;
};

TEST_F(RevisionTest, IsTheCommitThatIsCheckedOut) {
    EXPECT_EQ(revision(), head_);
    const auto first = head_;
    ASSERT_TRUE(write_file(tree_ / "file", "other text\n"));
    commit("second");
    EXPECT_NE(head_, first);
    EXPECT_EQ(revision(), head_);
}

TEST_F(RevisionTest, IsDirtyWhenTheTreeHoldsMore) {
    ASSERT_TRUE(write_file(tree_ / "file", "other text\n"));
    EXPECT_EQ(revision(), head_ + "-dirty") << "a change";
    git({"add", "file"});
    EXPECT_EQ(revision(), head_ + "-dirty") << "a change that is in the index";
    commit("second");
    EXPECT_EQ(revision(), head_);
    ASSERT_TRUE(write_file(tree_ / "new", ""));
    EXPECT_EQ(revision(), head_ + "-dirty") << "a new file";
    fs::remove(tree_ / "new");
    EXPECT_EQ(revision(), head_);
    fs::remove(tree_ / "file");
    EXPECT_EQ(revision(), head_ + "-dirty") << "a file that is gone";
}

TEST_F(RevisionTest, IgnoresWhatGitIgnores) {
    ASSERT_TRUE(write_file(tree_ / "build", ""));
    EXPECT_EQ(revision(), head_);
}

TEST_F(RevisionTest, IsTheWholeTreesWhereverOneAsks) {
    EXPECT_EQ(describe_environment({}, tree_ / "below").git_revision, head_);
    ASSERT_TRUE(write_file(tree_ / "file", "other text\n"));
    EXPECT_EQ(describe_environment({}, tree_ / "below").git_revision, head_ + "-dirty");
}

TEST_F(RevisionTest, IsEmptyWithoutARepository) {
    EXPECT_EQ(describe_environment({}, temp_->path()).git_revision, "");
    EXPECT_EQ(describe_environment({}, temp_->path() / "nowhere").git_revision, "");
}

TEST_F(RevisionTest, IsEmptyWithoutACommit) {
    fs::remove_all(tree_ / ".git");
    git({"init", "-q"});
    EXPECT_EQ(revision(), "");
}

TEST(Environment, NamesTheImageItsKernelsAndTheMachine) {
    Image image;
    image.recipe = "1234abcd";
    image.kernels = {{.version = "6.12.1-amd64", .suite = "stable"},
                     {.version = "7.2.3-amd64", .suite = "backports"}};
    const auto environment = describe_environment(image, "/");
    EXPECT_EQ(environment.image, "1234abcd");
    EXPECT_THAT(environment.kernels,
                ElementsAre(Pair("backports", "7.2.3-amd64"), Pair("stable", "6.12.1-amd64")));
    EXPECT_THAT(environment.host, StartsWith("Linux "));
    EXPECT_GT(environment.host_cpus, 0U);
    EXPECT_THAT(environment.qemu, Not(HasSubstr("\n"))) << "its copyright is not of interest";
    EXPECT_EQ(environment.accelerator, "") << "known after the first boot";
}

} // namespace
} // namespace lab
