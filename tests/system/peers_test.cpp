// SPDX-License-Identifier: GPL-2.0-only
// Clients that misbehave, that stand still, and that come back from a pause.
#include "attack_test.h"
#include "disk_export.h"

#include "lab/network.h"
#include "report/report.h"
#include "util/deadline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace lab {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Attack {
    const char *kind;
    unsigned connections;
    const char *parameters; ///< of the module
};

void PrintTo(const Attack &attack, std::ostream *out) {
    *out << attack.kind << ' ' << attack.connections << ' ' << attack.parameters;
}

class PeersTest : public AttackTest {
  protected:
    static Host &attacker() { return client(1); }

    /// What a host has lost, or sent twice, in the data network.
    static std::string network_says(Host &host) {
        return host.name() + ": " +
               on(host, "tc -s qdisc show dev eth1 root | grep dropped; cd "
                        "/sys/class/infiniband/rxe0/ports/1/hw_counters; grep '[1-9]' *");
    }

    /// Expects that most of the attack's connections were open for most of the time. Every second
    /// it says how many are; each is made anew when it is dropped, which takes a while.
    static void expect_most_open(unsigned connections) {
        const auto open = on(attacker(), "sort -n /run/attack.out | awk '{ open[NR] = $1 } END { "
                                         "print open[int(NR / 2)] }'");
        EXPECT_GE(std::stoul(open), connections / 2);
    }
};

class ThreadsTest : public PeersTest, public ::testing::WithParamInterface<Attack> {};

// For a minute, from an address of their own: neither threads nor credits of others are theirs.
TEST_P(ThreadsTest, OthersAreServed) {
    const auto &what = GetParam();
    expect_stalls();
    serve_both(what.parameters);
    ASSERT_TRUE(mount_);
    const auto calm = measured_calls(seconds(5));
    attack(attacker(), what.kind, what.connections, seconds(75));
    const auto busy = measured_calls(seconds(60));
    const auto said = end_of_attack(attacker());
    fmt::print("longest call {} ms, {} ms without the attack; {}", busy.longest, calm.longest,
               said);
    EXPECT_LT(busy.longest, stretched(seconds(1)).count() + 4 * calm.longest);
    expect_most_open(what.connections);
    unmount_both();
    // One that the attacker was about to make when it ended goes with the deadline.
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_connections") == 0; },
                           seconds(60)));
    expect_nothing_live();
}

INSTANTIATE_TEST_SUITE_P(
    Attacks, ThreadsTest,
    ::testing::Values(Attack{"no-replies", 16, ""}, Attack{"no-replies", 16, "reply_ms=200"},
                      Attack{"no-replies", 64, ""}, Attack{"no-replies", 64, "reply_ms=200"},
                      Attack{"few-replies", 16, ""}, Attack{"few-replies", 64, ""}));

// They have pinned what all may pin. Who has pinned nothing can have a largest message, always.
TEST_F(PeersTest, SilentClientsHoldTheBudget) {
    constexpr unsigned connections = 64, budget_mib = 64;
    expect_stalls();
    serve_both(fmt::format("budget={}", budget_mib));
    ASSERT_TRUE(mount_);
    const auto write = [](seconds span) {
        return measured("try dd if=/dev/zero of=/mnt/nfs/file bs=1M count=1 oflag=direct", span);
    };
    const auto calm = write(seconds(5));
    const auto before = counters().at("over_budget");
    attack(attacker(), "silent-reads", connections, seconds(40));
    EXPECT_TRUE(eventually(
        [&](const Counters &now) { return now.at("live_pages") >= budget_mib << 20 >> 12; },
        seconds(20)))
        << counters().at("live_pages");
    const auto busy = write(seconds(15));
    EXPECT_GT(counters().at("over_budget"), before);
    fmt::print("longest WRITE of a MiB {} ms, {} ms without the attack; {}", busy.longest,
               calm.longest, end_of_attack(attacker()));
    EXPECT_LT(busy.longest, stretched(seconds(1)).count() + 4 * calm.longest);
    unmount_both();
    expect_nothing_live();
}

