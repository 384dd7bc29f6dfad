// SPDX-License-Identifier: GPL-2.0-only
#include "util/deadline.h"

#include <gtest/gtest.h>

namespace lab {

using std::chrono::milliseconds;

TEST(Deadline, ExpiresAtZero) {
    const auto now = Deadline::in(milliseconds(0));
    EXPECT_TRUE(now.expired());
    EXPECT_EQ(now.left(), milliseconds(0));
    EXPECT_EQ(Deadline::in(milliseconds(-5)).left(), milliseconds(0));
}

TEST(Deadline, NeverLeavesWhatFitsAPoll) {
    EXPECT_FALSE(Deadline::never().expired());
    EXPECT_EQ(Deadline::never().left(), std::chrono::hours(24));
}

TEST(Deadline, WithinTakesTheEarlier) {
    const auto outer = Deadline::in(std::chrono::hours(1));
    EXPECT_LE(outer.within(milliseconds(10)).left(), milliseconds(10));
    EXPECT_LE(outer.within(std::chrono::hours(2)).left(), std::chrono::hours(1));
}

TEST(Deadline, ScalesOnlyWhatIsScaled) {
    const auto before = Deadline::scale();
    Deadline::set_scale(3);
    EXPECT_GT(Deadline::scaled(std::chrono::seconds(10)).left(), std::chrono::seconds(29));
    EXPECT_LE(Deadline::in(std::chrono::seconds(10)).left(), std::chrono::seconds(10));
    Deadline::set_scale(before);
}

} // namespace lab
