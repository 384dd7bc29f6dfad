// SPDX-License-Identifier: GPL-2.0-only
// More work than the server can release in time.
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

using OverloadTest = ModuleTest;

// The client of each reply that was sent may make its next call, whatever releasing takes. What is
// not released must not pile up: its next call stays in the queue. Without the limit in
// svc_rdma_send_ctxt_get() it did: 128 contexts at 32 credits.
TEST_F(OverloadTest, SlowReleaseDoesNotPileUp) {
    constexpr unsigned credits = 32;
    serve({Transport::svcrdma}, 8, fmt::format("credits={} unmap_us=5000", credits));
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    const auto load = [](unsigned loops) {
        on(client(),
           fmt::format("cd /mnt/nfs && fio --name=load --direct=1 --ioengine=libaio --minimal "
                       "--size=1m --bs=4k --rw=randread --iodepth=64 --numjobs=2 --loops={}",
                       loops),
           seconds(120));
    };
    load(2);
    const auto first = counters().at("live_send_ctxts");
    EXPECT_GT(first, 8U) << "no load";
    EXPECT_LE(first, credits + 2);
    const auto memory = [] {
        return std::stol(on(server(), "awk '/^MemAvailable/ { print $2 }' /proc/meminfo"));
    };
    const auto before = memory();
    load(6);
    EXPECT_LE(counters().at("live_send_ctxts"), credits + 2);
    EXPECT_LT(before - memory(), 8 * 1024) << "KiB of memory";
}

} // namespace

} // namespace lab
