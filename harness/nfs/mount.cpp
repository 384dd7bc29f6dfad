// SPDX-License-Identifier: GPL-2.0-only
#include "nfs/mount.h"

#include "util/shell.h"

#include <fmt/format.h>

namespace lab {

Result<Mount> Mount::make(Host &client, const NfsServer &server, Transport transport,
                          const std::string &version, const std::string &dir,
                          const std::string &options, Deadline deadline) {
    std::string with =
        fmt::format("vers={},proto={},port={}", version,
                    transport == Transport::tcp ? "tcp" : "rdma", server.port(transport));
    // The export is the root of version 4's name space. Version 3 has locks and mounts beside it.
    const bool old = version == "3";
    if (old)
        with += ",nolock,mountproto=tcp";
    if (!options.empty())
        with += "," + options;
    const auto command = fmt::format(
        "{{ [ -d {0} ] || mkdir -p {0}; }} && mount -t nfs -o {1} {2}:{3} {0}", shell_quote(dir),
        shell_quote(with), server.host().data_address(), old ? "/export" : "/");
    if (auto mounted = client.check(command, deadline); !mounted)
        return fail(fmt::format("mounting NFS {} over {}", version, transport_name(transport)),
                    mounted.error());
    return Mount(client, dir);
}

Result<void> Mount::unmount(Deadline deadline) {
    TRY(client_->check("umount " + shell_quote(dir_), deadline));
    return {};
}

} // namespace lab
