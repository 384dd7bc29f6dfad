// SPDX-License-Identifier: GPL-2.0-only
// The release list: nothing that a finished reply held is held for long.
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;
class ReleaseTest : public ModuleTest {
  protected:
    // A thread may release the last reply before the transport is quiet: then the timer finds
    // nothing to do. One call at a time, it will.
    static void wait_for_self_enqueue() {
        for (int round = 0; round < 20 && counters().at("self_enqueues") == 0; round++)
            on(client(), "stat -f /mnt/nfs && sleep 0.5");
    }
};

// Without the quiet timer's self-enqueue the last replies of the burst stay where they are: with
// the call of svc_rdma_self_enqueue() removed from svc_rdma_quiet_timer() this test fails.
TEST_F(ReleaseTest, IdleConnectionHoldsNothing) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(server(), "head -c 4M /dev/urandom > /export/burst");
    on(client(), "dd if=/mnt/nfs/burst of=/dev/null bs=256k iflag=direct 2>&1");
    wait_for_self_enqueue();

    // Looking at sysfs over SSH makes no NFS traffic: only the module itself can release.
    const auto calls = counters().at("calls");
    EXPECT_TRUE(eventually(
        [](const Counters &now) {
            return now.at("released") == now.at("replies") && now.at("live_pages") == 0;
        },
        std::chrono::seconds(2)));
    const auto now = counters();
    EXPECT_EQ(now.at("released"), now.at("replies"));
    EXPECT_EQ(now.at("calls"), calls) << "there was traffic that could have released";
    EXPECT_GT(now.at("self_enqueues"), 0U);
}

// Both queues tell when a completion came between the poll and the arming; whatever they tell,
// every call is answered.
TEST_F(ReleaseTest, EveryCallIsAnsweredUnderLoad) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(),
       "cd /mnt/nfs && fio --name=load --size=2m --bs=4k --rw=randrw --direct=1 "
       "--ioengine=libaio --iodepth=16 --numjobs=2 --group_reporting --minimal",
       seconds(120));
    EXPECT_TRUE(eventually([](const Counters &now) {
        return now.at("calls") == now.at("replies") && now.at("released") == now.at("replies");
    }));
    const auto now = counters();
    EXPECT_GT(now.at("credit_growths"), 0U);
    EXPECT_GT(now.at("recv_arms"), 0U);
    EXPECT_EQ(now.at("arm_failures"), 0U);
}

// The tracepoints show the moments that the counters count.
TEST_F(ReleaseTest, TracepointsTell) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    const auto trace = traced("svc_rdma_*", [this] {
        mount(Transport::svcrdma, "3");
        ASSERT_TRUE(mount_);
        on(client(), "dd if=/dev/urandom of=/mnt/nfs/traced bs=64k count=4 conv=fsync 2>&1");
        wait_for_self_enqueue();
        EXPECT_TRUE(eventually(
            [](const Counters &now) { return now.at("released") == now.at("replies"); }));
    });
    for (const char *event : {"svc_rdma_accepted", "svc_rdma_call", "svc_rdma_reply",
                              "svc_rdma_arm", "svc_rdma_drain", "svc_rdma_self_enqueue"})
        EXPECT_NE(trace.find(event), std::string::npos) << event;
    EXPECT_NE(trace.find("client=" + client().data_address()), std::string::npos);
}

// The other two policies release through other hands, but they release everything, too.
TEST_F(ReleaseTest, OtherPoliciesReleaseEverything) {
    for (const char *policy : {"workqueue", "inline"}) {
        SCOPED_TRACE(policy);
        serve({Transport::svcrdma}, 8, fmt::format("release={}", policy));
        ASSERT_TRUE(nfs_);
        mount(Transport::svcrdma, "4.2");
        ASSERT_TRUE(mount_);
        on(client(), "dd if=/dev/urandom of=/mnt/nfs/file bs=256k count=8 conv=fsync 2>&1");
        on(client(), "dd if=/mnt/nfs/file of=/dev/null bs=256k iflag=direct 2>&1");
        EXPECT_EQ(counters().at("drained_by_release_ctxt"), 0U);
        unmount();
        expect_nothing_live();
        stop();
    }
}

} // namespace

} // namespace lab
