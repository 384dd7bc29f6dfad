// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// A server transport under comparison. All three can be served at once, by one nfsd, on three
/// ports.
enum class Transport {
    svcrdma, ///< ours
    rpcrdma, ///< the kernel's own NFS/RDMA
    tcp,     ///< NFS over TCP on the same data network
};

/// "svcrdma", "rpcrdma", "tcp".
std::string_view transport_name(Transport transport);
std::optional<Transport> transport_from(std::string_view name);

/// Whether `one` is among them.
bool contains(const std::vector<Transport> &all, Transport one);

using Counters = std::map<std::string, std::uint64_t>;

/// Every file of a directory on `host` that holds one number, by file name; empty when there is
/// no such directory.
Result<Counters> read_counters(Host &host, std::string_view directory);

/// Where each end keeps its counters.
constexpr std::string_view module_counters = "/sys/module/svcrdma/counters";
constexpr std::string_view device_counters = "/sys/class/infiniband/rxe0/ports/1/hw_counters";

} // namespace lab
