// SPDX-License-Identifier: GPL-2.0-only
// Many connections that were idle read at once: what of the server's memory goes.
#include "addresses.h"
#include "field_test.h"
#include "nfs/rdma_device.h"
#include "report/plot.h"
#include "util/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace lab {

namespace {

using std::chrono::seconds;

constexpr unsigned servers = 8, per_mount = 16; // 128 connections

/// A gnuplot program: memory that went, by transport.
constexpr auto drawing = R"(set terminal svg size 900,500 font "sans,12" background "white"
set output "burst.svg"
set xlabel "seconds"
set ylabel "MiB of the server's memory that went"
set yrange [0:*]
set grid
set key top left
plot "burst-svcrdma.tsv" using 1:2 with lines title "svcrdma", "burst-rpcrdma.tsv" using 1:2 with lines title "rpcrdma"
)";

class IdleBurstTest : public FieldTest {
  protected:
    void TearDown() override {
        if (pair_lives())
            on(server(), "touch /run/enough");
        FieldTest::TearDown();
    }

    /// Makes the connections, and has all of them read 16 KiB at a time for ten seconds. Returns
    /// how many MiB of the server's memory that took at the most, the connections included. What it
    /// took when goes into the results.
    double burst(Transport transport) {
        const Addresses addresses(server(), servers);
        start_on(
            server(), "memory",
            "rm -f /run/enough; echo 3 >/proc/sys/vm/drop_caches; sleep 3; while [ ! -e "
            "/run/enough ]; do "
            "read t r </proc/uptime; echo $t $(sed -n 's/^MemAvailable: *\\([0-9]*\\) .*/\\1/p' "
            "/proc/meminfo); sleep 0.2; done; rm /run/enough");
        on(server(), "while [ ! -s /run/memory.out ]; do sleep 0.2; done");
        std::string jobs;
        for (unsigned n = 0; n < servers; n++) {
            const auto dir = fmt::format("/mnt/burst{}", n);
            on(client(),
               fmt::format(
                   "mkdir -p {0} && mount -t nfs -o vers=3,nolock,mountproto=tcp,proto=rdma,"
                   "port={1},nconnect={2} {3}:/export {0} && "
                   "for n in $(seq {2}); do stat -f {0}; done >/dev/null",
                   dir, nfs_->port(transport), per_mount, addresses.at(n)),
               seconds(60));
            jobs += fmt::format(" --name=burst{} --filename={}/data", n, dir);
        }
        EXPECT_EQ(connected_queue_pairs(server()).value_or(0), servers * per_mount);
        // They are idle when the burst comes.
        on(client(),
           "sleep 5; fio --size=16m --bs=16k --rw=randread --direct=1 --ioengine=libaio "
           "--iodepth=16 --time_based --runtime=10 --group_reporting --minimal" +
               jobs + " && sleep 3",
           seconds(120));
        on(server(), "touch /run/enough");
        finish_on(server(), "memory", seconds(30));
        const auto text = on(server(), "cat /run/memory.out");
        unmount_all();
        return most_gone(text, transport);
    }

    /// Of lines "uptime KiB" the greatest fall since the first.
    static double most_gone(const std::string &text, Transport transport) {
        std::istringstream lines(text);
        std::string rows;
        double start = 0, first = 0, most = 0, when = 0, kib = 0;
        while (lines >> when >> kib) {
            if (first == 0) {
                first = kib;
                start = when;
            }
            const auto gone = (first - kib) / 1024;
            most = std::max(most, gone);
            rows += fmt::format("{:.1f}\t{:.1f}\n", when - start, gone);
        }
        EXPECT_TRUE(worked(
            write_file(run_dir() / fmt::format("burst-{}.tsv", transport_name(transport)), rows)));
        return most;
    }
};

// linux-nfs, May 2026: 121 clients took 128 GB from a server within ten seconds.
TEST_F(IdleBurstTest, IdleConnectionsThatReadAtOnce) {
    serve({Transport::svcrdma, Transport::rpcrdma}, 16);
    ASSERT_TRUE(nfs_);
    on(server(), "head -c 16M /dev/urandom > /export/data");
    const auto ours = burst(Transport::svcrdma);
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_connections") == 0; }));
    const auto stock = burst(Transport::rpcrdma);
    fmt::print(
        "128 connections that then read at once take {:.0f} MiB of the server's memory, over the "
        "kernel's own transport {:.0f} MiB\n",
        ours, stock);
    EXPECT_TRUE(worked(write_file(run_dir() / "burst.gnuplot", drawing)));
    EXPECT_TRUE(worked(draw(run_dir() / "burst.gnuplot", run_dir())));
    // One run each gave 45 and 56 MiB, of stock 309 and 583.
    EXPECT_LT(ours, stock / 2);
    expect_nothing_live();
}

} // namespace

} // namespace lab
