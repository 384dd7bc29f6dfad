// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "util/process.h"

#include <memory>
#include <mutex>

namespace lab {

/// Where a host is.
struct SshTarget {
    std::string name;             ///< also its alias in the configuration file
    std::string data_address;     ///< on the data network
    std::filesystem::path config; ///< of OpenSSH; must set ControlPath for the alias
    std::filesystem::path log;    ///< what the connection says on its own
};

/// A host behind OpenSSH. One connection carries everything, because each new one costs an
/// emulated CPU seconds of cryptography. Several threads may run commands and copy at once; one
/// connects and disconnects.
class SshHost : public Host {
  public:
    explicit SshHost(SshTarget target) : target_(std::move(target)) {}

    /// Starts the connection without waiting for it, so that several can come up together. Call
    /// it from a thread that outlives the host.
    Result<void> start();

    /// Tries until the connection is up or the deadline passes (Cause::boot).
    Result<void> connect(Deadline deadline);

    /// Drops the connection, for a host that is gone or about to be; connect() makes a new one.
    void disconnect();

    [[nodiscard]] const std::string &name() const override { return target_.name; }
    [[nodiscard]] const std::string &data_address() const override { return target_.data_address; }
    Result<Output> run(const std::string &command, Deadline deadline) override;
    Result<void> put(const std::filesystem::path &local, const std::string &remote,
                     Deadline deadline) override;
    Result<void> get(const std::string &remote, const std::filesystem::path &local,
                     Deadline deadline) override;

  private:
    /// Whether the connection's process has not ended.
    bool master_runs();
    bool connected();
    Result<void> copy(const std::string &from, const std::string &to, Deadline deadline);
    Error lost() const;

    SshTarget target_;
    std::mutex mutex_; ///< of master_: to ask whether it runs may reap it
    std::unique_ptr<Process> master_;
};

} // namespace lab
