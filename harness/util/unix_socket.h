// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/deadline.h"
#include "util/fd.h"
#include "util/result.h"

#include <filesystem>
#include <string>

namespace lab {

/// Connects to a UNIX stream socket, as soon as somebody listens on it. Errors: Cause::timeout
/// when nobody does in time, Cause::cancelled.
Result<Fd> connect_to(const std::filesystem::path &socket, Deadline deadline);

/// Waits until `fd` has something to read, or was closed by the other side. Errors:
/// Cause::timeout, Cause::cancelled.
Result<void> wait_readable(const Fd &fd, Deadline deadline);

/// Everything until the other side closes its end.
Result<std::string> read_all(const Fd &fd, Deadline deadline);

} // namespace lab
