// SPDX-License-Identifier: GPL-2.0-only
// The scripts that hosts run: found, sound, and told what they are asked for.
#include "host/guest_script.h"

#include "host/fake_host.h"
#include "util/file.h"
#include "util/process.h"
#include "util/temp.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace lab {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

Result<Output> run_here(const std::string &command) {
    return run_process({"/bin/sh", "-c", command}, Deadline::in(30s));
}

TEST(GuestScript, EachIsOne) {
    int scripts = 0;
    for (const auto &entry : fs::directory_iterator(source_dir() / "scripts" / "guest")) {
        SCOPED_TRACE(entry.path().string());
        const auto command = guest_script(entry.path().filename().string());
        ASSERT_TRUE(command) << command.error().what;
        const auto *shell = command->starts_with("bash ") ? "bash" : "sh";
        const auto read = run_process({shell, "-n", entry.path().string()}, Deadline::in(30s));
        ASSERT_TRUE(read) << read.error().what;
        EXPECT_EQ(read->status, 0) << read->err;
        ++scripts;
    }
    EXPECT_GE(scripts, 8);
}

TEST(GuestScript, IsNamedWhenItFails) {
    FakeHost host("server");
    host.answer("", Output{.status = 1});
    const auto stopped = run_script(host, "nfs-stop", {}, Deadline::in(1s));
    ASSERT_FALSE(stopped);
    EXPECT_THAT(stopped.error().what, HasSubstr("# scripts/guest/nfs-stop\" failed with status 1"));
}

TEST(GuestScript, GetsItsArgumentsAsWords) {
    FakeHost host;
    ASSERT_TRUE(run_script(host, "load-module", {"/root/m.ko", "a=1 b=2"}, Deadline::in(1s)));
    EXPECT_THAT(host.commands, ElementsAre(AllOf(HasSubstr("/usr/sbin/insmod"),
                                                 EndsWith(" load-module /root/m.ko 'a=1 b=2'"))));
    EXPECT_FALSE(guest_script("no-such-script"));
}

/// run-fio on this machine, with a fio that does what it is told to.
class RunFioTest : public testing::Test {
  protected:
    void SetUp() override {
        auto temp = TempDir::make();
        ASSERT_TRUE(temp) << temp.error().what;
        temp_.emplace(*std::move(temp));
    }

    Result<Output> run(const std::string &fio, const std::string &seed = "",
                       const std::vector<std::string> &clients = {}) {
        const auto &dir = temp_->path();
        TRY(write_file(dir / "fio", "#!/bin/sh\n" + fio));
        fs::permissions(dir / "fio", fs::perms::owner_all);
        std::vector<std::string> words = {dir.string(), "my job.fio", dir.string(),
                                          "1",          "75",         seed};
        words.insert(words.end(), clients.begin(), clients.end());
        const auto command = TRY(guest_script("run-fio", words));
        return run_here(fmt::format("PATH={}:$PATH {}", dir.string(), command));
    }

    std::optional<TempDir> temp_;
};

TEST_F(RunFioTest, PassesOnWhatFioSaysAndItsStatus) {
    const auto output = run("echo \"$2\" in \"$(pwd -P)\"; echo trouble >&2; exit 3\n");
    ASSERT_TRUE(output) << output.error().what;
    EXPECT_EQ(output->status, 3);
    EXPECT_EQ(output->out,
              fmt::format("my job.fio in {}\n", fs::canonical(temp_->path()).string()));
    EXPECT_EQ(output->err, "trouble\n");
}

TEST_F(RunFioTest, SeedGoesBeforeWhatTheJobSays) {
    ASSERT_TRUE(write_file(temp_->path() / "my job.fio", "[global]\nrandrepeat=0\n[job]\n"));
    const auto output = run("cat \"$2\"\n", "7");
    ASSERT_TRUE(output) << output.error().what;
    EXPECT_EQ(output->out, "[global]\nrandseed=7\n[global]\nrandrepeat=0\n[job]\n");
}

// Each client gets the same job, in a directory of one name, and files without an address in
// theirs.
TEST_F(RunFioTest, DrivesSeveralClients) {
    ASSERT_TRUE(write_file(temp_->path() / "my job.fio", "[job]\n"));
    const auto output = run("echo \"$@\"; cat \"$3\"\n", "7", {"192.0.2.2", "192.0.2.3"});
    ASSERT_TRUE(output) << output.error().what;
    const auto dir = temp_->path().string();
    EXPECT_EQ(output->out, fmt::format("--output-format=json --client=192.0.2.2 {0}/seeded "
                                       "--client=192.0.2.3 {0}/seeded\n[global]\nrandseed=7\n"
                                       "directory={0}/.\nunique_filename=0\n[job]\n",
                                       dir));
}

TEST_F(RunFioTest, LeavesWithoutAFioThatSendsNothing) {
    if (fs::exists("/proc/net/rpc/nfs"))
        GTEST_SKIP() << "somebody may use NFS here";
    const auto output = run("sleep 100\n");
    ASSERT_TRUE(output) << output.error().what;
    EXPECT_EQ(output->status, 75);
}

} // namespace
} // namespace lab
