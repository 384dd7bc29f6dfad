// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "nfs/mount.h"
#include "observe/snapshot.h"

#include <string>

namespace lab {

/// Shows that the traffic between begin() and finish() took the transport it names.
class PathProof {
  public:
    /// Reads the client's counters before the traffic; `before` are the server's. Both ends must
    /// outlive the proof.
    static Result<PathProof> begin(const NfsServer &server, Host &client, const Mount &mount,
                                   Transport transport, Snapshot before);

    /// What both ends counted in between, and the words to show for it.
    struct Evidence {
        std::string portlist;                  ///< the listener's line
        std::string mount;                     ///< the client's line in /proc/mounts
        Counters module;                       ///< our module's counters, after minus before
        Counters server_device, client_device; ///< the RDMA devices', after minus before
    };

    /// Reads the client's again and judges, with the server's of `after`: the listener in the
    /// portlist, the protocol and port in the client's mounts, RDMA packets moved for the RDMA
    /// transports and none for TCP, our module's calls moved for svcrdma and stood still
    /// otherwise. Where the device counts no packets (siw) a connected queue pair has to do. An
    /// error says which of these does not hold.
    Result<Evidence> finish(const Snapshot &after);

  private:
    PathProof() = default;

    const NfsServer *server_ = nullptr;
    Host *client_ = nullptr;
    std::string dir_;
    Transport transport_ = Transport::tcp;
    Snapshot before_;
    Counters client_device_;
};

} // namespace lab
