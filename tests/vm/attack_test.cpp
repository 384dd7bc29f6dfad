// SPDX-License-Identifier: GPL-2.0-only
#include "attack_test.h"

#include "util/deadline.h"

#include <fmt/format.h>

#include <iterator>
#include <sstream>
#include <vector>

namespace lab {

using std::chrono::seconds;

void AttackTest::TearDown() {
    if (pair_lives())
        on(client(), fmt::format("umount -f {} 2>/dev/null || :", over_tcp));
    ModuleTest::TearDown();
}

void AttackTest::serve_both(const std::string &module_parameters) {
    serve({Transport::svcrdma, Transport::tcp}, threads, module_parameters);
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(),
       fmt::format("mkdir -p {0} && mount -t nfs -o vers=3,proto=tcp,port={1} {2}:/export "
                   "{0}",
                   over_tcp, nfs_->port(Transport::tcp), server().data_address()));
}

void AttackTest::unmount_both() {
    on(client(), fmt::format("umount {}", over_tcp));
    unmount();
}

void AttackTest::attack(Host &attacker, const std::string &kind, unsigned connections,
                        seconds span) {
    constexpr auto program = "/root/rpcrdma-attack";
    ASSERT_TRUE(worked(attacker.put(ATTACK_PROGRAM, program, Deadline::scaled(seconds(60)))));
    on(attacker, "modprobe rdma_ucm");
    start_on(attacker, "attack",
             fmt::format("{} {}:{} {} --connections {} --seconds {}", program,
                         server().data_address(), nfs_->port(Transport::svcrdma), kind, connections,
                         span.count()));
    EXPECT_TRUE(
        eventually([&](const Counters &now) { return now.at("live_connections") > connections; },
                   seconds(30)));
}

std::string AttackTest::end_of_attack(Host &attacker) {
    finish_on(attacker, "attack", seconds(180));
    return on(attacker, "tail -n 1 /run/attack.out");
}

AttackTest::Took AttackTest::measured(const std::string &command, seconds span) {
    const auto out = on(
        client(),
        fmt::format("now() {{ read t rest </proc/uptime; t=${{t%.*}}${{t#*.}}; }}\n"
                    "try() {{ now; begin=$t; \"$@\" >/dev/null 2>&1 || exit; now\n"
                    "  echo $(((t - begin) * 10)); }}\n"
                    "now; end=$((t + {}00))\n"
                    "while [ $t -lt $end ]; do {}; sleep 0.2; done >/run/took; sort -n /run/took",
                    span.count(), command),
        span + seconds(120));
    std::istringstream sorted(out);
    const std::vector<long> took(std::istream_iterator<long>(sorted), {});
    if (took.empty()) {
        ADD_FAILURE() << command << " failed";
        return {};
    }
    return {.longest = took.back(), .most = took[took.size() - 1 - took.size() / 20]};
}

AttackTest::Took AttackTest::measured_calls(seconds span) {
    return measured(fmt::format("try stat -f {}; try stat -f /mnt/nfs", over_tcp), span);
}

} // namespace lab
