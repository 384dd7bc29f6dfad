// SPDX-License-Identifier: GPL-2.0-only
#include "module_test.h"

#include "nfs/rdma_device.h"
#include "util/deadline.h"

#include <fmt/format.h>

#include <array>
#include <thread>

namespace lab {

Counters ModuleTest::counters() {
    auto found = read_counters(server(), module_counters);
    EXPECT_TRUE(worked(found));
    EXPECT_FALSE(found && found->empty()) << "the module is not loaded";
    return found.value_or(Counters{});
}

bool ModuleTest::rxe_repeats_packets() {
    // The lab's own kernels are preemptible at any point, Debian's are not.
    return pair().kernel().version.starts_with("6.") && pair().kernel().slowness > 1;
}

std::chrono::milliseconds ModuleTest::stretched(std::chrono::milliseconds limit) {
    return std::chrono::round<std::chrono::milliseconds>(limit * pair().kernel().slowness);
}

bool ModuleTest::eventually(const std::function<bool(const Counters &)> &holds,
                            std::chrono::milliseconds limit) {
    const auto deadline = Deadline::in(stretched(limit));
    while (!holds(counters())) {
        if (deadline.expired())
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
}

void ModuleTest::expect_no_trouble(const Counters &now) {
    for (const auto &[name, value] : now) {
        if (name.starts_with("err_") || name.ends_with("_failures") || name == "stalls" ||
            name == "silent_closes" || name == "replies_too_large") {
            EXPECT_EQ(value, 0U) << name;
        }
    }
}

void ModuleTest::expect_nothing_live() {
    static constexpr std::array<const char *, 5> live = {
        "live_connections", "live_recv_ctxts", "live_send_ctxts", "live_reply_pages", "live_pages"};
    const bool gone = eventually([](const Counters &now) {
        return std::ranges::all_of(live, [&](const char *name) { return now.at(name) == 0; });
    });
    if (gone)
        return;
    const auto now = counters();
    for (const char *name : live)
        EXPECT_EQ(now.at(name), 0) << name;
}

void ModuleTest::expect_service() {
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    unmount();
    expect_nothing_live();
}

std::uint64_t ModuleTest::receives_missed() {
    const auto read = read_counters(client(), device_counters);
    EXPECT_TRUE(worked(read));
    const auto device = read.value_or(Counters());
    const auto found = device.find("rcvd_rnr_err");
    return found == device.end() ? 0 : found->second;
}

void ModuleTest::SetUp() {
    VmTest::SetUp();
    receives_may_run_out_ = false;
    receives_missed_ = receives_missed();
}

void ModuleTest::TearDown() {
    // A device that was made anew counts from 0.
    if (!receives_may_run_out_ && pair_lives()) {
        EXPECT_LE(receives_missed(), receives_missed_) << "the client met no Receive";
    }
    if (!may_stall_ && nfs_ && pair_lives()) {
        // Not loaded where only others serve.
        const auto stalls =
            on(server(), fmt::format("cat {}/stalls 2>/dev/null || echo 0", module_counters));
        EXPECT_EQ(stalls, "0\n");
    }
    VmTest::TearDown();
}

std::string ModuleTest::traced(const std::string &events, const std::function<void()> &action) {
    on(server(), fmt::format("cd /sys/kernel/tracing/events/svcrdma && echo > ../../trace && "
                             "for event in {}; do echo 1 > $event/enable; done",
                             events));
    action();
    return on(server(), "cd /sys/kernel/tracing && echo 0 > events/svcrdma/enable; "
                        "grep ': svc_rdma_' trace || :; echo > trace");
}

void ModuleTest::deafen() {
    on(client(), "tc qdisc add dev eth1 clsact && tc filter add dev eth1 ingress protocol ip u32 "
                 "match ip dport 4791 0xffff action drop");
}

void ModuleTest::hear() {
    on(client(), "tc qdisc del dev eth1 clsact 2>/dev/null || :");
    revive_client_device();
}

void ModuleTest::revive_client_device() {
    const auto mended = mend_rdma_device(client());
    ASSERT_TRUE(worked(mended));
    if (*mended)
        fmt::print("the client's rxe could make no connection any more: made anew\n");
}

void ModuleTest::hold_thread() {
    on(server(),
       "modprobe loop && truncate -s 32M /dev/shm/frozen && busybox mke2fs -F /dev/shm/frozen "
       "&& mkdir -p /export/frozen && mount -o loop /dev/shm/frozen /export/frozen && "
       "chmod 777 /export/frozen && exportfs -o rw,async,no_root_squash,insecure,"
       "no_subtree_check,fsid=7 '*:/export/frozen'");
    on(client(), fmt::format("mkdir -p /mnt/tcp && mount -t nfs -o vers=3,proto=tcp,nolock,"
                             "mountproto=tcp {}:/export/frozen /mnt/tcp",
                             server().data_address()));
    on(server(), "fsfreeze -f /export/frozen");
    start_on(client(), "held", "dd if=/dev/zero of=/mnt/tcp/held bs=4k count=1 oflag=direct");
    on(server(), "for n in $(seq 100); do grep -q percpu_rwsem /proc/$(pgrep -x nfsd)/wchan && "
                 "exit; sleep 0.1; done; cat /proc/$(pgrep -x nfsd)/wchan; exit 1");
}

void ModuleTest::let_thread_go() {
    on(server(), "fsfreeze -u /export/frozen");
    finish_on(client(), "held", std::chrono::seconds(60));
    on(client(), "umount /mnt/tcp");
    on(server(), "exportfs -u '*:/export/frozen'; exportfs -f; for n in $(seq 10); do "
                 "umount /export/frozen && break; sleep 0.5; done; rm /dev/shm/frozen");
}

void ModuleTest::try_to_mount(std::chrono::seconds limit) {
    start_on(client(), "mount",
             fmt::format("mkdir -p /mnt/nfs; timeout {} mount -t nfs -o "
                         "vers=4.2,proto=rdma,port=20049,retry=0 {}:/ /mnt/nfs || :",
                         limit.count(), server().data_address()));
}

void ModuleTest::give_up_mount(std::chrono::seconds limit) {
    finish_on(client(), "mount", limit);
    on(client(), "umount /mnt/nfs 2>/dev/null || :");
}

void ModuleTest::hold_threads_back() {
    start_on(server(), "competitor",
             "nice -n 19 sh -c \"while [ -e /proc/$(pgrep -o -x nfsd) ]; do :; done\"");
    on(server(), "renice -n 19 -p $(pgrep -x nfsd) >/dev/null");
}

void ModuleTest::make_many(unsigned files) {
    on(server(),
       fmt::format("mkdir /export/many && cd /export/many && seq -f entry-with-some-length-%g {} "
                   "| xargs touch",
                   files),
       std::chrono::seconds(60));
}

void ModuleTest::remove_many() {
    on(server(), "rm -r /export/many", std::chrono::seconds(60));
}

void ModuleTest::serve_a_file(const std::string &module_parameters) {
    serve({Transport::svcrdma}, 8, module_parameters);
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(), "dd if=/dev/urandom of=/mnt/nfs/file bs=64k count=16 conv=fsync 2>&1");
}

std::string ModuleTest::reads(unsigned depth, const std::string &more) {
    return fmt::format("fio --name=reads --filename=/mnt/nfs/file --direct=1 --rw=randread "
                       "--bs=512 --ioengine=libaio --iodepth={} --minimal {}",
                       depth, more);
}

void ModuleTest::shorten_grace() {
    on(server(), "modprobe lockd && echo 1 > /proc/sys/fs/nfs/nlm_grace_period");
}

std::string ModuleTest::delegated_file() {
    // nfsd grants none while clients may reclaim what they had before a reboot, so this takes as
    // long as the grace period does. Each try has a file of its own: one that was just written
    // to is not delegated either, and a client remembers for a while that there was none.
    static unsigned files = 0;
    for (int n = 0; n < 30; n++) {
        const auto name = fmt::format("delegated-{}", files++);
        on(server(), fmt::format("echo before > /export/{}; sleep 1", name));
        EXPECT_EQ(on(client(), "cat /mnt/nfs/" + name), "before\n");
        if (on(server(), delegations).find("type: deleg") != std::string::npos)
            return name;
    }
    ADD_FAILURE() << "no delegation was granted";
    return {};
}

} // namespace lab
