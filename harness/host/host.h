// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/deadline.h"
#include "util/process.h"
#include "util/result.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace lab {

/// A machine that the lab drives as root: a VM it booted, or a physical one. Every call blocks
/// until it is done, its deadline passes (Cause::timeout), the connection breaks (Cause::lost)
/// or the user interrupts (Cause::cancelled). Several threads may use one Host at once.
class Host {
  public:
    Host() = default;
    Host(const Host &) = delete;
    Host &operator=(const Host &) = delete;
    virtual ~Host() = default;

    /// How messages and files call it: "server", "client".
    [[nodiscard]] virtual const std::string &name() const = 0;

    /// IPv4 address on the data network, where RDMA runs.
    [[nodiscard]] virtual const std::string &data_address() const = 0;

    /// Runs `command` in /bin/sh. Any exit status is a success here; only a command that could
    /// not be run to its end is an error.
    virtual Result<Output> run(const std::string &command, Deadline deadline) = 0;

    /// Copies a local file to an absolute path on the host, or back.
    virtual Result<void> put(const std::filesystem::path &local, const std::string &remote,
                             Deadline deadline) = 0;
    virtual Result<void> get(const std::string &remote, const std::filesystem::path &local,
                             Deadline deadline) = 0;

    /// Runs `command` and returns its standard output; an exit status other than 0 is an error
    /// that carries what it said on standard error.
    Result<std::string> check(const std::string &command, Deadline deadline);
};

/// A command that runs `script` in a shell that has most of its commands built in, where the host
/// has one (busybox): an emulated CPU takes a tenth of a second to start a program. What depends
/// on a program's own options names it with its path.
std::string cheap_script(std::string_view script);

} // namespace lab
