// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "nfs/server.h"
#include "nfs/transport.h"
#include "util/deadline.h"

#include <chrono>
#include <string>
#include <utility>

namespace lab {

/// An NFS mount on a client.
class Mount {
  public:
    /// As long as mounting and unmounting may take where nothing is amiss.
    static constexpr std::chrono::seconds usual{20};

    /// Mounts the server's export on `dir` (created) of `client`. `version` is "3", "4.0", "4.1" or
    /// "4.2"; `options` are added to the mount options ("nconnect=4").
    static Result<Mount> make(Host &client, const NfsServer &server, Transport transport,
                              const std::string &version, const std::string &dir = "/mnt/nfs",
                              const std::string &options = {},
                              Deadline deadline = Deadline::scaled(usual));

    Mount(Mount &&) noexcept = default;
    Mount &operator=(Mount &&) noexcept = default;
    Mount(const Mount &) = delete;
    Mount &operator=(const Mount &) = delete;
    ~Mount() = default;

    /// Explicit, for the same reason as NfsServer::stop().
    Result<void> unmount(Deadline deadline = Deadline::scaled(usual));

    [[nodiscard]] const std::string &dir() const { return dir_; }

  private:
    Mount(Host &client, std::string dir) : client_(&client), dir_(std::move(dir)) {}

    Host *client_;
    std::string dir_;
};

} // namespace lab
