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
        shorten_grace();
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
    const auto file = delegated_file();
    ASSERT_FALSE(file.empty());

    on(server(), fmt::format("timeout 5 sh -c 'echo after > /export/{}'", file), seconds(20));
    EXPECT_TRUE(eventually([](const Counters &now) {
        return now.at("backchannel_calls") > 0 &&
               now.at("backchannel_replies") == now.at("backchannel_calls");
    })) << "nothing was recalled";
    EXPECT_EQ(counters().at("backchannel_drops"), 0U);
    EXPECT_EQ(on(server(), delegations).find("type: deleg"), std::string::npos);
    EXPECT_EQ(on(client(), "cat /mnt/nfs/" + file), "after\n");

    unmount();
    expect_nothing_live();
}

} // namespace

} // namespace lab
