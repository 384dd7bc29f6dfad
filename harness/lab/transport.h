// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/host.h"

#include <cstdint>
#include <filesystem>
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

using Counters = std::map<std::string, std::uint64_t>;

/// Every file of a directory on `host` that holds one number, by file name; empty when there is
/// no such directory.
Result<Counters> read_counters(Host &host, std::string_view directory);

/// Where each end keeps its counters.
constexpr std::string_view module_counters = "/sys/module/svcrdma/counters";
constexpr std::string_view device_counters = "/sys/class/infiniband/rxe0/ports/1/hw_counters";

/// What the server is to serve.
struct ServeOptions {
    std::vector<Transport> transports;
    /// svcrdma.ko for the server's kernel; needed when svcrdma is among the transports.
    std::filesystem::path module;
    /// Further module parameters, as insmod takes them ("release=workqueue").
    std::string module_parameters;
    unsigned threads = 8;
    /// Bytes of the largest payload: 1 MiB, or more where the kernel has it (4 MiB from 7.2).
    unsigned max_payload = 1U << 20;
};

/// nfsd on a host: a tmpfs at /export, served over the chosen transports. Our module takes the
/// name "rdma" when it is served without the stock one, and "rdma_ll" beside it.
class NfsServer {
  public:
    /// Loads modules, exports, starts nfsd and its listeners. `host` must outlive the server. A
    /// module that does not load fails with the kernel log's reason. After an error whatever
    /// had been started is stopped again.
    static Result<NfsServer> start(Host &host, const ServeOptions &options);

    NfsServer(NfsServer &&) noexcept = default;
    NfsServer &operator=(NfsServer &&) noexcept = default;
    NfsServer(const NfsServer &) = delete;
    NfsServer &operator=(const NfsServer &) = delete;
    ~NfsServer() = default;

    /// Stops nfsd, unmounts the export and unloads our module and the stock one. Clients must
    /// have unmounted. Not done by the destructor: it can fail, and the answer is a finding.
    Result<void> stop();

    /// What the portlist calls the transport ("rdma", "rdma_ll", "tcp"), and its port.
    [[nodiscard]] std::string listener(Transport transport) const;
    [[nodiscard]] unsigned port(Transport transport) const;

    [[nodiscard]] Host &host() const { return *host_; }
    [[nodiscard]] const std::vector<Transport> &transports() const { return transports_; }

  private:
    NfsServer(Host &host, std::vector<Transport> transports)
        : host_(&host), transports_(std::move(transports)) {}

    Host *host_;
    std::vector<Transport> transports_;
};

/// An NFS mount on a client.
class Mount {
  public:
    /// Mounts the server's export on `dir` (created) of `client`. `version` is "3", "4.1" or
    /// "4.2"; `options` are added to the mount options ("nconnect=4").
    static Result<Mount> make(Host &client, const NfsServer &server, Transport transport,
                              const std::string &version, const std::string &dir = "/mnt/nfs",
                              const std::string &options = {});

    Mount(Mount &&) noexcept = default;
    Mount &operator=(Mount &&) noexcept = default;
    Mount(const Mount &) = delete;
    Mount &operator=(const Mount &) = delete;
    ~Mount() = default;

    /// Explicit, for the same reason as NfsServer::stop().
    Result<void> unmount();

    [[nodiscard]] const std::string &dir() const { return dir_; }

  private:
    Mount(Host &client, std::string dir) : client_(&client), dir_(std::move(dir)) {}

    Host *client_;
    std::string dir_;
};

} // namespace lab
