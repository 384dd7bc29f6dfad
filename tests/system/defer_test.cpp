// SPDX-License-Identifier: GPL-2.0-only
// Calls that the RPC server puts aside while it waits for an answer from user space: the
// transport's part of a deferred call, its Write chunk included, stays until the call is taken up
// or given up.
#include "module_test.h"

namespace lab {

namespace {

using std::chrono::seconds;

class DeferTest : public ModuleTest {
  protected:
    // On return a READ waits for rpc.mountd, which is stopped.
    void defer_a_read() {
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
        mount(Transport::svcrdma, "3");
        ASSERT_TRUE(mount_);
        on(client(),
           "head -c 64k /dev/urandom > /root/data && cp /root/data /mnt/nfs/data && sync");
        on(server(),
           "cd /sys/kernel/tracing && echo > trace && "
           "for e in queue recv drop; do echo 1 > events/sunrpc/svc_defer_$e/enable; done");
        on(client(), script("read-later", {}));
        on(server(), "kill -STOP $(pidof rpc.mountd) && exportfs -f");
        const auto calls = counters().at("calls");
        on(client(), "touch /root/go");
        ASSERT_TRUE(eventually([&](const Counters &now) {
            return now.at("calls") > calls && now.at("calls") > now.at("replies");
        }));
        // A thread waits itself for five seconds before it gives the call up to be deferred.
        on(server(), "sleep 7");
    }

    void TearDown() override {
        on(server(),
           "cd /sys/kernel/tracing && "
           "for e in queue recv drop; do echo 0 > events/sunrpc/svc_defer_$e/enable; done");
        // Whatever happened, nobody is left waiting.
        on(server(), "pid=$(pidof rpc.mountd) && kill -CONT $pid || :");
        ModuleTest::TearDown();
    }

    // Whether sunrpc's tracepoint svc_defer_`what` has been hit.
    static bool traced(const std::string &what) {
        return on(server(), "cat /sys/kernel/tracing/trace").find("svc_defer_" + what + ":") !=
               std::string::npos;
    }
};

TEST_F(DeferTest, IsAnsweredWhenTakenUp) {
    defer_a_read();
    ASSERT_TRUE(mount_);
    on(server(), "kill -CONT $(pidof rpc.mountd)");
    on(client(), "while [ ! -e /root/done ]; do sleep 0.1; done; cmp /root/data /root/back",
       seconds(30));
    EXPECT_TRUE(traced("recv"));
    unmount();
    expect_nothing_live();
}

TEST_F(DeferTest, IsForgottenWithItsConnection) {
    defer_a_read();
    ASSERT_TRUE(mount_);
    on(client(), "umount -f /mnt/nfs; umount -l /mnt/nfs");
    mount_.reset();
    on(client(), "while [ ! -e /root/done ]; do sleep 0.1; done", seconds(30));
    // The call keeps the transport, but the queue pair is down.
    on(server(), "while rdma resource show qp | grep -q 'type RC state RTS'; do sleep 0.2; done");
    on(server(), "kill -CONT $(pidof rpc.mountd)");
    EXPECT_TRUE(eventually([](const Counters &) { return traced("drop"); }));
    expect_nothing_live();
}

} // namespace

} // namespace lab
