// SPDX-License-Identifier: GPL-2.0-only
// nfsd's threads belong to everybody: whatever some clients do, the others are served.
#include "module_test.h"

#include "util/deadline.h"

#include <fmt/format.h>

#include <string>

namespace lab {

namespace {

using std::chrono::seconds;

struct Attack {
    const char *kind;
    unsigned connections;
    const char *parameters; ///< of the module
};

void PrintTo(const Attack &attack, std::ostream *out) {
    *out << attack.kind << ' ' << attack.connections << ' ' << attack.parameters;
}

class ThreadsTest : public ModuleTest, public ::testing::WithParamInterface<Attack> {
  protected:
    static constexpr const char *program = "/root/rpcrdma-attack";
    static constexpr const char *over_tcp = "/mnt/tcp";

    void SetUp() override {
        ModuleTest::SetUp();
        expect_receives_to_run_out(); // an attacker's, whom credits do not stop
        ASSERT_TRUE(worked(client().put(ATTACK_PROGRAM, program, Deadline::scaled(seconds(60)))));
        on(client(), "modprobe rdma_ucm; mkdir -p " + std::string(over_tcp));
    }

    void TearDown() override {
        on(client(), fmt::format("umount -f {} 2>/dev/null || :", over_tcp));
        ModuleTest::TearDown();
    }

    /// Calls, one after the other over both mounts while the attack goes on; the longest that one
    /// took, ms.
    static long longest_call(seconds span) {
        const auto out =
            on(client(),
               fmt::format("now() {{ read t rest </proc/uptime; t=${{t%.*}}${{t#*.}}; }}\n"
                           "now; end=$((t + {}00)); longest=0\n"
                           "while [ $t -lt $end ]; do for m in {} /mnt/nfs; do\n"
                           "  now; begin=$t; stat -f $m >/dev/null || exit; now\n"
                           "  [ $((t - begin)) -le $longest ] || longest=$((t - begin))\n"
                           "done; sleep 0.2; done; echo $longest",
                           span.count(), over_tcp),
               span + seconds(60));
        return std::stol(out) * 10;
    }
};

// A connection that takes no replies may have as many calls processed as it has credits, and then
// its calls stay in the queue. No thread waits for it: with the wait that was there until then,
// sixteen such connections kept eight threads for twenty seconds.
TEST_P(ThreadsTest, OthersAreServed) {
    constexpr unsigned threads = 8, duration = 40;
    const auto &attack = GetParam();
    serve({Transport::svcrdma, Transport::tcp}, threads, attack.parameters);
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(), fmt::format("mount -t nfs -o vers=3,proto=tcp,port={} {}:/export {}",
                             nfs_->port(Transport::tcp), server().data_address(), over_tcp));
    const auto calm = longest_call(seconds(5));

    start_on(client(), "attack",
             fmt::format("{} {}:{} {} --connections {} --seconds {}", program,
                         server().data_address(), nfs_->port(Transport::svcrdma), attack.kind,
                         attack.connections, duration));
    EXPECT_TRUE(eventually(
        [&](const Counters &now) { return now.at("live_connections") > attack.connections; },
        seconds(20)));
    const auto longest = longest_call(seconds(duration - 15));
    finish_on(client(), "attack", seconds(60));
    fmt::print("longest call {} ms, {} ms without the attack; {}\n", longest, calm,
               output_on(client(), "attack"));
    // A second; and what the machine that both guests share takes, which has more to do now.
    EXPECT_LT(longest, stretched(seconds(1)).count() + 4 * calm);
    RecordProperty("longest_ms", static_cast<int>(longest));
    on(client(), fmt::format("umount {}", over_tcp));
    unmount();
    expect_nothing_live();
}

INSTANTIATE_TEST_SUITE_P(Attacks, ThreadsTest,
                         ::testing::Values(Attack{"no-replies", 16, ""},
                                           Attack{"no-replies", 16, "reply_ms=200"},
                                           Attack{"few-replies", 16, ""}));

} // namespace

} // namespace lab
