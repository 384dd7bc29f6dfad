// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "util/deadline.h"
#include "util/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace lab {

/// What a host's kernel has counted since it booted, read at one moment.
struct Snapshot {
    using Values = std::map<std::string, std::uint64_t>;

    std::uint64_t context_switches = 0;
    Values module; ///< our module's counters; empty when it is not loaded
    Values device; ///< rxe's hw_counters
    std::uint64_t available_kib = 0;
    std::uint64_t slab_kib = 0;
};

/// What was counted between two snapshots of one host. Signed: gauges among the counters and
/// memory can fall.
struct Delta {
    using Values = std::map<std::string, std::int64_t>;

    std::int64_t context_switches = 0;
    Values module;
    Values device;
    std::int64_t available_kib = 0;
    std::int64_t slab_kib = 0;
};

/// Reads everything in one command.
Result<Snapshot> take_snapshot(Host &host, Deadline deadline);

/// The shell command behind take_snapshot, and the reading of what it prints.
std::string snapshot_command();
Result<Snapshot> parse_snapshot(std::string_view text);

/// `after` minus `before`. Counters that only one of them has are left out: they were not
/// measured.
Delta operator-(const Snapshot &after, const Snapshot &before);

} // namespace lab
