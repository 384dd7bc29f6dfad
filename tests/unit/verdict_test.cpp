// SPDX-License-Identifier: GPL-2.0-only
#include "report/verdict.h"

#include <gtest/gtest.h>

namespace lab {
namespace {

TEST(Verdict, IsFailureUntilProvenOtherwise) {
    const Outcome outcome;
    EXPECT_EQ(outcome.verdict, Verdict::fail);
    EXPECT_FALSE(outcome.why.empty());
}

TEST(Verdict, TellsKindsOfTroubleApart) {
    EXPECT_EQ(verdict_of({"", Cause::timeout}), Verdict::hang);
    EXPECT_EQ(verdict_of({"", Cause::lost}), Verdict::lost_connection);
    EXPECT_EQ(verdict_of({"", Cause::panic}), Verdict::kernel_splat);
    EXPECT_EQ(verdict_of({"", Cause::boot}), Verdict::boot_failure);
    EXPECT_EQ(verdict_of({"", Cause::other}), Verdict::fail);
    EXPECT_EQ(verdict_of({"", Cause::cancelled}), Verdict::fail);
}

TEST(Verdict, IsSpelledAsInResults) {
    EXPECT_EQ(verdict_name(Verdict::pass), "pass");
    EXPECT_EQ(verdict_name(Verdict::kernel_splat), "kernel-splat");
    EXPECT_EQ(verdict_name(Verdict::leak), "leak");
    EXPECT_EQ(verdict_name(Verdict::lost_connection), "lost-connection");
    EXPECT_EQ(verdict_name(Verdict::boot_failure), "boot-failure");
}

} // namespace
} // namespace lab
