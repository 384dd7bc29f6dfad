// SPDX-License-Identifier: GPL-2.0-only
// Clients that vanish without a word, and such that have nothing to say.
#include "module_test.h"

#include <fmt/format.h>

#include <chrono>

namespace lab {

namespace {

using std::chrono::seconds;

class KeepaliveTest : public ModuleTest {
  protected:
    void TearDown() override {
        hear();
        ModuleTest::TearDown();
    }
};

// It is probed again and again, and keeps its connection.
TEST_F(KeepaliveTest, SilentClientIsProbed) {
    serve({Transport::svcrdma}, 8, "keepalive=4");
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(), "ls /mnt/nfs");
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("probes") >= 3; }, seconds(30)));
    const auto now = counters();
    EXPECT_EQ(now.at("live_connections"), 1U);
    EXPECT_EQ(now.at("silent_closes"), 0U);
    EXPECT_EQ(now.at("probe_failures"), 0U);
    on(server(), "echo 0 > /sys/module/svcrdma/parameters/keepalive; sleep 3");
    const auto probes = counters().at("probes");
    on(server(), "sleep 5");
    EXPECT_EQ(counters().at("probes"), probes);
    unmount();
    expect_nothing_live();
}

// What was a short silence is a long one from one moment to the next. Nobody has asked the client
// yet, so nothing is known of it: it keeps its connection.
TEST_F(KeepaliveTest, ShorterPeriodAsksFirst) {
    serve({Transport::svcrdma}, 8, "keepalive=0");
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(), "ls /mnt/nfs; sleep 9");
    EXPECT_EQ(counters().at("probes"), 0U);
    on(server(), "echo 4 > /sys/module/svcrdma/parameters/keepalive");
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("probes") >= 2; }, seconds(20)));
    EXPECT_EQ(counters().at("silent_closes"), 0U);
    EXPECT_EQ(counters().at("live_connections"), 1U);
    unmount();
    expect_nothing_live();
}

// Its adapter would have had the server try for half a minute.
TEST_F(KeepaliveTest, DeadClientIsForgotten) {
    constexpr auto period = seconds(4);
    serve({Transport::svcrdma}, 8, "keepalive=4");
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(), "ls /mnt/nfs");
    deafen();
    const auto since = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("silent_closes") == 1; },
                           2 * period + seconds(2)));
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_connections") == 0; },
                           seconds(3)));
    fmt::print("gone after {:.1f} s\n",
               std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count());
    hear();
    on(client(), "ls /mnt/nfs", seconds(120));
    unmount();
    expect_nothing_live();
}

} // namespace

} // namespace lab
