// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/deadline.h"
#include "util/fd.h"
#include "util/result.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

namespace lab {

/// QEMU's management protocol over its UNIX socket. Events are skipped.
class Qmp {
  public:
    /// Connects as soon as QEMU listens, and agrees on capabilities.
    static Result<Qmp> connect(const std::filesystem::path &socket, Deadline deadline);

    /// Runs one command and returns its "return" member; QEMU's refusal is an error, and so is a
    /// QEMU that went away (Cause::lost).
    Result<nlohmann::json> execute(const std::string &command, const nlohmann::json &arguments,
                                   Deadline deadline);

    /// A command of the human monitor, for what QMP does not offer.
    Result<std::string> human(const std::string &line, Deadline deadline);

  private:
    explicit Qmp(Fd fd) : fd_(std::move(fd)) {}

    Result<nlohmann::json> receive(Deadline deadline);

    Fd fd_;
    std::string buffer_;
};

} // namespace lab
