// SPDX-License-Identifier: GPL-2.0-only
// What a client is asked for: no more than its network carries soon.
#include "lab/network.h"
#include "module_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace lab {

namespace {

using std::chrono::seconds;

class WindowTest : public ModuleTest {};

// A MiB takes an eighth of a second. What would have to wait for much longer than a quarter is
// asked for when there is less in front of it; the window has grown a little too far until that is
// seen.
TEST_F(WindowTest, SlowNetworkIsAskedForLess) {
    constexpr unsigned calls = 32, pages_of_mib = 256;
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    auto network = Network::make(client(), {.rate = 64'000'000});
    ASSERT_TRUE(worked(network));
    start_on(client(), "writes",
             fmt::format("fio --name=writes --filename=/mnt/nfs/file --size=16m --bs=1m --rw=write "
                         "--direct=1 --ioengine=libaio --iodepth={} --loops=5 --minimal",
                         calls));
    std::uint64_t most = 0;
    while (!ended_on(client(), "writes"))
        most = std::max(most, counters().at("live_pages"));
    finish_on(client(), "writes", seconds(60));
    ASSERT_TRUE(worked(network->restore()));
    const auto now = counters();
    EXPECT_GT(most, 0U);
    EXPECT_LE(most, calls / 2 * pages_of_mib);
    EXPECT_GT(now.at("over_window"), 0U);
    EXPECT_EQ(now.at("over_budget") + now.at("flushes") + now.at("read_failures"), 0U);
    unmount();
    expect_nothing_live();
}

} // namespace

} // namespace lab
