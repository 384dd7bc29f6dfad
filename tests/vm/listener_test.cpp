// SPDX-License-Identifier: GPL-2.0-only
// Listeners: both families, several ports, one address.
#include "module_test.h"

#include "util/shell.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

class ListenerTest : public ModuleTest {
  protected:
    static constexpr const char *server6 = "fd00:50::1";
    static constexpr const char *client6 = "fd00:50::2";

    /// Gives both ends an address in IPv6, beside the link-local one that they have.
    static void use_ipv6() {
        on(server(), fmt::format("ip -6 addr replace {}/64 dev eth1 nodad", server6));
        on(client(), fmt::format("ip -6 addr replace {}/64 dev eth1 nodad", client6));
    }

    /// Mounts `from` with these options on the client, moves a megabyte, compares, unmounts.
    static void round_trip(const std::string &options, const std::string &from) {
        SCOPED_TRACE(from + " " + options);
        const auto before = counters();
        on(client(),
           fmt::format("mkdir -p /mnt/nfs && mount -t nfs -o {} '{}' /mnt/nfs", options, from));
        on(client(), "dd if=/dev/urandom of=/mnt/nfs/file bs=64k count=16 conv=fsync 2>&1 && "
                     "echo 3 > /proc/sys/vm/drop_caches");
        EXPECT_EQ(on(client(), "sha256sum < /mnt/nfs/file"),
                  on(server(), "sha256sum < /export/file"));
        on(client(), "umount /mnt/nfs");
        EXPECT_GT(counters().at("calls"), before.at("calls"));
    }
};

// nfsd makes a listener for IPv4 and one for IPv6 of every line that is written to the portlist.
TEST_F(ListenerTest, ServesBothFamilies) {
    use_ipv6();
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    EXPECT_EQ(counters().at("live_listeners"), 2U);
    EXPECT_EQ(on(server(), "grep -c '^rdma 20049$' /proc/fs/nfsd/portlist"), "2\n");

    round_trip("vers=4.2,proto=rdma,port=20049", server().data_address() + ":/");
    for (const char *version : {"4.2", "4.1"})
        round_trip(fmt::format("vers={},proto=rdma6,port=20049", version),
                   fmt::format("[{}]:/", server6));
    round_trip("vers=3,proto=rdma6,port=20049,nolock,mountproto=tcp6",
               fmt::format("[{}]:/export", server6));

    auto link_local = on(server(), "ip -6 -o addr show dev eth1 scope link | "
                                   "sed 's/.*inet6 \\(fe80[^/]*\\).*/\\1/'");
    link_local.resize(link_local.find_first_of('\n'));
    round_trip("vers=4.2,proto=rdma6,port=20049", fmt::format("[{}%eth1]:/", link_local));
    expect_nothing_live();
}

// Calls back to the client find their way over IPv6, too.
TEST_F(ListenerTest, CallsBackOverIpv6) {
    use_ipv6();
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    on(client(), fmt::format("mkdir -p /mnt/nfs && mount -t nfs -o vers=4.1,proto=rdma6,port=20049 "
                             "'[{}]:/' /mnt/nfs && ls /mnt/nfs",
                             server6));
    EXPECT_EQ(on(server(), "grep -h 'callback state' /proc/fs/nfsd/clients/*/info"),
              "callback state: UP\n");
    on(client(), "umount /mnt/nfs");
    expect_nothing_live();
}

TEST_F(ListenerTest, SeveralPortsServe) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    on(server(), "echo 'rdma 20051' > /proc/fs/nfsd/portlist");
    EXPECT_EQ(counters().at("live_listeners"), 4U);
    for (const int port : {20049, 20051})
        round_trip(fmt::format("vers=4.2,proto=rdma,port={}", port),
                   server().data_address() + ":/");
    // A port that is taken is refused, and those that serve go on.
    auto output =
        server().run("echo 'rdma 20051' > /proc/fs/nfsd/portlist", Deadline::scaled(seconds(10)));
    ASSERT_TRUE(worked(output));
    EXPECT_NE(output->status, 0);
    EXPECT_EQ(counters().at("live_listeners"), 4U);
    round_trip("vers=4.2,proto=rdma,port=20051", server().data_address() + ":/");
    expect_nothing_live();
}

