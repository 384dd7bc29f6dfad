// SPDX-License-Identifier: GPL-2.0-only
#include "observe/snapshot.h"

#include "nfs/transport.h"
#include "util/text.h"

#include <fmt/format.h>

namespace lab {
namespace {

/// "PATH:NUMBER", as grep -r prints it; the counter's name is the path below `directory`.
void read_counter(std::string_view line, std::string_view directory, Snapshot::Values &values) {
    if (!line.starts_with(directory))
        return;
    line.remove_prefix(directory.size());
    const auto colon = line.rfind(':');
    if (!line.starts_with('/') || colon == std::string_view::npos)
        return;
    if (const auto value = parse_number(line.substr(colon + 1)))
        values.emplace(line.substr(1, colon - 1), *value);
}

Delta::Values subtract(const Snapshot::Values &after, const Snapshot::Values &before) {
    Delta::Values values;
    for (const auto &[name, value] : after)
        if (const auto old = before.find(name); old != before.end())
            values.emplace(name, static_cast<std::int64_t>(value - old->second));
    return values;
}

} // namespace

std::string snapshot_command() {
    // What is absent (module, device) prints nothing: its values stay absent.
    return fmt::format("grep ^ctxt /proc/stat\n"
                       "grep -E '^(MemAvailable|Slab):' /proc/meminfo\n"
                       "grep -r . {} {} 2>/dev/null\n"
                       "true",
                       module_counters, device_counters);
}

Result<Snapshot> take_snapshot(Host &host, Deadline deadline) {
    const auto text = host.check(cheap_script(snapshot_command()), deadline);
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
            snapshot.context_switches = parse_number(line.substr(5)).value_or(0);
            has_switches = snapshot.context_switches != 0;
        } else if (line.starts_with("MemAvailable:")) {
            snapshot.available_kib = parse_number(line.substr(13)).value_or(0);
        } else if (line.starts_with("Slab:")) {
            snapshot.slab_kib = parse_number(line.substr(5)).value_or(0);
        } else if (line.starts_with('/')) {
            read_counter(line, module_counters, snapshot.module);
            read_counter(line, device_counters, snapshot.device);
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
    delta.module = subtract(after.module, before.module);
    delta.device = subtract(after.device, before.device);
    delta.available_kib = difference(after.available_kib, before.available_kib);
    delta.slab_kib = difference(after.slab_kib, before.slab_kib);
    return delta;
}

} // namespace lab
