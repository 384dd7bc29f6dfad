// SPDX-License-Identifier: GPL-2.0-only
#include "observe/snapshot.h"

#include "data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Snapshot, ReadsWhatAGuestPrints) {
    const auto snapshot = parse_snapshot(test_data("snapshot/6.12-server.txt"));
    ASSERT_TRUE(snapshot) << snapshot.error().what;
    EXPECT_EQ(snapshot->context_switches, 76164U);
    EXPECT_EQ(snapshot->available_kib, 1839908U);
    EXPECT_EQ(snapshot->slab_kib, 15008U);
    EXPECT_EQ(snapshot->module.at("calls"), 6108U);
    EXPECT_EQ(snapshot->module.at("live_listeners"), 1U);
    EXPECT_EQ(snapshot->device.at("sent_pkts"), 34819U);
    EXPECT_EQ(snapshot->device.count("calls"), 0U);
}

TEST(Snapshot, LeavesOutWhatWasNotMeasured) {
    const auto snapshot = parse_snapshot("ctxt 5\nMemAvailable:  10 kB\nSlab:  1 kB\n");
    ASSERT_TRUE(snapshot) << snapshot.error().what;
    EXPECT_TRUE(snapshot->module.empty());
}

TEST(Snapshot, NeedsProcStat) {
    EXPECT_FALSE(parse_snapshot(""));
    EXPECT_FALSE(parse_snapshot("MemAvailable:  10 kB\n"));
}

TEST(Snapshot, SubtractsAndLetsGaugesFall) {
    Snapshot before;
    before.context_switches = 100;
    before.module = {{"calls", 7}, {"live_connections", 2}, {"gone", 1}};
    before.available_kib = 500;
    Snapshot after;
    after.context_switches = 350;
    after.module = {{"calls", 9}, {"live_connections", 1}, {"appeared", 1}};
    after.available_kib = 400;

    const Delta delta = after - before;
    EXPECT_EQ(delta.context_switches, 250);
    EXPECT_THAT(delta.module, ElementsAre(Pair("calls", 2), Pair("live_connections", -1)));
    EXPECT_EQ(delta.available_kib, -100);
}

} // namespace
} // namespace lab
