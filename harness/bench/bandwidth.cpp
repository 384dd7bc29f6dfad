// SPDX-License-Identifier: GPL-2.0-only
#include "bench/bandwidth.h"

#include "util/interrupt.h"
#include "util/text.h"

#include <chrono>
#include <fmt/format.h>
#include <sstream>

namespace lab {
namespace {

using namespace std::chrono_literals;

constexpr auto limit = 60s;
constexpr auto bytes = 262144;
// The queue as deep as the reads that it is compared with.
constexpr auto command = "ib_write_bw -R -F -d rxe0 -s 262144 -n 150 -t 4";

} // namespace

std::optional<double> parse_write_bw(std::string_view text) {
    // " #bytes     #iterations    BW peak[MiB/sec]    BW average[MiB/sec]   MsgRate[Mpps]"
    while (!text.empty()) {
        std::istringstream line{std::string(next_line(text))};
        unsigned long size = 0;
        unsigned long iterations = 0;
        double peak = 0;
        double average = 0;
        if (line >> size >> iterations >> peak >> average && size == bytes)
            return average * (1 << 20);
    }
    return std::nullopt;
}

namespace {

/// One try: a listener in the client, and when it listens, the server's Writes.
Result<std::string> attempt(Host &server, Host &client, Deadline deadline) {
    const auto listener = TRY(client.check(
        fmt::format("{} >/run/ib_write_bw.log 2>&1 </dev/null & pid=$!; echo $pid\n"
                    "while [ -e /proc/$pid ]; do\n"
                    "  rdma resource show cm_id | grep -q 'state LISTEN.* pid '$pid && exit\n"
                    "  sleep 0.2\n"
                    "done; cat /run/ib_write_bw.log >&2; exit 1",
                    command),
        deadline));
    auto answer = server.check(fmt::format("{} {}", command, client.data_address()), deadline);
    (void)client.run(fmt::format("kill {} 2>/dev/null", trimmed(listener)),
                     Deadline::scaled(limit));
    return answer;
}

} // namespace

Result<double> measure_raw_writes(Host &server, Host &client) {
    for (Host *host : {&client, &server})
        TRY(host->check("modprobe -a rdma_ucm ib_uverbs", Deadline::scaled(limit)));
    constexpr int attempts = 3; // the tool gives up when its first try is refused
    auto answer = attempt(server, client, Deadline::scaled(limit));
    for (int i = 1; i < attempts && !answer; ++i) {
        if (!pause_for(1s))
            return fail("interrupted", Cause::cancelled);
        answer = attempt(server, client, Deadline::scaled(limit));
    }
    if (!answer)
        return fail("ib_write_bw", answer.error());
    const auto result = parse_write_bw(*answer);
    if (!result)
        return fail(fmt::format("ib_write_bw printed no result:\n{}", *answer));
    return *result;
}

} // namespace lab
