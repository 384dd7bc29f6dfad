// SPDX-License-Identifier: GPL-2.0-only
// Connections whose handshake does not end.
#include "module_test.h"

namespace lab {

namespace {

using std::chrono::seconds;

class HandshakeTest : public ModuleTest {
  protected:
    void TearDown() override {
        hear();
        ModuleTest::TearDown();
    }
};

// The client has asked for a connection and does not hear that it was accepted. It is not kept for
// the minutes that the connection manager takes to give up.
TEST_F(HandshakeTest, HalfOpenConnectionIsDropped) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    expect_service();

    deafen();
    try_to_mount(seconds(20));
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_waiting") == 1; }));
    EXPECT_EQ(counters().at("handshakes_timed_out"), 0U);
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("handshakes_timed_out") > 0; },
                           seconds(20)));
    hear();
    give_up_mount(seconds(60));
    expect_service();
}

} // namespace

} // namespace lab
