// SPDX-License-Identifier: GPL-2.0-only
// Connections that come and go leave nothing behind.
#include "module_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace lab {

namespace {

using std::chrono::seconds;

class ChurnTest : public ModuleTest {
  protected:
    // KiB of the server's memory in use: the least of some samples, since what other processes
    // hold comes and goes. Without free objects that the kernel keeps for next time.
    static long used() {
        // Until nfsd has forgotten the clients that are gone, one lease later.
        on(server(), "sleep 12");
        long least = std::numeric_limits<long>::max();
        for (int i = 0; i < 5; i++)
            least = std::min(
                least,
                std::stol(on(server(),
                             "sync; echo 3 >/proc/sys/vm/drop_caches; "
                             "for f in /sys/kernel/slab/*/shrink; do echo 1 >$f; done; "
                             "sleep 0.3; awk "
                             "'/^MemTotal/ {t=$2} /^MemFree/ {f=$2} /^(Cached|Buffers):/ {c+=$2} "
                             "END {print t-f-c}' /proc/meminfo")));
        return least;
    }

    static void churn(const NfsServer &nfs, int times) {
        on(client(),
           // Calls take turns on the connections, and each is made when it is first needed.
           fmt::format("calls=$(seq 32 | sed 's:.*:/mnt/nfs:'); for i in $(seq {}); do "
                       "mount -t nfs -o vers=4.2,proto=rdma,port={},nconnect=16 {}:/ /mnt/nfs && "
                       "stat -f $calls >/dev/null && umount /mnt/nfs || exit 1; done",
                       times, nfs.port(Transport::svcrdma), server().data_address()),
           seconds(10 * times));
    }
};

TEST_F(ChurnTest, FiftyMountsWithSixteenConnections) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    on(client(), "mkdir -p /mnt/nfs");
    // Tables that grow once and stay are as large as they get.
    churn(*nfs_, 15);
    expect_nothing_live();
    const auto before = used();
    churn(*nfs_, 50);
    expect_nothing_live();
    const auto after = used();
    EXPECT_LE(after - before, 1024) << "KiB more in use: " << after - before;
    RecordProperty("kib_more", static_cast<int>(after - before));
    EXPECT_GE(counters().at("calls"), 65U * 32U);
}

} // namespace

} // namespace lab
