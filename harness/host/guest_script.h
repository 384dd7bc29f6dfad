// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"

#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// scripts/guest/NAME of the source tree as a command for a host, with `arguments` as its $1 and
/// so on. The host needs no file of it. Its first line says where it runs: "#!/bin/sh" as
/// cheap_script() does, "#!/bin/bash" in bash, with every program the system's own.
Result<std::string> guest_script(std::string_view name,
                                 const std::vector<std::string> &arguments = {});

/// Runs it as Host::check() runs a command, and returns what it printed.
Result<std::string> run_script(Host &host, std::string_view name,
                               const std::vector<std::string> &arguments, Deadline deadline);

} // namespace lab
