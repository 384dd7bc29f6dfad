// SPDX-License-Identifier: GPL-2.0-only
// The same over another kind of RDMA: software iWARP, where Debian's kernels have it or the lab's
// own. Reads need registered memory there, and the handshake is another one. The kernel's own
// transport runs beside ours, to tell what siw gets wrong.
#include "module_test.h"

#include <fmt/format.h>

#include <chrono>

namespace lab {

namespace {

class OverSiw : public ModuleTest {
  protected:
    void SetUp() override {
        ModuleTest::SetUp();
        if (on(server(), "modprobe siw 2>/dev/null && echo yes || :") != "yes\n")
            GTEST_SKIP() << "this kernel has no siw";
        for (auto *host : {&server(), &client()})
            on(*host, "rdma link delete rxe0; modprobe siw && rdma link add siw0 type siw netdev "
                      "eth1");
    }

    void TearDown() override {
        ModuleTest::TearDown();
        if (IsSkipped())
            return;
        for (auto *host : {&server(), &client()})
            on(*host, "rdma link delete siw0; rdma link add rxe0 type rxe netdev eth1");
    }
};

class SiwTest : public OverSiw, public ::testing::WithParamInterface<Transport> {};

TEST_P(SiwTest, ReadsWhatItWrote) {
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

class SiwFloodTest : public OverSiw {};

// Many more WRITEs than the network carries, over connections without time-outs of their own: none
// of them ends.
TEST_F(SiwFloodTest, EndsNoConnection) {
    constexpr unsigned connections = 16;
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    auto flood = Mount::make(client(), *nfs_, Transport::svcrdma, "3", "/mnt/nfs",
                             fmt::format("nconnect={},timeo=6000", connections));
    ASSERT_TRUE(worked(flood));
    on(client(),
       "fio --name=flood --directory=/mnt/nfs --size=8m --bs=1m --rw=write --direct=1 "
       "--ioengine=libaio --iodepth=16 --numjobs=8 --minimal",
       std::chrono::seconds(600));
    const auto now = counters();
    EXPECT_EQ(now.at("flushes"), 0U) << "a connection has ended";
    EXPECT_EQ(now.at("live_connections"), connections);
    EXPECT_EQ(now.at("calls"), now.at("replies"));
    EXPECT_TRUE(worked(flood->unmount()));
    expect_nothing_live();
}

INSTANTIATE_TEST_SUITE_P(Transports, SiwTest,
                         ::testing::Values(Transport::rpcrdma, Transport::svcrdma),
                         [](const auto &info) { return std::string(transport_name(info.param)); });

} // namespace

} // namespace lab
