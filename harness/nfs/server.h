// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "nfs/transport.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lab {

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
    /// Of the export, as in exports(5), without fsid; empty: what tests want.
    std::string export_options = {};
    std::string disk_type = {}; ///< of the host's /dev/vdb, which is exported; empty: a tmpfs is
    std::string pool_mode = {}; ///< how sunrpc divides its threads into pools; empty: as it is
};

/// nfsd on a host: a tmpfs, or a disk, at /export, served over the chosen transports. Our module
/// takes the name "rdma" when it is served without the stock one, and "rdma_ll" beside it.
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

    /// Ends nfsd and its listeners. What is exported stays there, and clients keep their mounts.
    Result<void> halt();

    /// Between halt() and resume(): unloads our module and loads it again, with its parameters.
    Result<void> reload();

    /// Starts nfsd and its listeners as they were.
    Result<void> resume();

    /// Stops nfsd, unmounts the export and unloads our module and the stock one. Clients must
    /// have unmounted. Not done by the destructor: it can fail, and the answer is a finding.
    Result<void> stop();

    /// What the portlist calls the transport ("rdma", "rdma_ll", "tcp"), and its port.
    [[nodiscard]] std::string listener(Transport transport) const;
    [[nodiscard]] unsigned port(Transport transport) const;

    [[nodiscard]] Host &host() const { return *host_; }
    [[nodiscard]] const std::vector<Transport> &transports() const { return options_.transports; }

  private:
    NfsServer(Host &host, ServeOptions options) : host_(&host), options_(std::move(options)) {}

    /// Whether it serves this transport.
    [[nodiscard]] bool serves(Transport transport) const;
    Result<void> load();

    Host *host_;
    ServeOptions options_;
};

} // namespace lab
