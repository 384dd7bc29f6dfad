// SPDX-License-Identifier: GPL-2.0-only
// The same over another kind of RDMA: software iWARP, where Debian's kernels have it or the lab's
// own. Reads need registered memory there, and the handshake is another one. The kernel's own
// transport runs beside ours, to tell what siw gets wrong.
#include "module_test.h"

namespace lab {

namespace {

class SiwTest : public ModuleTest, public ::testing::WithParamInterface<Transport> {
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

INSTANTIATE_TEST_SUITE_P(Transports, SiwTest,
                         ::testing::Values(Transport::rpcrdma, Transport::svcrdma),
                         [](const auto &info) { return std::string(transport_name(info.param)); });

} // namespace

} // namespace lab
