// SPDX-License-Identifier: GPL-2.0-only
// Calls from the server to the client over the client's own connection (RFC 8167).
#include "module_test.h"

namespace lab {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class BackchannelTest : public ModuleTest {
  protected:
    void begin() {
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
        mount(Transport::svcrdma, "4.1");
        ASSERT_TRUE(mount_);
    }
};

// nfsd probes the backchannel with a CB_NULL and remembers whether an answer came.
TEST_F(BackchannelTest, NfsdSeesItUp) {
    begin();
    ASSERT_TRUE(mount_);
    on(client(), "ls /mnt/nfs");
    EXPECT_TRUE(eventually([](const Counters &now) {
        return now.at("backchannel_calls") > 0 &&
               now.at("backchannel_replies") == now.at("backchannel_calls");
    }));
    EXPECT_EQ(on(server(), "grep -h 'callback state' /proc/fs/nfsd/clients/*/info"),
              "callback state: UP\n");
    EXPECT_EQ(counters().at("backchannel_drops"), 0U);
}

// A read delegation is granted, and recalled when somebody else writes. Without a backchannel
// none is granted; with one that does not work the writer waits until the lease is over.
TEST_F(BackchannelTest, DelegationIsGrantedAndRecalled) {
    begin();
    ASSERT_TRUE(mount_);
    on(server(), "echo before > /export/delegated");
    on(client(), "ls /mnt/nfs");
    ASSERT_TRUE(eventually([](const Counters &now) { return now.at("backchannel_replies") > 0; }));

    EXPECT_EQ(on(client(), "cat /mnt/nfs/delegated"), "before\n");
    EXPECT_NE(on(server(), "cat /proc/fs/nfsd/clients/*/states").find("type: deleg"),
              std::string::npos);

    const auto calls = counters().at("backchannel_calls");
    on(server(), "timeout 5 sh -c 'echo after > /export/delegated'", seconds(20));
    EXPECT_GT(counters().at("backchannel_calls"), calls) << "nothing was recalled";
    EXPECT_EQ(on(server(), "cat /proc/fs/nfsd/clients/*/states").find("type: deleg"),
              std::string::npos);
    EXPECT_EQ(on(client(), "cat /mnt/nfs/delegated"), "after\n");

    unmount();
    expect_nothing_live();
}

} // namespace

} // namespace lab
