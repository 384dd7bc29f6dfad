// SPDX-License-Identifier: GPL-2.0-only
// What a connection costs the server, and what it gives back when it is idle.
#include "module_test.h"

#include <fmt/format.h>

#include <sstream>

namespace lab {

namespace {

using std::chrono::seconds;

class MemoryTest : public ModuleTest {
  protected:
    /// KiB that are in use on the server, caches of files and their names apart.
    static long used() {
        std::istringstream numbers(
            on(server(), "for n in 1 2 3; do echo 3 > /proc/sys/vm/drop_caches; sleep 0.5; done; "
                         "awk '/^(MemTotal|MemFree|Cached|Buffers):/ { print $2 }' /proc/meminfo"));
        long total = 0, free = 0, buffers = 0, cached = 0;
        numbers >> total >> free >> buffers >> cached;
        return total - free - buffers - cached;
    }

    /// KiB per connection of 16 that have been used and are idle.
    long idle_connection(Transport transport) {
        // What is allocated once, for all that come later.
        mount(transport, "4.1");
        on(client(), "ls /mnt/nfs");
        unmount();
        on(server(), "sleep 3");

        const long before = used();
        mount(transport, "4.1", "nconnect=16");
        // Requests take turns on the connections.
        on(client(), "for n in $(seq 64); do stat -f /mnt/nfs; done >/dev/null", seconds(60));
        on(server(), "sleep 3");
        const long after = used();
        RecordProperty(std::string(transport_name(transport)),
                       std::to_string((after - before) / 16));
        return (after - before) / 16;
    }
};

// Against stock in the same boot, all of it: contexts, queues, sockets of the software device.
TEST_F(MemoryTest, IdleConnectionIsSmall) {
    serve({Transport::svcrdma, Transport::rpcrdma});
    ASSERT_TRUE(nfs_);
    const long ours = idle_connection(Transport::svcrdma);
    ASSERT_TRUE(mount_);
    const auto now = counters();
    EXPECT_EQ(now.at("live_connections"), 16U);
    // The module's own: at most 64 KiB for each. A context and its buffer are 1 + 4 KiB.
    EXPECT_LE((now.at("live_recv_ctxts") + now.at("live_send_ctxts")) * 5 / 16 + 2, 64U);
    unmount();
    expect_nothing_live();
    const long stock = idle_connection(Transport::rpcrdma);
    EXPECT_GT(ours, 0);
    // All of the machine's memory, so what the rest of the kernel holds counts, too: single runs
    // gave 193 and 1097 KiB for ours, 2369 and 2374 for stock's.
    EXPECT_LT(ours + ours / 2, stock) << ours << " KiB, stock " << stock << " KiB";
    fmt::print("an idle connection takes {} KiB, stock's takes {} KiB\n", ours, stock);
}

// A burst makes credits, Receive contexts and Send contexts grow. The contexts that are free go
// when the connection is idle; the credits, and with them the Receives that are posted, as a
// client that needs few uses them up.
TEST_F(MemoryTest, BurstIsForgotten) {
    serve({Transport::svcrdma}, 8, "credit_window=8");
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(),
       "cd /mnt/nfs && fio --name=load --size=1m --bs=4k --rw=randrw --direct=1 "
       "--ioengine=libaio --iodepth=64 --loops=4 --minimal",
       seconds(120));
    const auto burst = counters();
    EXPECT_GE(burst.at("credit_growths"), 2U); // 4, 16, 64
    EXPECT_GT(burst.at("live_recv_ctxts"), 64U);
    EXPECT_TRUE(eventually([](const Counters &now) {
        return now.at("trims") > 0 && now.at("live_send_ctxts") <= 1;
    })) << counters().at("live_send_ctxts");

    // One call at a time, some after every eight seconds: half of the credits go each time.
    on(client(),
       "for n in $(seq 4); do sleep 8.5; for m in $(seq 70); do "
       "stat -f /mnt/nfs; done; done >/dev/null",
       seconds(180));
    EXPECT_GE(counters().at("credit_cuts"), 3U);
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_recv_ctxts") < 32; }))
        << counters().at("live_recv_ctxts");
    unmount();
    expect_nothing_live();
}

} // namespace

} // namespace lab
