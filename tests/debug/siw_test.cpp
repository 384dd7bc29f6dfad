// SPDX-License-Identifier: GPL-2.0-only
// The same over another kind of RDMA: software iWARP, where Debian's kernels have it or the lab's
// own. Reads need registered memory there, and the handshake is another one. The kernel's own
// transport runs beside ours, to tell what siw gets wrong.
#include "module_test.h"
#include "nfs/rdma_device.h"

#include <fmt/format.h>

#include <chrono>
#include <string>

namespace lab {

namespace {

using std::chrono::seconds;

class SiwTest : public ModuleTest {
  protected:
    void SetUp() override {
        ModuleTest::SetUp();
        if (on(server(), "modprobe siw 2>/dev/null && echo yes || :") != "yes\n")
            GTEST_SKIP() << "this kernel has no siw";
        for (auto *host : {&server(), &client()})
            ASSERT_TRUE(worked(use_rdma_provider(*host, "siw")));
    }

    void TearDown() override {
        if (pair_lives())
            answer();
        ModuleTest::TearDown();
        if (IsSkipped())
            return;
        for (auto *host : {&server(), &client()})
            EXPECT_TRUE(worked(use_rdma_provider(*host, "rxe")));
    }

    /// What the client sends is lost if it is longer than a call: the answers to Reads.
    static void answer_no_reads() {
        on(client(), "tc qdisc add dev eth1 clsact && for bit in 0x400 0x800 0x1000 0x2000 0x4000 "
                     "0x8000; do tc filter add dev eth1 egress protocol ip u32 match u16 $bit $bit "
                     "at 2 action drop; done");
    }
    static void answer() { on(client(), "tc qdisc del dev eth1 clsact 2>/dev/null || :"); }
};

class SiwVerifyTest : public SiwTest, public ::testing::WithParamInterface<Transport> {};

TEST_P(SiwVerifyTest, ReadsWhatItWrote) {
    const bool ours = GetParam() == Transport::svcrdma;
    serve({GetParam()});
    ASSERT_TRUE(nfs_);
    for (const char *version : {"3", "4.2"}) {
        SCOPED_TRACE(version);
        mount(GetParam(), version);
        ASSERT_TRUE(mount_);
        verify("debug/verify-mixed.fio");
        unmount();
        if (ours)
            expect_nothing_live();
    }
    if (!ours)
        return;
    const auto now = counters();
    for (const char *moved : {"read_bytes", "write_bytes", "remote_invalidations"})
        EXPECT_GT(now.at(moved), 0U) << moved;
    for (const char *trouble : {"send_failures", "recv_failures", "read_failures", "post_failures",
                                "map_failures", "no_memory"})
        EXPECT_EQ(now.at(trouble), 0U) << trouble;
    EXPECT_EQ(now.at("calls"), now.at("replies"));
}

// A connection that has asked for data ends before they come. An orderly end would make siw forget
// that it was asked.
TEST_F(SiwTest, EndsWithReadsInFlight) {
    expect_stalls();
    serve({Transport::svcrdma}, 8, "deadline=5");
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(), "head -c 1M /dev/urandom > /root/data");
    answer_no_reads();
    start_on(client(), "write", "dd if=/root/data of=/mnt/nfs/file bs=1M oflag=direct");
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_pages") > 0; }));
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("stalls") > 0; }, seconds(30)));
    answer();
    finish_on(client(), "write", seconds(120));
    on(client(), "cmp /root/data /mnt/nfs/file && rm /root/data");
    unmount();
    expect_nothing_live();
}

// Many more WRITEs than the network carries, which is TCP's: where a round trip takes seconds, what
// it repeats comes late. No connection ends for it.
TEST_F(SiwTest, FloodEndsNoConnection) {
    constexpr unsigned connections = 16;
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3", fmt::format("nconnect={},timeo=6000", connections));
    ASSERT_TRUE(mount_);
    on(client(),
       "fio --name=flood --directory=/mnt/nfs --size=8m --bs=1m --rw=write --direct=1 "
       "--ioengine=libaio --iodepth=16 --numjobs=8 --minimal",
       seconds(600));
    const auto now = counters();
    EXPECT_EQ(now.at("flushes"), 0U) << "a connection has ended";
    EXPECT_EQ(now.at("live_connections"), connections);
    expect_no_trouble(now);
    unmount();
    expect_nothing_live();
    on(server(), "rm -f /export/flood*");
}

INSTANTIATE_TEST_SUITE_P(Transports, SiwVerifyTest,
                         ::testing::Values(Transport::rpcrdma, Transport::svcrdma),
                         [](const auto &info) { return std::string(transport_name(info.param)); });

} // namespace

} // namespace lab
