// SPDX-License-Identifier: GPL-2.0-only
// Devices that go and come back: what was made of them goes, and NFS works again without a reload.
#include "module_test.h"

#include <fmt/format.h>

#include <chrono>

namespace lab {

namespace {

using std::chrono::seconds;

class DeviceTest : public ModuleTest {
  protected:
    void TearDown() override {
        // Whatever the test did to it, the next one finds the network as it was.
        on(server(),
           fmt::format("rdma link | grep -q 'rxe0/1 .* netdev eth1' && exit; "
                       "rdma link delete rxe0 2>/dev/null; ip link delete bond0 2>/dev/null && "
                       "ip link delete spare; ip link set eth1 mtu 9000 up; "
                       "ip address replace {}/24 dev eth1; rdma link add rxe0 type rxe netdev eth1",
                       server().data_address()));
        ModuleTest::TearDown();
    }

    /// Takes the server's RDMA device away. It has to be gone within ten seconds, stretched.
    static void take_device() {
        const auto begin = std::chrono::steady_clock::now();
        on(server(), "timeout 60 rdma link delete rxe0", seconds(70));
        EXPECT_LT(std::chrono::steady_clock::now() - begin, stretched(seconds(10)));
    }

    static void give_device() { on(server(), "rdma link add rxe0 type rxe netdev eth1"); }

    static void mount_by_hand(int port, const std::string &version = "4.2") {
        on(client(), fmt::format("mkdir -p /mnt/nfs && mount -t nfs -o "
                                 "vers={},proto=rdma,port={} {}:{} /mnt/nfs && ls /mnt/nfs",
                                 version, port, server().data_address(),
                                 version.starts_with("3") ? "/export" : "/"));
    }
};

// Four connections are busy when their device goes. Every request is answered in the end, by the
// same module, and what was written is what is read.
TEST_F(DeviceTest, GoesUnderLoadAndComesBack) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "4.2", "nconnect=4");
    ASSERT_TRUE(mount_);

    start_on(client(), "load",
             "cd /mnt/nfs && fio --name=load --size=2m --bs=16k --rw=randwrite --verify=crc32c "
             "--do_verify=1 --direct=1 --ioengine=libaio --iodepth=16 --loops=8 --minimal");
    for (int round = 0; round < 2; round++) {
        SCOPED_TRACE(round);
        const auto before = counters();
        ASSERT_TRUE(eventually(
            [&](const Counters &now) { return now.at("calls") > before.at("calls") + 50; },
            seconds(60)))
            << "no load";
        take_device();
        const auto now = counters();
        for (const char *name : {"live_connections", "live_recv_ctxts", "live_send_ctxts",
                                 "live_reply_pages", "live_pages"})
            EXPECT_EQ(now.at(name), 0U) << name;
        EXPECT_GT(now.at("device_closes"), before.at("device_closes"));
        EXPECT_EQ(now.at("live_listeners"), 2U);
        give_device();
    }
    finish_on(client(), "load", seconds(120));
    on(client(), "rm -f /mnt/nfs/load*");
    unmount();
    expect_nothing_live();
}

// A listener on one address is that address's device's. It outlives the device.
TEST_F(DeviceTest, BoundListenerComesBackWithIt) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    on(server(), fmt::format("rpc.nfsd 0 && nfsdctl listener +rdma:{}:20052 && nfsdctl threads 4",
                             server().data_address()));
    mount_by_hand(20052);
    take_device();
    EXPECT_EQ(counters().at("live_listeners"), 1U);
    EXPECT_EQ(counters().at("relistens"), 0U);
    give_device();
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("relistens") == 1; }));
    on(client(), "ls /mnt/nfs && umount /mnt/nfs", seconds(60));
    mount_by_hand(20052, "4.1");
    on(client(), "umount /mnt/nfs");
    expect_nothing_live();
}

// Connections that no nfsd thread has accepted yet go with the device, too. The only thread is
// held up by a file system that is frozen.
TEST_F(DeviceTest, ConnectionsInTheQueueGoToo) {
    serve({Transport::svcrdma}, 1);
    ASSERT_TRUE(nfs_);
    hold_thread();
    try_to_mount(seconds(60));
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_waiting") > 0; }));
    EXPECT_EQ(counters().at("live_connections"), 0U);
    take_device();
    EXPECT_EQ(counters().at("live_waiting"), 0U);
    EXPECT_GT(counters().at("accepts_abandoned"), 0U);

    give_device();
    let_thread_go();
    give_up_mount(seconds(90));
    mount_by_hand(20049);
    on(client(), "umount /mnt/nfs");
    expect_nothing_live();
}

// The connection manager tells of another hardware address only when a bond changes over from one
// interface to the other: connections made with the old one close, the listener that is bound
// listens anew.
TEST_F(DeviceTest, HardwareAddressChanges) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    const auto address = server().data_address();
    on(server(),
       fmt::format(
           "set -e; rdma link delete rxe0; modprobe bonding max_bonds=0; modprobe dummy; "
           "ip link add bond0 type bond mode active-backup fail_over_mac active; "
           "ip link add spare type dummy; ip link set eth1 down; ip address flush dev eth1; "
           "ip link set eth1 master bond0; ip link set spare master bond0; "
           "ip link set bond0 mtu 9000 up; ip link set eth1 up; ip link set spare up; "
           "ip link set bond0 type bond active_slave eth1; "
           "ip address add {}/24 dev bond0; rdma link add rxe0 type rxe netdev bond0; "
           "rpc.nfsd 0; nfsdctl listener +rdma:{}:20052; nfsdctl threads 4",
           address, address));
    mount_by_hand(20052, "3,nolock,mountproto=tcp");
    for (const char *slave : {"spare", "eth1"}) {
        SCOPED_TRACE(slave);
        const auto before = counters();
        on(server(), fmt::format("ip link set bond0 type bond active_slave {}", slave));
        EXPECT_TRUE(eventually([&](const Counters &now) {
            return now.at("relistens") == before.at("relistens") + 1;
        }));
    }
    EXPECT_GE(counters().at("address_changes"), 1U) << "no connection was told";
    const auto calls = counters().at("calls");
    on(client(), "ls /mnt/nfs && umount /mnt/nfs", seconds(60));
    EXPECT_GT(counters().at("calls"), calls);
    expect_nothing_live();
}

} // namespace

} // namespace lab
