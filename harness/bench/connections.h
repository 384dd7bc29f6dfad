// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "nfs/server.h"
#include "report/report.h"
#include "util/progress.h"

#include <vector>

namespace lab {

/// What idle connections cost the server in memory: brings up 1, 16, 64 and 256 of them over a
/// transport of RDMA, each used for a few small READs and left alone, and ends them again. They
/// come from one client, by NFSv3 mounts of several addresses that the server is given for it.
Result<std::vector<ConnectionCost>> measure_connections(Host &client, const NfsServer &server,
                                                        Transport transport, Progress &progress);

} // namespace lab
