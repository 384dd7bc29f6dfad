// SPDX-License-Identifier: GPL-2.0-only
// A data network that is slower than a lab's.
#include "fixture.h"
#include "lab/network.h"

#include <fmt/format.h>

#include <sstream>

namespace lab {

namespace {

using std::chrono::milliseconds;

class NetworkTest : public VmTest {
  protected:
    /// The quickest of ten round trips: the others waited for a CPU as well.
    static double round_trip_ms() {
        const auto said =
            on(client(), fmt::format("ping -q -c 10 -i 0.2 {} | sed -n 's/^rtt [^=]*= //p'",
                                     server().data_address()));
        std::istringstream text(said);
        double quickest = 0;
        EXPECT_TRUE(text >> quickest) << said;
        return quickest;
    }
};

TEST_F(NetworkTest, DelaysForAsLongAsItIsAsked) {
    const auto before = round_trip_ms();
    for (const auto delay : {20, 50, 150}) {
        SCOPED_TRACE(delay);
        auto network = Network::make(server(), {.delay = milliseconds(delay)});
        ASSERT_TRUE(worked(network));
        const auto slow = round_trip_ms();
        EXPECT_GE(slow, delay);
        // A timer of a guest that shares its CPU is late.
        EXPECT_LT(slow, before + 2 * delay);
        ASSERT_TRUE(worked(network->restore()));
    }
    EXPECT_LT(round_trip_ms(), 20);
    EXPECT_EQ(on(server(), "tc qdisc show dev eth1 | grep netem || true"), "");
}

// It is gone with the test that wanted it, whichever way that ends.
TEST_F(NetworkTest, IsBackAfterwards) {
    ASSERT_TRUE(worked(Network::make(server(), {.delay = milliseconds(500), .loss = 50})));
    EXPECT_EQ(on(server(), "tc qdisc show dev eth1 | grep netem || true"), "");
}

// RoCE is made for networks that lose nothing: rxe repeats whole RDMA Reads when a packet of one is
// missing, and ends queue pairs over it. What the machines send waits, and is not dropped.
TEST_F(NetworkTest, LosesNothingByItself) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3", "nconnect=16");
    ASSERT_TRUE(mount_);
    on(client(),
       "fio --name=flood --directory=/mnt/nfs --size=8m --bs=1m --rw=randrw --direct=1 "
       "--ioengine=libaio --iodepth=16 --numjobs=8 --loops=2 --minimal",
       std::chrono::seconds(240));
    for (auto *host : {&server(), &client()})
        EXPECT_EQ(on(*host, "tc -s qdisc show dev eth1 root | grep -o 'dropped [1-9][0-9]*' || :"),
                  "");
    unmount();
}

// RDMA's packets go the same way as ping's.
TEST_F(NetworkTest, DelaysRdma) {
    serve({Transport::rpcrdma});
    ASSERT_TRUE(nfs_);
    mount(Transport::rpcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(), "echo data >/mnt/nfs/file");
    const auto network = Network::make(server(), {.delay = milliseconds(150)});
    ASSERT_TRUE(worked(network));
    // Sixteen reads one after the other, of one round trip at least.
    const auto begin = std::chrono::steady_clock::now();
    on(client(),
       "for n in $(seq 16); do echo 3 >/proc/sys/vm/drop_caches; "
       "cat /mnt/nfs/file >/dev/null; done",
       std::chrono::seconds(60));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 16 * milliseconds(150));
}

} // namespace

} // namespace lab
