// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"

#include <optional>
#include <string_view>

namespace lab {

/// What RDMA Writes of 256 KiB from the server to the client come to without NFS, in bytes per
/// second, as perftest's ib_write_bw measures it: the limit of READs.
Result<double> measure_raw_writes(Host &server, Host &client);

/// The average in what ib_write_bw prints.
std::optional<double> parse_write_bw(std::string_view text);

} // namespace lab
