// SPDX-License-Identifier: GPL-2.0-only
// Connections on their way in.
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

class AcceptTest : public ModuleTest {
  protected:
    void SetUp() override { on(client(), "modprobe rdma_ucm"); }

    /// A client that wants so many connections and does nothing with them.
    void ask_for(unsigned connections) {
        start_on(client(), "asking",
                 fmt::format("ucmatose -s {} -p {} -c {} || :", server().data_address(),
                             nfs_->port(Transport::svcrdma), connections));
    }

    static void stop_asking() {
        on(client(), "pkill -x ucmatose || :");
        finish_on(client(), "asking", seconds(30));
    }
};

// No thread is free, and clients ask for more connections than anybody has thought of: all are
// made, and wait to be handed over. When the client gives up, nothing of them stays. A kernel of
// the lab's own takes longer for so many than they have to confirm.
TEST_F(AcceptTest, ManyMayWait) {
    const unsigned asked_for = pair().kernel().slowness > 1 ? 25 : 150;
    serve({Transport::svcrdma}, 1);
    ASSERT_TRUE(nfs_);
    hold_thread();
    ask_for(asked_for);
    EXPECT_TRUE(eventually([&](const Counters &now) { return now.at("live_waiting") == asked_for; },
                           seconds(60)))
        << output_on(client(), "asking");
    EXPECT_EQ(counters().at("live_connections"), 0U);
    stop_asking();
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_waiting") == 0; }));
    EXPECT_EQ(counters().at("accepts_abandoned"), asked_for);
    let_thread_go();
    expect_service();
}

// What was sent while nobody was there to take it over is served when somebody is.
TEST_F(AcceptTest, CallsWaitWithTheirConnection) {
    serve({Transport::svcrdma}, 1);
    ASSERT_TRUE(nfs_);
    hold_thread();
    start_on(
        client(), "mount",
        fmt::format("mkdir -p /mnt/nfs; mount -t nfs -o vers=3,nolock,mountproto=tcp,proto=rdma,"
                    "port={} {}:/export /mnt/nfs && umount /mnt/nfs",
                    nfs_->port(Transport::svcrdma), server().data_address()));
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("recv_events") > 0; }));
    EXPECT_EQ(counters().at("calls"), 0U);
    EXPECT_EQ(counters().at("live_waiting"), 1U);
    let_thread_go();
    finish_on(client(), "mount", seconds(60));
    EXPECT_GT(counters().at("calls"), 0U);
    expect_nothing_live();
}

TEST_F(AcceptTest, LimitOfOneClient) {
    serve({Transport::svcrdma}, 8, "connections_per_client=8");
    ASSERT_TRUE(nfs_);
    ask_for(12);
    EXPECT_TRUE(
        eventually([](const Counters &now) { return now.at("accepts_over_client_limit") > 0; }));
    EXPECT_EQ(counters().at("accepts_over_limit"), 0U);
    stop_asking();
    expect_service();
    on(server(), "echo 12 > /sys/module/svcrdma/parameters/connections_per_client");
    const auto refused = counters().at("accepts_over_client_limit");
    ask_for(12);
    EXPECT_TRUE(eventually([](const Counters &now) {
        return now.at("live_connections") + now.at("live_waiting") == 12;
    }));
    EXPECT_EQ(counters().at("accepts_over_client_limit"), refused);
    stop_asking();
    expect_nothing_live();
}

TEST_F(AcceptTest, LimitInAll) {
    serve({Transport::svcrdma}, 8, "connections=8");
    ASSERT_TRUE(nfs_);
    ask_for(12);
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("accepts_over_limit") > 0; }));
    EXPECT_EQ(counters().at("accepts_over_client_limit"), 0U);
    stop_asking();
    expect_service();
}

// A thousand clients with sixteen connections each may come to a machine of 64 GiB.
TEST_F(AcceptTest, LimitFollowsMemory) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    const auto limit = std::stol(on(server(), "cat /sys/module/svcrdma/parameters/connections"));
    const auto kib = std::stol(on(server(), "awk '/^MemTotal/ {print $2}' /proc/meminfo"));
    constexpr long gib = 1024 * 1024;
    EXPECT_GT(limit * (62 * gib / kib), 16 * 1000);
}

} // namespace

} // namespace lab
