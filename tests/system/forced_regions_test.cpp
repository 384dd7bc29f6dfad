// SPDX-License-Identifier: GPL-2.0-only
// ib_core's force_mr: all chunks go through memory regions. The RDMA core is loaded anew for it,
// which may wait minutes for connections that were.
#include "lent_device.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

/// A server whose RDMA core moves all chunks through memory regions.
class ForcedRegionsTest : public LentDeviceTest {
  protected:
    void SetUp() override {
        LentDeviceTest::SetUp();
        load_core("force_mr=1");
    }

    void TearDown() override {
        // With nothing mounted and nothing served, which the base sees to.
        LentDeviceTest::TearDown();
        if (pair_lives())
            load_core("");
    }

    /// The parameter can be given when ib_core is loaded, and then is nowhere to be seen.
    static void load_core(const std::string &parameters) {
        constexpr auto modules = "rdma_rxe rdma_ucm ib_umad ib_uverbs ib_uverbs_support rpcrdma "
                                 "rdma_cm iw_cm ib_cm ib_core";
        on(server(),
           fmt::format(
               "rdma link delete rxe0 2>/dev/null; "
               "for m in {0} {0}; do rmmod $m 2>/dev/null; done; ! lsmod | grep ^ib_core && "
               "modprobe ib_core {1} && modprobe -a rdma_cm rdma_rxe && "
               "rdma link add rxe0 type rxe netdev eth1",
               modules, parameters),
           seconds(300));
    }
};

// Registered memory has no gaps: Reads, Writes, and Writes across the parts of a reply. With an
// adapter that may use it and need not nothing but a queue pair tells that it has to.
TEST_F(ForcedRegionsTest, MoveEverything) {
    for (const char *device : {"", "mlx5"}) {
        SCOPED_TRACE(device);
        lend(device);
        ASSERT_TRUE(mount_);
        const auto trace = traced("svc_rdma_post", [this] { verify("workloads/verify-1m.fio"); });
        // Eight segments: each is registered and then moved.
        EXPECT_GE(most("work_requests", trace), 16U);
        EXPECT_LE(most("most_sges", trace), 1U);
        make_many(500);
        EXPECT_EQ(on(client(), count_many, seconds(60)), "500\n");
        EXPECT_GT(counters().at("long_replies"), 0U);
        remove_many();
        end();
        stop();
    }
}

} // namespace

} // namespace lab
