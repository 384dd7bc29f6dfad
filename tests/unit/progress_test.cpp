// SPDX-License-Identifier: GPL-2.0-only
#include "util/progress.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace lab {
namespace {

// "nfsrdma-lab run ... 2>&1 | head": a step that is under way must still be able to clean up.
TEST(Progress, SurvivesThatNobodyReads) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const int kept = dup(STDERR_FILENO);
    ASSERT_GE(kept, 0);
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    EXPECT_NO_THROW({
        say("a line");
        Progress progress("a step");
        progress.at("its middle");
        progress.done();
    });
    dup2(kept, STDERR_FILENO);
    close(kept);
    clearerr(stderr);
    std::signal(SIGPIPE, before);
}

} // namespace
} // namespace lab
