// SPDX-License-Identifier: GPL-2.0-only
#include "util/watch.h"

#include <gtest/gtest.h>

#include <atomic>

namespace lab {
namespace {

using namespace std::chrono_literals;

TEST(Watch, LooksUntilALookWasTheLast) {
    std::atomic<int> looks = 0;
    auto thread = watch(1ms, [&] { return ++looks < 3; });
    thread.join();
    EXPECT_EQ(looks, 3);
}

// However long it would be until the next look.
TEST(Watch, EndsWhenItIsToldTo) {
    std::atomic<int> looks = 0;
    const auto started = std::chrono::steady_clock::now();
    {
        const auto thread = watch(1h, [&] {
            looks = 1;
            looks.notify_all();
            return true;
        });
        looks.wait(0);
    }
    EXPECT_EQ(looks, 1);
    EXPECT_LT(std::chrono::steady_clock::now() - started, 1min);
}

} // namespace
} // namespace lab
