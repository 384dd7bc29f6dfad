// SPDX-License-Identifier: GPL-2.0-only
// Connections on their way in.
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using AcceptTest = ModuleTest;

// No thread accepts, and a client asks for more connections than may wait: the others are refused
// at once. When the client gives up, nothing of it stays in the queue.
TEST_F(AcceptTest, QueueIsBounded) {
    constexpr unsigned backlog = 64, asked_for = 80;
    serve({Transport::svcrdma}, 1);
    ASSERT_TRUE(nfs_);
    hold_thread();
    start_on(client(), "asking",
             fmt::format("modprobe rdma_ucm; ucmatose -s {} -p {} -c {} || :",
                         server().data_address(), nfs_->port(Transport::svcrdma), asked_for));
    // It gives up as soon as one is refused, and takes back the others.
    EXPECT_TRUE(eventually([](const Counters &now) {
        return now.at("accepts_refused") + now.at("accepts_abandoned") == asked_for;
    })) << output_on(client(), "asking");
    const auto now = counters();
    EXPECT_EQ(now.at("accepts_abandoned"), backlog);
    EXPECT_EQ(now.at("live_waiting"), 0U);
    EXPECT_EQ(now.at("live_connections"), 0U);
    finish_on(client(), "asking", std::chrono::seconds(30));
    let_thread_go();
    expect_service();
}

} // namespace

} // namespace lab
