// SPDX-License-Identifier: GPL-2.0-only
#include "util/interrupt.h"

#include "util/process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace lab {

namespace {

/// Runs in a process of its own: an interruption is for ever.
[[noreturn]] void interrupted_wait() {
    catch_interrupts();
    std::thread([] {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        kill(getpid(), SIGTERM);
    }).detach();
    const auto output = run_process({"sleep", "1000"}, Deadline::in(std::chrono::seconds(20)));
    const auto in_terminal =
        run_process({"sleep", "1000"}, Deadline::in(std::chrono::seconds(20)), {.terminal = true});
    // Cleaning up comes after the interruption and has to work all the same.
    const auto cleaned = run_process({"sh", "-c", "sleep 0.1; echo clean"},
                                     Deadline::in(std::chrono::seconds(20)), {.cleaning = true});
    const bool right = cleaned && cleaned->out == "clean\n" && !output &&
                       output.error().cause == Cause::cancelled && !in_terminal &&
                       in_terminal.error().cause == Cause::cancelled && interrupted() &&
                       !pause_for(std::chrono::seconds(1000));
    _exit(right ? 42 : 1);
}

} // namespace

TEST(InterruptDeathTest, EndsEveryWait) {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    EXPECT_EXIT(interrupted_wait(), testing::ExitedWithCode(42), "");
}

TEST(Interrupt, PauseEndsAtTheDeadline) {
    EXPECT_TRUE(pause_for(std::chrono::milliseconds(5)));
    EXPECT_FALSE(pause_for(std::chrono::hours(1), Deadline::in(std::chrono::milliseconds(5))));
}

} // namespace lab
