// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "nfs/server.h"
#include "nfs/transport.h"

#include <string>
#include <utility>

namespace lab {

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
