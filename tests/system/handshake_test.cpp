// SPDX-License-Identifier: GPL-2.0-only
// Connections whose handshake does not end.
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

class HandshakeTest : public ModuleTest {
  protected:
    void TearDown() override {
        hear();
        ModuleTest::TearDown();
    }

    static void try_to_mount() {
        on(client(), fmt::format("mkdir -p /mnt/nfs; (setsid timeout 20 mount -t nfs -o "
                                 "vers=4.2,proto=rdma,port=20049,retry=0 {}:/ /mnt/nfs) "
                                 "</dev/null >/dev/null 2>&1 &",
                                 server().data_address()));
    }
};

// The client has asked for a connection and does not hear that it was accepted. It is not kept for
// the minutes that the connection manager takes to give up.
TEST_F(HandshakeTest, HalfOpenConnectionIsDropped) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    expect_service();

    deafen();
    try_to_mount();
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_connections") == 1; }));
    EXPECT_EQ(counters().at("handshakes_timed_out"), 0U);
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("handshakes_timed_out") > 0; },
                           seconds(20)));
    hear();
    on(client(),
       "while pgrep -x mount.nfs >/dev/null; do sleep 0.2; done; "
       "umount /mnt/nfs 2>/dev/null || :",
       seconds(60));
    expect_service();
}

} // namespace

} // namespace lab
