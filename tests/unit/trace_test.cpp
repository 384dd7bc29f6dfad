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
    EXPECT_FALSE(trace->send_handler_median());
}

TEST(Trace, KnowsTheMiddleOfTheHandlersTimes) {
    const auto trace = parse_trace("event synthetic/lab_handler\n"
                                   "{ ns: ~ 4000-4499           } hitcount:          3\n"
                                   "{ ns: ~ 3500-3999           } hitcount:          2\n"
                                   "{ ns: ~ 900000-900499       } hitcount:          2\n");
    ASSERT_TRUE(trace) << trace.error().what;
    EXPECT_THAT(trace->send_handler, ElementsAre(Pair(3500, 2), Pair(4000, 3), Pair(900000, 2)));
    EXPECT_DOUBLE_EQ(trace->send_handler_median().value_or(0), 4250);
}

TEST(Trace, RefusesAnOverflownHistogram) {
    const auto trace = parse_trace("event sched/sched_wakeup\n\nTotals:\n    Dropped: 3\n");
    ASSERT_FALSE(trace);
    EXPECT_THAT(trace.error().what, HasSubstr("sched/sched_wakeup overflowed"));
}

} // namespace
} // namespace lab
