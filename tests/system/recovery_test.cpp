// SPDX-License-Identifier: GPL-2.0-only
// One side dies with I/O in flight; the other recovers, and what was acknowledged as stable is
// there.
#include "disk_export.h"
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

// The job of both halves: written with fsync after every 16 blocks, then read back and verified.
constexpr auto fio = "fio --name=stable --filename=/mnt/nfs/stable --size=8m --bs=16k --direct=1 "
                     "--ioengine=libaio --iodepth=4 --verify=crc32c --minimal";

class RecoveryTest : public ModuleTest {
  protected:
    void begin() {
        on(server(), export_disk);
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
        on(server(), export_sync);
    }
};

TEST_F(RecoveryTest, ServerResetLosesNothingStable) {
    begin();
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "4.2");
    ASSERT_TRUE(mount_);
    // A guest's own disk has no journal: what NFS's daemons have noted there must be whole.
    on(server(), "sync");
    start_on(client(), "load", fmt::format("{} --rw=randwrite --do_verify=0 --fsync=16", fio));
    const auto calls = counters().at("calls");
    ASSERT_TRUE(eventually([&](const Counters &now) { return now.at("calls") > calls + 60; }));
    ASSERT_FALSE(ended_on(client(), "load"));

    ASSERT_TRUE(worked(pair().reset_server()));
    begin();
    ASSERT_TRUE(nfs_);
    finish_on(client(), "load", seconds(150));
    on(client(), "echo 3 >/proc/sys/vm/drop_caches");
    on(client(), fmt::format("{} --rw=randread --verify_only", fio), seconds(60));
    EXPECT_GT(counters().at("calls"), 0U);
}

TEST_F(RecoveryTest, DeadClientIsForgotten) {
    begin();
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "4.2");
    ASSERT_TRUE(mount_);
    auto second = Mount::make(client(1), *nfs_, Transport::svcrdma, "4.2");
    ASSERT_TRUE(worked(second));
    start_on(
        client(1), "holder",
        "flock /mnt/nfs/lock sh -c 'touch /root/held; dd if=/dev/zero of=/mnt/nfs/dead bs=256k "
        "count=400 oflag=direct'");
    on(client(1), "while [ ! -e /root/held ]; do sleep 0.1; done", seconds(30));
    on(client(), "! flock -n /mnt/nfs/lock true");

    pair().kill_client(1);
    // Its lease runs out, and the lock is anybody's.
    on(client(), "flock -w 90 /mnt/nfs/lock true", seconds(120));
    on(client(), "echo alive > /mnt/nfs/alive && cat /mnt/nfs/alive");

    ASSERT_TRUE(worked(pair().revive_client(1)));
    auto again = Mount::make(client(1), *nfs_, Transport::svcrdma, "4.2");
    ASSERT_TRUE(worked(again));
    EXPECT_EQ(on(client(1), "cat /mnt/nfs/alive"), "alive\n");
    EXPECT_TRUE(worked(again->unmount()));
    unmount();
    // The dead one's connection, too.
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_connections") == 0; },
                           seconds(60)));
    expect_nothing_live();
}

// Idle, with a session that sunrpc's own ageing spares: only a probe can tell.
TEST_F(RecoveryTest, IdleHolderIsForgotten) {
    constexpr auto period = seconds(8);
    on(server(), export_disk);
    serve({Transport::svcrdma}, 8, fmt::format("keepalive={}", period.count()));
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "4.2");
    ASSERT_TRUE(mount_);
    auto second = Mount::make(client(1), *nfs_, Transport::svcrdma, "4.2");
    ASSERT_TRUE(worked(second));
    on(client(1),
       "touch /mnt/nfs/lock; rm -f /root/held; (flock /mnt/nfs/lock sh -c 'touch /root/held; "
       "exec sleep 1000') >/dev/null 2>&1 & while [ ! -e /root/held ]; do sleep 0.1; done; sleep 2",
       seconds(30));
    EXPECT_EQ(counters().at("live_connections"), 2U);
    pair().kill_client(1);
    const auto killed = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_connections") == 1; },
                           2 * period + seconds(2)));
    fmt::print("gone after {:.1f} s\n",
               std::chrono::duration<double>(std::chrono::steady_clock::now() - killed).count());
    on(client(), "flock -w 90 /mnt/nfs/lock true", seconds(120));
    ASSERT_TRUE(worked(pair().revive_client(1)));
    unmount();
    expect_nothing_live();
}

} // namespace

} // namespace lab
