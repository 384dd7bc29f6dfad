// SPDX-License-Identifier: GPL-2.0-only
#include "image/chroot.h"

#include "util/shell.h"

#include <fmt/format.h>

namespace lab {

std::vector<std::string> in_root(const std::filesystem::path &root, const std::vector<Bind> &binds,
                                 const std::string &command) {
    // objtool wants /proc. make leaves a file in /tmp when it is killed, named after a number that
    // it would have again.
    auto script = fmt::format("set -e; root={}; mount -t proc proc \"$root/proc\"; "
                              "mount -t tmpfs tmp \"$root/tmp\"; ",
                              shell_quote(root.string()));
    for (const auto &bind : binds)
        script += fmt::format("mkdir -p \"$root{0}\"; mount --bind {1} \"$root{0}\"; ", bind.to,
                              shell_quote(bind.from.string()));
    script += fmt::format("exec chroot \"$root\" sh -c {}", shell_quote(command));
    // Whatever ends unshare ends all that it has started: a compiler that went on would meet the
    // next one in the same tree.
    return {"unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script};
}

} // namespace lab
