// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lab {

/// A directory of this machine that a root is to see under another name.
struct Bind {
    std::filesystem::path from;
    std::string to; ///< in the root: "/mnt"; made if it is missing
};

/// The command line that runs a shell command inside a root, with /proc and `binds` mounted. The
/// mounts are in a name space of their own and go with the command. Needs root.
std::vector<std::string> in_root(const std::filesystem::path &root, const std::vector<Bind> &binds,
                                 const std::string &command);

} // namespace lab
