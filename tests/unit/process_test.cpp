// SPDX-License-Identifier: GPL-2.0-only
#include "util/process.h"

#include "util/file.h"
#include "util/temp.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

namespace lab {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const auto soon = seconds(20);

bool exists(pid_t pid) {
    return kill(pid, 0) == 0 || errno != ESRCH;
}

/// Whether a process goes away by itself; init may take a moment to reap an orphan.
bool goes_away(pid_t pid) {
    for (int i = 0; i < 200 && exists(pid); i++) {
        // A zombie whose parent has not looked yet is gone for our purposes.
        if (read_file(fmt::format("/proc/{}/stat", pid)).value_or("").find(") Z") !=
            std::string::npos)
            return true;
        std::this_thread::sleep_for(milliseconds(10));
    }
    return !exists(pid);
}

Result<Output> shell(const std::string &script, ProcessOptions options = {}) {
    return run_process({"sh", "-c", script}, Deadline::in(soon), std::move(options));
}

} // namespace

TEST(Process, CapturesOutputErrorAndStatus) {
    const auto output = shell("echo out; echo err >&2; exit 3");
    ASSERT_TRUE(output);
    EXPECT_EQ(output->status, 3);
    EXPECT_EQ(output->out, "out\n");
    EXPECT_EQ(output->err, "err\n");
}

TEST(Process, SaysWhatCouldNotBeStarted) {
    const auto output = run_process({"no-such-program"}, Deadline::in(soon));
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().what, "cannot start no-such-program: No such file or directory");
}

TEST(Process, ReportsTheSignalThatEndedIt) {
    const auto output = shell("kill -9 $$");
    ASSERT_TRUE(output);
    EXPECT_EQ(output->status, 128 + SIGKILL);
}

TEST(Process, TakesMoreOutputThanAPipeHolds) {
    const auto output = shell("head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2");
    ASSERT_TRUE(output);
    EXPECT_EQ(output->out.size(), 3000000U);
    EXPECT_EQ(output->err.size(), 2000000U);
}

/// Waits for one that goes on for ever: it is ended at the deadline.
void expect_timeout(Process &process, milliseconds limit = milliseconds(500)) {
    const auto started = std::chrono::steady_clock::now();
    const auto output = process.wait(Deadline::in(limit));
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().cause, Cause::timeout);
    EXPECT_LT(std::chrono::steady_clock::now() - started, seconds(5));
}

TEST(Process, EndsTheWholeGroupAtTheDeadline) {
    std::string child;
    auto process = Process::spawn({"sh", "-c", "sleep 1000 & echo $!; wait"},
                                  {.on_line = [&](const std::string &line) { child = line; }});
    ASSERT_TRUE(process);
    expect_timeout(*process);
    ASSERT_FALSE(child.empty());
    EXPECT_TRUE(goes_away(std::stoi(child)));
}

// That there is always something to read does not keep the deadline off.
TEST(Process, EndsWhoWritesForEver) {
    auto process = Process::spawn({"yes"});
    ASSERT_TRUE(process);
    expect_timeout(*process, milliseconds(100));
}

TEST(Process, KillsWhoIgnoresSigterm) {
    auto temp = TempDir::make();
    ASSERT_TRUE(temp);
    const auto ready = temp->path() / "ready";
    auto process = Process::spawn(
        {"sh", "-c",
         fmt::format("trap '' TERM; : >{}; while :; do sleep 1; done", ready.string())});
    ASSERT_TRUE(process);
    for (int i = 0; i < 1000 && !std::filesystem::exists(ready); i++)
        std::this_thread::sleep_for(milliseconds(10));
    ASSERT_TRUE(std::filesystem::exists(ready)) << "it does not ignore it yet";
    const auto pid = process->pid();
    process->end(milliseconds(200));
    EXPECT_FALSE(process->running());
    EXPECT_FALSE(exists(pid));
    const auto output = process->wait(Deadline::in(soon));
    ASSERT_TRUE(output);
    EXPECT_EQ(output->status, 128 + SIGKILL);
}

TEST(Process, LeavesItToSigtermOtherwise) {
    auto process = Process::spawn({"sleep", "1000"});
    ASSERT_TRUE(process);
    process->end(soon);
    const auto output = process->wait(Deadline::in(soon));
    ASSERT_TRUE(output);
    EXPECT_EQ(output->status, 128 + SIGTERM);
}

TEST(Process, DestructorReaps) {
    pid_t pid = 0;
    {
        const auto process = Process::spawn({"sleep", "1000"});
        ASSERT_TRUE(process);
        pid = process->pid();
        EXPECT_TRUE(exists(pid));
    }
    EXPECT_FALSE(exists(pid));
}

TEST(Process, DoesNotWaitForWhoHoldsThePipe) {
    const auto started = std::chrono::steady_clock::now();
    const auto output = shell("setsid sleep 30 & echo done");
    ASSERT_TRUE(output);
    EXPECT_EQ(output->out, "done\n");
    EXPECT_LT(std::chrono::steady_clock::now() - started, seconds(10));
}

TEST(Process, DiesWithALabThatWasKilled) {
    auto temp = TempDir::make();
    ASSERT_TRUE(temp);
    const auto file = temp->path() / "pid";
    const pid_t lab = fork();
    if (lab == 0) {
        const auto child = Process::spawn({"sleep", "1000"});
        append_line(file, std::to_string(child ? child->pid() : 0));
        pause();
        _exit(0);
    }
    std::string pid;
    for (int i = 0; i < 500 && pid.empty(); i++) {
        std::this_thread::sleep_for(milliseconds(10));
        pid = read_file(file).value_or("");
    }
    ASSERT_FALSE(pid.empty());
    kill(lab, SIGKILL);
    waitpid(lab, nullptr, 0);
    EXPECT_TRUE(goes_away(std::stoi(pid)));
}

TEST(Process, HandsOutLinesAsTheyCome) {
    std::vector<std::string> lines;
    const auto output = shell("echo one; echo two; printf three",
                              {.on_line = [&](const std::string &line) { lines.push_back(line); }});
    ASSERT_TRUE(output);
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(output->out, "one\ntwo\nthree");
}

TEST(Process, WritesToItsLog) {
    auto temp = TempDir::make();
    ASSERT_TRUE(temp);
    const auto log = temp->path() / "log";
    ASSERT_TRUE(shell("echo out; echo err >&2", {.log = log}));
    EXPECT_EQ(read_file(log).value_or(""), "out\nerr\n");
}

TEST(Process, HundredsComeAndGo) {
    for (int i = 0; i < 300; i++) {
        const auto output = run_process({"true"}, Deadline::in(soon));
        ASSERT_TRUE(output) << i << ": " << output.error().what;
        ASSERT_EQ(output->status, 0);
    }
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child was not reaped";
}

} // namespace lab
