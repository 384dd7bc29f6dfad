// SPDX-License-Identifier: GPL-2.0-only
// A server with several RDMA devices.
#include "field_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;
using namespace std::string_literals;

// The second device is of a network of its own, in a tunnel through the first: rxe takes no VLAN,
// and ib_core gives the addresses of a macvlan to the device below it as well, where rdma_cm finds
// them first.
class DevicesTest : public FieldTest {
  protected:
    static constexpr const char *second = "192.168.52.";

    void SetUp() override {
        FieldTest::SetUp();
        join(server(), client(), 1);
        join(client(), server(), 2);
    }

    void TearDown() override {
        FieldTest::TearDown();
        if (pair_lives())
            for (auto *host : {&server(), &client()})
                on(*host, "rdma link delete rxe1 2>/dev/null; ip link delete second0");
    }

    static void join(Host &host, const Host &peer, unsigned number) {
        on(host,
           fmt::format("ip link add second0 type vxlan id 7 local {} remote {} dstport 4789 && "
                       "ip link set second0 up && ip addr add {}{}/24 dev second0",
                       host.data_address(), peer.data_address(), second, number));
        make_device(host);
    }

    static void make_device(Host &host) { on(host, "rdma link add rxe1 type rxe netdev second0"); }

    /// How often the first mount has connected.
    static unsigned connects() {
        const auto text = on(client(), "awk '/mounted on/ { first = $5 == \"/mnt/nfs\" } first && "
                                       "/xprt:/ { print $5 }' /proc/self/mountstats");
        return static_cast<unsigned>(std::stoul(text));
    }

    static void load(const std::string &name, const std::string &dir, unsigned runtime) {
        start_on(client(), name,
                 fmt::format("cd {} && fio --name={} --size=4m --bs=16k --rw=randwrite "
                             "--verify=crc32c --verify_backlog=32 --verify_fatal=1 --direct=1 "
                             "--ioengine=libaio --iodepth=8 --time_based --runtime={} --minimal",
                             dir, name, runtime));
    }
};

// linux-nfs, and a Kubernetes recipe: several devices and VLANs. One goes away under load: who is
// on the other does not notice, and who was on it comes back with it.
TEST_F(DevicesTest, OneGoesAndTheOthersMountsDoNotNotice) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    const std::string options = "vers=3,nolock,mountproto=tcp,rdma,port=20049";
    mount_as(options, "/export");
    mount_as(options, "/export", "/mnt/other", second + "1"s);
    load("stays", "/mnt/nfs", 40);
    load("goes", "/mnt/other", 40);
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_connections") == 2; },
                           seconds(20)));
    const auto before = counters();
    ASSERT_TRUE(
        eventually([&](const Counters &now) { return now.at("calls") > before.at("calls") + 100; },
                   seconds(60)));
    on(server(), "rdma link delete rxe1", seconds(60));
    const auto gone = counters();
    EXPECT_GT(gone.at("device_closes"), before.at("device_closes"));
    EXPECT_EQ(gone.at("live_connections"), 1U);
    // Its own connection serves on, without having been made anew.
    ASSERT_TRUE(
        eventually([&](const Counters &now) { return now.at("calls") > gone.at("calls") + 200; },
                   seconds(60)));
    EXPECT_EQ(connects(), 1U);
    make_device(server());
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_connections") == 2; },
                           seconds(90)));
    finish_on(client(), "stays", seconds(180));
    finish_on(client(), "goes", seconds(180));
    on(client(), "rm -f /mnt/nfs/stays* /mnt/other/goes*");
    unmount_all();
    expect_nothing_live();
}

} // namespace

} // namespace lab
