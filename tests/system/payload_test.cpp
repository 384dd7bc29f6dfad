// SPDX-License-Identifier: GPL-2.0-only
// Calls at the end of a thread's page array, where that is long.
#include "conform_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

class PayloadTest : public ConformTest, public testing::WithParamInterface<unsigned> {};

TEST_P(PayloadTest, LongCallsLeaveThePagesOfTheReply) {
    limit_payload(GetParam());
    crowd_out();
}

TEST_P(PayloadTest, LongCallsLeaveThePagesOfACopy) {
    if (GetParam() > 1U << 20)
        GTEST_SKIP() << "it takes many minutes, and adds nothing to 1 MiB";
    limit_payload(GetParam());
    copy_what_is_read();
    crowd_out();
}

INSTANTIATE_TEST_SUITE_P(Payloads, PayloadTest, testing::Values(1U << 20, 4U << 20),
                         [](const auto &info) { return fmt::format("{}KiB", info.param >> 10); });

} // namespace

} // namespace lab