// nfsdctl knows addresses, which the portlist does not. It wants nfsd's threads stopped.
TEST_F(ListenerTest, BoundToOneAddressServesOnlyThat) {
    use_ipv6();
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    on(server(), fmt::format("rpc.nfsd 0 && nfsdctl listener +rdma:{}:20052 +rdma:[{}]:20053 && "
                             "nfsdctl threads 4",
                             server().data_address(), server6));
    EXPECT_EQ(counters().at("live_listeners"), 2U);
    round_trip("vers=4.2,proto=rdma,port=20052", server().data_address() + ":/");
    round_trip("vers=4.2,proto=rdma6,port=20053", fmt::format("[{}]:/", server6));
    const auto refused = counters().at("accepts_failed");
    auto output = client().run(
        fmt::format("mount -t nfs -o vers=4.2,proto=rdma,port=20053,retry=0 {}:/ /mnt/nfs",
                    server().data_address()),
        Deadline::scaled(seconds(60)));
    ASSERT_TRUE(worked(output));
    EXPECT_NE(output->status, 0) << "port 20053 belongs to another address";
    EXPECT_EQ(counters().at("accepts_failed"), refused);
    expect_nothing_live();
}

// nfsd in a network namespace of its own, with the data network and its RDMA device in it.
class NamespaceTest : public ListenerTest {
  protected:
    void SetUp() override {
        ListenerTest::SetUp();
        if (pair().kernel().version.starts_with("6."))
            GTEST_SKIP() << "rxe resolves routes in the initial namespace only";
        entered_ = true;
        const auto put = server().put(module(), "/root/svcrdma.ko", Deadline::scaled(seconds(20)));
        ASSERT_TRUE(worked(put));
        on(server(), "modprobe -a sunrpc rdma_cm nfsd && insmod /root/svcrdma.ko && "
                     "mkdir -p /export && mount -t tmpfs -o mode=777 export /export && "
                     "rdma link delete rxe0 && ip netns add inner && ip link set eth1 netns inner");
    }

    void TearDown() override {
        if (entered_) {
            inside("rpc.nfsd 0; exportfs -ua; rdma link delete rxe0");
            on(server(),
               fmt::format("pkill -x rpc.mountd; pkill -x nfsdcld; umount /export; "
                           "ip netns delete inner; for n in $(seq 50); do "
                           "ip link show eth1 >/dev/null 2>&1 && break; sleep 0.2; done; "
                           "ip link set eth1 mtu 9000 up; ip address replace {}/24 dev eth1; "
                           "rdma link add rxe0 type rxe netdev eth1; rmmod svcrdma",
                           server().data_address()));
        }
        ListenerTest::TearDown();
    }

    /// Runs a command in there. Each has its own mounts, one of them this namespace's nfsd.
    static std::string inside(const std::string &command) {
        return on(server(),
                  fmt::format("ip netns exec inner sh -c {}",
                              shell_quote("mount -t nfsd nfsd /proc/fs/nfsd; " + command)));
    }

  private:
    bool entered_ = false;
};

TEST_F(NamespaceTest, ServesFromWithin) {
    inside(fmt::format(
        "set -e; ip link set lo up; ip link set eth1 mtu 9000 up; ip address add {}/24 dev eth1; "
        "rdma link add rxe0 type rxe netdev eth1; mkdir -p /var/lib/nfs/nfsdcld; "
        "mount -t rpc_pipefs rpc_pipefs /var/lib/nfs/rpc_pipefs; nfsdcld; rpc.mountd -N 3; "
        "exportfs -o rw,async,no_root_squash,insecure,no_subtree_check,fsid=0 '*:/export'; "
        "rpc.nfsd --no-udp -N 3 --lease-time 10 --grace-time 10 4; "
        "echo 'rdma 20049' > /proc/fs/nfsd/portlist",
        server().data_address()));
    EXPECT_EQ(counters().at("live_listeners"), 2U);
    // The initial namespace serves nothing.
    on(server(), "mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd; "
                 "! grep rdma /proc/fs/nfsd/portlist");
    round_trip("vers=4.2,proto=rdma,port=20049", server().data_address() + ":/");
    expect_nothing_live();
}

} // namespace

} // namespace lab
