// SPDX-License-Identifier: GPL-2.0-only
// Calls from the server to the client over the client's own connection (RFC 8167).
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

class BackchannelTest : public ModuleTest {
  protected:
    void begin() {
        // lockd's grace period counts for NFSv4 as well.
        on(server(), "modprobe lockd && echo 1 > /proc/sys/fs/nfs/nlm_grace_period");
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
        mount(Transport::svcrdma, "4.1");
        ASSERT_TRUE(mount_);
        on(client(), "ls /mnt/nfs");
    }
};

// nfsd has found our backchannel class by its ident and made a client of it.
TEST_F(BackchannelTest, NfsdSeesItUp) {
    begin();
    ASSERT_TRUE(mount_);
    EXPECT_EQ(on(server(), "grep -h 'callback state' /proc/fs/nfsd/clients/*/info"),
              "callback state: UP\n");
}

// A read delegation is granted, and recalled when somebody else writes. Without a backchannel
// none is granted; with one that does not work the writer waits until the lease is over.
TEST_F(BackchannelTest, DelegationIsGrantedAndRecalled) {
    begin();
    ASSERT_TRUE(mount_);
    // nfsd grants none while clients may reclaim what they had before a reboot, so this takes as
    // long as the grace period does. Each try has a file of its own: one that was just written
    // to is not delegated either.
    const std::string states = "cat /proc/fs/nfsd/clients/*/states";
    std::string file;
    for (int n = 0; n < 30 && file.empty(); n++) {
        const auto name = fmt::format("delegated-{}", n);
        on(server(), fmt::format("echo before > /export/{}; sleep 1", name));
        EXPECT_EQ(on(client(), "cat /mnt/nfs/" + name), "before\n");
        if (on(server(), states).find("type: deleg") != std::string::npos)
            file = name;
    }
    ASSERT_FALSE(file.empty()) << "no delegation was granted";

    on(server(), fmt::format("timeout 5 sh -c 'echo after > /export/{}'", file), seconds(20));
    EXPECT_TRUE(eventually([](const Counters &now) {
        return now.at("backchannel_calls") > 0 &&
               now.at("backchannel_replies") == now.at("backchannel_calls");
    })) << "nothing was recalled";
    EXPECT_EQ(counters().at("backchannel_drops"), 0U);
    EXPECT_EQ(on(server(), states).find("type: deleg"), std::string::npos);
    EXPECT_EQ(on(client(), "cat /mnt/nfs/" + file), "after\n");

    unmount();
    expect_nothing_live();
}

} // namespace

} // namespace lab
