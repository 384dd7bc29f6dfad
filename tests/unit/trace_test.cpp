// SPDX-License-Identifier: GPL-2.0-only
#include "observe/trace.h"

#include "data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(Trace, ReadsWhatAGuestPrints) {
    const auto trace = parse_trace(test_data("trace/6.12-server.txt"));
    ASSERT_TRUE(trace) << trace.error().what;
    EXPECT_THAT(trace->wakeups, ElementsAre(Pair("ksoftirqd", 3930), Pair("kworker", 21618),
                                            Pair("nfsd", 10971), Pair("other", 9095)));
}

TEST(Trace, CountsNothingAsNothing) {
    const auto trace = parse_trace("event sched/sched_wakeup\n# event histogram\n");
    ASSERT_TRUE(trace) << trace.error().what;
    EXPECT_THAT(trace->wakeups, ElementsAre(Pair("kworker", 0), Pair("nfsd", 0)));
    EXPECT_THAT(trace->works, IsEmpty());
    EXPECT_THAT(trace->send_handler, IsEmpty());
    EXPECT_FALSE(trace->send_handler_mean());
}

TEST(Trace, AveragesTheHandlersTime) {
    const auto trace =
        parse_trace("event synthetic/lab_handler\n"
                    "{ ns: ~ 2^12               } hitcount:         10  ns:      51200\n"
                    "{ ns: ~ 2^13               } hitcount:          2  ns:      20800\n");
    ASSERT_TRUE(trace) << trace.error().what;
    EXPECT_EQ(trace->send_handler.at(12).calls, 10);
    EXPECT_EQ(trace->send_handler.at(13).ns, 20800);
    EXPECT_DOUBLE_EQ(trace->send_handler_mean().value_or(0), 6000);
}

TEST(Trace, RefusesAnOverflownHistogram) {
    const auto trace = parse_trace("event sched/sched_wakeup\n\nTotals:\n    Dropped: 3\n");
    ASSERT_FALSE(trace);
    EXPECT_THAT(trace.error().what, HasSubstr("sched/sched_wakeup overflowed"));
}

} // namespace
} // namespace lab
