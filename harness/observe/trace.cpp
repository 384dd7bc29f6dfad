// SPDX-License-Identifier: GPL-2.0-only
#include "observe/trace.h"

#include "host/guest_script.h"
#include "util/text.h"

#include <fmt/format.h>

namespace lab {
namespace {

std::string group_of(std::string_view comm) {
    if (comm == "nfsd")
        return "nfsd";
    if (comm.starts_with("kworker/"))
        return "kworker";
    if (comm.starts_with("ksoftirqd/"))
        return "ksoftirqd";
    return "other";
}

/// "{ comm: kworker/0:1      } hitcount:         10": the key's value and the hits.
struct Entry {
    std::string_view key;
    std::int64_t hits = 0;
};

std::optional<Entry> parse_entry(std::string_view line) {
    constexpr std::string_view hits = "hitcount:";
    const auto colon = line.find(": ");
    const auto close = line.rfind('}');
    const auto hits_at = line.rfind(hits);
    if (!line.starts_with("{ ") || colon == line.npos || close == line.npos || hits_at == line.npos)
        return std::nullopt;
    const auto count = parse_number(line.substr(hits_at + hits.size()));
    if (!count || close < colon)
        return std::nullopt;
    return Entry{trimmed(line.substr(colon + 2, close - colon - 2)),
                 static_cast<std::int64_t>(*count)};
}

} // namespace

std::optional<double> Trace::send_handler_median() const {
    std::int64_t all = 0;
    for (const auto &[ns, calls] : send_handler)
        all += calls;
    std::int64_t so_far = 0;
    for (const auto &[ns, calls] : send_handler) {
        so_far += calls;
        if (so_far * 2 > all)
            return static_cast<double>(ns) + static_cast<double>(send_handler_step) / 2;
    }
    return std::nullopt;
}

Result<void> start_trace(Host &host, std::string_view module, Deadline deadline) {
    if (auto out = run_script(host, "trace", {"start", std::string(module)}, deadline); !out)
        return fail("cannot trace on " + host.name(), out.error());
    return {};
}

Result<Trace> stop_trace(Host &host, Deadline deadline) {
    const auto text = run_script(host, "trace", {"stop"}, deadline);
    if (!text)
        return fail("cannot read the trace of " + host.name(), text.error());
    return parse_trace(*text);
}

Result<Trace> parse_trace(std::string_view text) {
    // Nothing woken is a measurement as well.
    Trace trace{{{"nfsd", 0}, {"kworker", 0}}, {}, {}};
    std::string_view event;
    while (!text.empty()) {
        const auto line = trimmed(next_line(text));
        if (line.starts_with("event "))
            event = line.substr(6);
        if (line.starts_with("Dropped:") && parse_number(line.substr(8)).value_or(0) != 0)
            return fail(fmt::format("the kernel's histogram of {} overflowed", event));
        const auto entry = parse_entry(line);
        if (!entry)
            continue;
        if (event == "sched/sched_wakeup") {
            trace.wakeups[group_of(entry->key)] += entry->hits;
        } else if (event == "workqueue/workqueue_execute_start") {
            // "[ffffffffc0a4d2b0] do_work                 [rdma_rxe]"
            auto name = entry->key.substr(std::min(entry->key.find(']') + 1, entry->key.size()));
            const auto function = trimmed(name.substr(0, name.find('[')));
            const auto module = name.find('[');
            trace
                .works[module == name.npos ? std::string(function)
                                           : fmt::format("{} {}", function, name.substr(module))] +=
                entry->hits;
        } else if (entry->key.starts_with("~ ")) {
            // "~ 1500-1999"
            if (const auto ns = parse_number(entry->key.substr(2)))
                trace.send_handler[*ns] += entry->hits;
        }
    }
    return trace;
}

} // namespace lab
