// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "util/deadline.h"
#include "util/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lab {

/// What the kernel's tracepoints tell of a stretch of time.
struct Trace {
    using Values = std::map<std::string, std::int64_t>;

    /// Tasks woken: "nfsd", "kworker" (all workqueues together), "ksoftirqd" and "other".
    Values wakeups;
    /// What workqueues' workers were woken for, by the function that they executed.
    Values works;
    /// Calls of the transport's Send completion handler, by how long they took: nanoseconds, cut
    /// down to a multiple of send_handler_step.
    std::map<std::uint64_t, std::int64_t> send_handler;
    static constexpr std::uint64_t send_handler_step = 500;

    /// Nanoseconds that the middle one of them took, to half a step; nothing when there was none.
    [[nodiscard]] std::optional<double> send_handler_median() const;
};

/// Starts to trace, in the kernel's own histograms. `module` is the transport's, whose Send
/// completion handler is timed; with an empty one none is. The traced kernel pays for every event:
/// what it executes meanwhile is not what it would execute otherwise.
Result<void> start_trace(Host &host, std::string_view module, Deadline deadline);

/// Reads what was traced since, and stops tracing.
Result<Trace> stop_trace(Host &host, Deadline deadline);

/// The reading of what stop_trace() has printed.
Result<Trace> parse_trace(std::string_view text);

} // namespace lab
