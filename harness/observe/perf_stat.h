// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "observe/instructions.h"
#include "util/deadline.h"
#include "util/result.h"

#include <string_view>

namespace lab {

/// Counts instructions with the processor's own counters, where the accelerator has no plugins:
/// of the kernel and of user space, everything together. It knows no functions and no calls.

/// Starts `perf stat` on all processors of `host`.
Result<void> start_perf_stat(Host &host, Deadline deadline);

/// Ends it. An error says why there is no count: this machine has no such counters, say.
Result<Profile> stop_perf_stat(Host &host, Deadline deadline);

/// Reads what `perf stat -x,` wrote about instructions:k and instructions:u.
Result<Profile> parse_perf_stat(std::string_view text);

} // namespace lab
