// SPDX-License-Identifier: GPL-2.0-only
// Hundreds of connections come back at once.
#include "addresses.h"
#include "module_test.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

namespace lab {

namespace {

using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr unsigned addresses = 16, per_mount = 16; // the most that the client's nconnect allows

class StormTest : public ModuleTest {
  protected:
    void TearDown() override {
        for (unsigned i = 0; i < 2; i++)
            on(client(i),
               "pkill -x fio; for n in $(seq 50); do pgrep -x fio >/dev/null || break; sleep 0.2; "
               "done; for dir in /mnt/storm*; do ! mountpoint -q $dir || umount $dir || umount -f "
               "$dir; done",
               seconds(120));
        addresses_.reset();
        ModuleTest::TearDown();
    }

    /// A mount and a writer on it, which takes turns on all connections and stops at any error.
    void begin_writer(Host &host, unsigned number, const std::string &address,
                      const std::string &options, const std::string &exported) {
        on(host,
           fmt::format("mkdir -p /mnt/storm{0} && mount -t nfs -o {1},proto=rdma,port={2},"
                       "nconnect={3} {4}:{5} /mnt/storm{0} && "
                       "dd if=/dev/zero of=/mnt/storm{0}/{6}-{0} bs=4k count=256 2>&1",
                       number, options, nfs_->port(Transport::svcrdma), per_mount, address,
                       exported, host.name()),
           seconds(120));
        start_on(host, fmt::format("writer{}", number),
                 fmt::format("fio --name=storm --filename=/mnt/storm{0}/{1}-{0} --size=1m --bs=4k "
                             "--rw=randwrite --direct=1 --ioengine=libaio --iodepth={2} "
                             "--rate_iops=8 --time_based --runtime=600 --minimal",
                             number, host.name(), per_mount));
    }

    /// Stops nfsd for 20 s, and expects that all connections serve again soon after its start.
    void interrupt(unsigned clients, unsigned connections) {
        ASSERT_TRUE(eventually(
            [&](const Counters &now) { return now.at("live_connections") >= connections; },
            seconds(120)))
            << counters().at("live_connections");
        const auto before = counters();
        on(server(), "echo 0 > /proc/fs/nfsd/threads", seconds(60));
        expect_nothing_live();
        on(server(), "sleep 20");
        on(server(), fmt::format("rpc.nfsd 8 && (grep -q '^rdma {0}' /proc/fs/nfsd/portlist || "
                                 "echo 'rdma {0}' > /proc/fs/nfsd/portlist)",
                                 nfs_->port(Transport::svcrdma)));
        ASSERT_TRUE(eventually(
            [](const Counters &now) {
                return now.at("live_connections") + now.at("live_waiting") > 0;
            },
            seconds(90)))
            << "nobody tries";
        const auto first = Clock::now();
        double most_of_them = 0, all_of_them = 0;
        std::int64_t serving = 0;
        while (all_of_them == 0 && Clock::now() - first < stretched(seconds(45))) {
            serving = counters().at("live_connections");
            const auto took = std::chrono::duration<double>(Clock::now() - first).count();
            if (most_of_them == 0 && serving >= connections * 95 / 100)
                most_of_them = took;
            if (serving >= connections)
                all_of_them = took;
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
        fmt::print("{} connections: 95 % after {:.1f} s, all after {:.1f} s, {} in the end\n",
                   connections, most_of_them, all_of_them, serving);
        EXPECT_GT(most_of_them, 0);
        EXPECT_LT(most_of_them, 20);
        EXPECT_GT(all_of_them, 0);
        EXPECT_LT(all_of_them, 30);
        const auto now = counters();
        for (const char *name :
             {"accepts_over_limit", "accepts_over_client_limit", "accepts_failed"})
            EXPECT_EQ(now.at(name), before.at(name)) << name;
        // And none of them is closed again: those that serve are those that were made.
        on(server(), "sleep 5");
        EXPECT_GE(counters().at("live_connections"), connections);
        for (unsigned i = 0; i < clients; i++)
            on(client(i), "! dmesg | grep -i 'i/o error'");
    }

    /// All writers are at work still, and with every call answered they end well.
    void end_writers(Host &host, unsigned writers) {
        for (unsigned n = 0; n < writers; n++)
            EXPECT_FALSE(ended_on(host, fmt::format("writer{}", n)))
                << output_on(host, fmt::format("writer{}", n));
        on(host, "pkill -INT -x fio");
        for (unsigned n = 0; n < writers; n++) {
            on(host, fmt::format("while [ ! -s /run/writer{}.status ]; do sleep 0.2; done", n),
               seconds(60));
            // fio ends an interrupted job with 128; errors of I/O are told in its output.
            EXPECT_EQ(on(host, fmt::format("grep -ci error /run/writer{}.out || :", n)), "0\n")
                << output_on(host, fmt::format("writer{}", n));
        }
    }

    std::optional<Addresses> addresses_;
};

TEST_F(StormTest, OneClientWithSixteenMounts) {
    serve({Transport::svcrdma}, 8);
    ASSERT_TRUE(nfs_);
    addresses_.emplace(server(), addresses);
    for (unsigned n = 0; n < addresses; n++)
        begin_writer(client(), n, addresses_->at(n), "vers=3,nolock,mountproto=tcp", "/export");
    interrupt(1, addresses * per_mount);
    end_writers(client(), addresses);
}

TEST_F(StormTest, TwoClientsWithSessions) {
    shorten_grace();
    serve({Transport::svcrdma}, 8);
    ASSERT_TRUE(nfs_);
    on(server(), "echo 15 > /proc/fs/nfsd/nfsv4gracetime || :");
    for (unsigned i = 0; i < 2; i++)
        begin_writer(client(i), 0, server().data_address(), "vers=4.2", "/");
    interrupt(2, 2 * per_mount);
    for (unsigned i = 0; i < 2; i++)
        end_writers(client(i), 1);
}

} // namespace

} // namespace lab
