// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "util/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// A piece of memory that nothing points to any more, as kmemleak reports it.
struct Leak {
    std::string where; ///< the function, of ours where there is one, that had it allocated
    std::string text;  ///< the report
    bool ours = false; ///< our module appears in its trace, or a module that is gone
};

/// Forgets what the kernel has lost so far. Without kmemleak in the kernel nothing happens.
Result<void> forget_leaks(Host &host);

/// What the kernel has lost since then. Nothing without kmemleak in the kernel. Scans twice,
/// seconds apart: kmemleak says nothing of what is younger than five seconds, and what a register
/// pointed to during one scan shows in the other.
Result<std::vector<Leak>> find_leaks(Host &host);

/// Reads lines of /proc/modules, of other modules that were unloaded since, and behind them
/// /sys/kernel/debug/kmemleak. An address without a name is our module's unless it was in one of
/// these.
std::vector<Leak> parse_leaks(std::string_view text);

} // namespace lab