// Their adapters have asked ours to wait for hours. The module has a deadline of its own.
TEST_F(PeersTest, ReadsOfSilentClientsEnd) {
    constexpr unsigned connections = 4;
    expect_stalls();
    serve_both("");
    ASSERT_TRUE(mount_);
    attack(attacker(), "silent-reads", connections, seconds(120));
    EXPECT_TRUE(eventually([](const Counters &now) { return now.at("live_pages") > 0; }));
    const auto pinned = counters().at("live_pages");
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(
        eventually([](const Counters &now) { return now.at("live_pages") == 0; }, seconds(60)));
    fmt::print("{} pages were pinned, none after {:.1f} s\n", pinned,
               std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    (void)end_of_attack(attacker());
    unmount_both();
    expect_nothing_live();
}

// As much as sixteen connections can send, to a disk that is slower, on a server of 2 GiB.
TEST_F(PeersTest, WriteFloodStaysWithinTheBudget) {
    constexpr unsigned connections = 16, budget_mib = 256;
    constexpr auto one_message_mib = 1U;
    on(server(), fmt::format("{}; rm -f /export/flood*", export_disk));
    serve({Transport::svcrdma, Transport::tcp}, threads, fmt::format("budget={}", budget_mib));
    ASSERT_TRUE(nfs_);
    on(server(), export_sync);
    // Its own patience is not what is tested: a call that takes longer than timeo ends a
    // connection.
    auto flood = Mount::make(attacker(), *nfs_, Transport::svcrdma, "3", "/mnt/nfs",
                             fmt::format("nconnect={},timeo=6000", connections));
    ASSERT_TRUE(worked(flood));
    auto calm = Mount::make(client(), *nfs_, Transport::tcp, "3");
    ASSERT_TRUE(worked(calm));
    start_on(attacker(), "flood",
             "fio --name=flood --directory=/mnt/nfs --filename_format='flood$jobnum' --size=8m "
             "--bs=1m --rw=write --direct=1 --ioengine=libaio --iodepth=64 --numjobs=8 "
             "--time_based --runtime=60 --group_reporting --minimal");
    EXPECT_TRUE(
        eventually([](const Counters &now) { return now.at("live_pages") > 0; }, seconds(30)));
    std::uint64_t most = 0;
    const auto end = std::chrono::steady_clock::now() + seconds(30);
    while (std::chrono::steady_clock::now() < end) {
        most = std::max(most, counters().at("live_pages"));
        std::this_thread::sleep_for(milliseconds(100));
    }
    const auto served = measured("try stat -f /mnt/nfs", seconds(10)).longest;
    EXPECT_FALSE(ended_on(attacker(), "flood"));
    finish_on(attacker(), "flood", seconds(180));
    const auto now = counters();
    fmt::print(
        "at the most {} MiB pinned; a call over TCP took at the most {} ms; the window of "
        "Reads was cut {} times, calls were put off for it {} times; {} completions were flushed\n",
        most * 4 / 1024, served, now.at("window_cuts"), now.at("over_window"), now.at("flushes"));
    EXPECT_LE(most * 4 / 1024, budget_mib + connections * one_message_mib);
    // Nothing of ours ends a connection. rxe may: calls that wait behind half a second of data on
    // the client's way out are sent once more, and rxe of 6.12 registers their memory for a second
    // time then, which is an error.
    expect_no_trouble(now);
    EXPECT_EQ(now.at("no_memory"), 0U);
    if (HasFailure())
        fmt::print("{}{}", network_says(server()), network_says(attacker()));
    EXPECT_EQ(now.at("live_connections"), connections);
    EXPECT_TRUE(worked(calm->unmount()));
    EXPECT_TRUE(worked(flood->unmount()));
    expect_nothing_live();
    on(server(), "rm -f /export/flood*");
}

class PauseTest : public ModuleTest {
  protected:
    /// A client stands still for so long, with I/O of it in flight.
    void pause(seconds span) {
        constexpr unsigned standing = 0;
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
        mount(Transport::svcrdma, "3");
        ASSERT_TRUE(mount_);
        on(client(), "dd if=/dev/zero of=/mnt/nfs/file bs=1M count=16 oflag=direct 2>&1");
        start_on(client(), "load",
                 "fio --name=load --filename=/mnt/nfs/file --size=16m --bs=64k --rw=randrw "
                 "--verify=crc32c --direct=1 --ioengine=libaio --iodepth=16 --loops=12 --minimal");
        const auto calls = counters().at("calls");
        ASSERT_TRUE(eventually([&](const Counters &now) { return now.at("calls") > calls + 100; }));
        ASSERT_FALSE(ended_on(client(), "load"));
        ASSERT_TRUE(worked(pair().pause_client(standing)));
        on(server(), fmt::format("sleep {}", span.count()), span + seconds(30));
        ASSERT_TRUE(worked(pair().resume_client(standing)));
        const auto then = counters().at("calls");
        EXPECT_TRUE(eventually([&](const Counters &now) { return now.at("calls") > then + 100; },
                               seconds(60)));
        finish_on(client(), "load", seconds(240));
    }
};

TEST_F(PauseTest, EightSecondsAreForgiven) {
    pause(seconds(8));
    const auto now = counters();
    EXPECT_EQ(now.at("live_connections"), 1U);
    EXPECT_EQ(now.at("flushes"), 0U) << "its connection has ended";
    EXPECT_EQ(now.at("stalls") + now.at("silent_closes"), 0U);
    unmount();
    expect_nothing_live();
}

// The connection is made anew, and the calls with it.
TEST_F(PauseTest, ThirtySecondsLoseNothing) {
    expect_stalls();
    pause(seconds(30));
    unmount();
    expect_nothing_live();
}

class ConstantLoadTest : public ModuleTest, public ::testing::WithParamInterface<int> {};

// It does not look like a smaller one because the network is slow: no credits are cut.
TEST_P(ConstantLoadTest, KeepsItsCredits) {
    const auto load = [](unsigned runtime) {
        on(client(), reads(128, fmt::format("--time_based --runtime={}", runtime)),
           seconds(runtime + 60));
    };
    serve_a_file("credit_window=8");
    ASSERT_TRUE(mount_);
    auto network = Network::make(server(), {.delay = milliseconds(GetParam())});
    ASSERT_TRUE(worked(network));
    load(4);
    const auto before = counters().at("credit_cuts");
    load(45);
    EXPECT_EQ(counters().at("credit_cuts"), before);
    ASSERT_TRUE(worked(network->restore()));
}

INSTANTIATE_TEST_SUITE_P(Delays, ConstantLoadTest, ::testing::Values(0, 20, 50, 150));

class BurstTest : public ModuleTest {
  protected:
    static constexpr unsigned calls = 120;

    /// Milliseconds that so many READs at once take.
    static double burst() {
        // Terse output, the third version: the ninth field is the run time.
        return std::stod(on(client(),
                            reads(calls, fmt::format("--number_ios={} | cut -d ';' -f 9", calls)),
                            seconds(60)));
    }

    /// For each round: half a minute of single calls, a burst, and another right after it.
    void compare(const std::string &parameters, milliseconds delay, unsigned rounds,
                 std::vector<double> &first, std::vector<double> &second) {
        serve_a_file(parameters);
        ASSERT_TRUE(mount_);
        auto network = Network::make(server(), {.delay = delay});
        ASSERT_TRUE(worked(network));
        burst();
        for (unsigned round = 0; round < rounds; round++) {
            on(client(),
               "end=$(($(date +%s) + 30)); while [ $(date +%s) -lt $end ]; do stat -f /mnt/nfs; "
               "sleep 0.05; done >/dev/null",
               seconds(90));
            first.push_back(burst());
            second.push_back(burst());
        }
        ASSERT_TRUE(worked(network->restore()));
        fmt::print("a burst takes {:.0f} ms, the next {:.0f} ms; medians of [{:.0f}], [{:.0f}]\n",
                   median(first), median(second), fmt::join(first, " "), fmt::join(second, " "));
    }
};

// Half a minute is no reason to take anything away, and the client meets no RNR NAK.
TEST_F(BurstTest, CostsNoMoreThanTheNext) {
    std::vector<double> first, second;
    compare("", milliseconds(0), 10, first, second);
    ASSERT_FALSE(first.empty());
    EXPECT_LT(median(first), 1.15 * median(second));
}

// Where a longer pause has cost it credits, what it had comes back in three round trips at most.
TEST_F(BurstTest, CostsThreeRoundTripsMore) {
    constexpr auto delay = milliseconds(20);
    std::vector<double> first, second;
    compare("credit_window=8", delay, 5, first, second);
    ASSERT_FALSE(first.empty());
    EXPECT_GT(counters().at("credit_cuts"), 1U) << "the bursts found what they had left";
    EXPECT_LT(median(first), 1.15 * median(second) + 3 * static_cast<double>(delay.count()));
}

} // namespace

} // namespace lab
