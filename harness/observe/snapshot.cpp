// SPDX-License-Identifier: GPL-2.0-only
#include "observe/snapshot.h"

#include "lab/transport.h"
#include "util/text.h"

#include <charconv>
#include <fmt/format.h>

namespace lab {
namespace {

constexpr std::string_view tracing = "/sys/kernel/tracing";

/// The number at the start of `text`, spaces in front of it skipped.
std::optional<std::uint64_t> number(std::string_view text) {
    text = trimmed(text);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc())
        return std::nullopt;
    return value;
}

std::string group_of(std::string_view comm) {
    if (comm == "nfsd")
        return "nfsd";
    if (comm.starts_with("kworker/"))
        return "kworker";
    if (comm.starts_with("ksoftirqd/"))
        return "ksoftirqd";
    return "other";
}

/// "PATH:NUMBER", as grep -r prints it; the counter's name is the path below `directory`.
void read_counter(std::string_view line, std::string_view directory, Snapshot::Values &values) {
    if (!line.starts_with(directory))
        return;
    line.remove_prefix(directory.size());
    const auto colon = line.rfind(':');
    if (!line.starts_with('/') || colon == std::string_view::npos)
        return;
    if (const auto value = number(line.substr(colon + 1)))
        values.emplace(line.substr(1, colon - 1), *value);
}

/// "{ comm: kworker/0:1                            } hitcount:         10"
Result<void> read_wakeups(std::string_view line, Snapshot::Values &wakeups) {
    line = trimmed(line);
    if (line.starts_with("Dropped:") && number(line.substr(8)).value_or(0) != 0)
        return fail("the kernel's histogram of wakeups overflowed");
    constexpr std::string_view key = "{ comm: ";
    constexpr std::string_view hits = "hitcount:";
    const auto close = line.find('}');
    const auto count_at = line.find(hits);
    if (!line.starts_with(key) || close == line.npos || count_at == line.npos)
        return {};
    const auto count = number(line.substr(count_at + hits.size()));
    if (!count)
        return fail(fmt::format("cannot read the histogram of wakeups: {}", line));
    wakeups[group_of(trimmed(line.substr(key.size(), close - key.size())))] += *count;
    return {};
}

Delta::Values subtract(const Snapshot::Values &after, const Snapshot::Values &before) {
    Delta::Values values;
    for (const auto &[name, value] : after)
        if (const auto old = before.find(name); old != before.end())
            values.emplace(name, static_cast<std::int64_t>(value - old->second));
    return values;
}

} // namespace

Result<void> trace_wakeups(Host &host, Deadline deadline) {
    const auto command = fmt::format("mountpoint -q {0} || mount -t tracefs nodev {0}\n"
                                     "cd {0}/events/sched/sched_wakeup && "
                                     "{{ grep -q ^hist:keys=comm trigger || "
                                     "echo hist:keys=comm > trigger; }}",
                                     tracing);
    if (auto out = host.check(command, deadline); !out)
        return fail("cannot count wakeups on " + host.name(), out.error());
    return {};
}

std::string snapshot_command() {
    // What is absent (module, device, trace) prints nothing: its values stay absent.
    return fmt::format("grep ^ctxt /proc/stat\n"
                       "grep -E '^(MemAvailable|Slab):' /proc/meminfo\n"
                       "grep -r . {} {} 2>/dev/null\n"
                       "cat {}/events/sched/sched_wakeup/hist 2>/dev/null\n"
                       "true",
                       module_counters, device_counters, tracing);
}

Result<Snapshot> take_snapshot(Host &host, Deadline deadline) {
    const auto text = host.check(snapshot_command(), deadline);
    if (!text)
        return fail("cannot read the counters of " + host.name(), text.error());
    auto snapshot = parse_snapshot(*text);
    if (!snapshot)
        return fail("counters of " + host.name(), snapshot.error());
    return snapshot;
}

Result<Snapshot> parse_snapshot(std::string_view text) {
    Snapshot snapshot;
    bool has_switches = false;
    while (!text.empty()) {
        const auto line = next_line(text);
        if (line.starts_with("ctxt ")) {
            snapshot.context_switches = number(line.substr(5)).value_or(0);
            has_switches = snapshot.context_switches != 0;
        } else if (line.starts_with("MemAvailable:")) {
            snapshot.available_kib = number(line.substr(13)).value_or(0);
        } else if (line.starts_with("Slab:")) {
            snapshot.slab_kib = number(line.substr(5)).value_or(0);
        } else if (line.starts_with("# event histogram")) {
            // Nothing woken yet is a measurement as well.
            snapshot.wakeups = Snapshot::Values{{"nfsd", 0}, {"kworker", 0}};
        } else if (line.starts_with('/')) {
            read_counter(line, module_counters, snapshot.module);
            read_counter(line, device_counters, snapshot.device);
        } else if (snapshot.wakeups) {
            if (auto ok = read_wakeups(line, *snapshot.wakeups); !ok)
                return fail(ok.error());
        }
    }
    if (!has_switches)
        return fail("/proc/stat tells no context switches");
    return snapshot;
}

Delta operator-(const Snapshot &after, const Snapshot &before) {
    Delta delta;
    const auto difference = [](std::uint64_t a, std::uint64_t b) {
        return static_cast<std::int64_t>(a - b);
    };
    delta.context_switches = difference(after.context_switches, before.context_switches);
    if (after.wakeups && before.wakeups) {
        delta.wakeups.emplace();
        // A group that appears in between had been woken zero times before.
        for (const auto &[group, count] : *after.wakeups) {
            const auto old = before.wakeups->find(group);
            delta.wakeups->emplace(
                group, difference(count, old == before.wakeups->end() ? 0 : old->second));
        }
    }
    delta.module = subtract(after.module, before.module);
    delta.device = subtract(after.device, before.device);
    delta.available_kib = difference(after.available_kib, before.available_kib);
    delta.slab_kib = difference(after.slab_kib, before.slab_kib);
    return delta;
}

} // namespace lab
