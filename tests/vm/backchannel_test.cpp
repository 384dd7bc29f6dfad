// SPDX-License-Identifier: GPL-2.0-only
// Calls from the server to the client over the client's own connection (RFC 8167).
#include "module_test.h"

#include "util/deadline.h"

#include <fmt/format.h>

#include <string>

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

// Two clients of one connection ask nfsd for callbacks at once, and setting that up takes so long
// that both are at it. Each is called back, and what was set up goes with the connection: the
// module can be unloaded.
TEST_F(BackchannelTest, TwoClientsOfOneConnection) {
    constexpr auto program = "/root/rpcrdma-conform";
    shorten_grace();
    serve({Transport::svcrdma}, 8, "bc_setup_ms=500");
    ASSERT_TRUE(nfs_);
    const auto limit = Deadline::scaled(seconds(120));
    ASSERT_TRUE(worked(client().put(CONFORM_PROGRAM, program, limit)));
    on(client(),
       fmt::format("modprobe rdma_ucm; {} {}:{} --timeout 30 --only reverse.two-clients", program,
                   server().data_address(), nfs_->port(Transport::svcrdma)),
       seconds(120));
    expect_nothing_live();
    EXPECT_EQ(counters().at("backchannel_replies"), 2U);
    stop();
}

// The connection is to be closed when there is something to call the client back for, and no thread
// is free to close it. Nobody tries again and again meanwhile, and the client hears of it over its
// next connection.
TEST_F(BackchannelTest, CallsWaitForTheEndOfTheirConnection) {
    shorten_grace();
    serve({Transport::svcrdma}, 1);
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "4.1");
    ASSERT_TRUE(mount_);
    const auto file = delegated_file();
    ASSERT_FALSE(file.empty());
    hold_thread();
    start_on(server(), "removal", "rdma link delete rxe0");
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("device_closes") > 0; }));
    start_on(server(), "write", fmt::format("echo after > /export/{}", file));
    on(server(), "sleep 1");
    const auto busy = [] {
        return std::stol(on(server(), "awk '/^cpu / {print $2 + $3 + $4}' /proc/stat"));
    };
    const auto before = busy();
    on(server(), "sleep 4");
    const auto spent = busy() - before;
    EXPECT_LT(spent, 200) << "hundredths of a second, of 400";
    RecordProperty("busy_centiseconds", static_cast<int>(spent));
    EXPECT_FALSE(ended_on(server(), "removal"));
    let_thread_go();
    finish_on(server(), "removal", seconds(30));
    on(server(), "rdma link add rxe0 type rxe netdev eth1");
    finish_on(server(), "write", seconds(120));
    EXPECT_EQ(on(client(), "cat /mnt/nfs/" + file, seconds(60)), "after\n");
    unmount();
    expect_nothing_live();
}

} // namespace

} // namespace lab
