// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "util/deadline.h"
#include "util/result.h"

#include <cstdint>
#include <map>
#include <string>

namespace lab {

/// The most that our module held at once: "send_ctxts" and "pinned_pages" (of replies, until they
/// are released), both over all connections.
using Peaks = std::map<std::string, std::uint64_t>;

/// Starts to look at the module's live counters on `host`, every 20 ms: what lasts for less may be
/// missed. Looking costs the host a little.
Result<void> start_sampling(Host &host, Deadline deadline);

/// Ends that, and tells the highest values seen.
Result<Peaks> stop_sampling(Host &host, Deadline deadline);

} // namespace lab
