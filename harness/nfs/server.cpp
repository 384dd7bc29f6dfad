// SPDX-License-Identifier: GPL-2.0-only
#include "nfs/server.h"

#include "host/guest_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

namespace lab {

namespace {

using std::chrono::seconds;

constexpr auto remote_module = "/root/svcrdma.ko";

Result<void> load_module(Host &host, const ServeOptions &options, bool beside_stock) {
    TRY(host.put(options.module, remote_module, Deadline::scaled(seconds(20))));
    const auto parameters = (beside_stock ? "transport=rdma_ll " : "") + options.module_parameters;
    if (auto loaded = run_script(host, "load-module", {remote_module, parameters},
                                 Deadline::scaled(seconds(20)));
        !loaded)
        return fail(fmt::format("{} does not load", options.module.string()), loaded.error());
    return {};
}

} // namespace

std::string NfsServer::listener(Transport transport) const {
    switch (transport) {
    case Transport::svcrdma:
        return contains(transports_, Transport::rpcrdma) ? "rdma_ll" : "rdma";
    case Transport::rpcrdma:
        return "rdma";
    case Transport::tcp:
        break;
    }
    return "tcp";
}

unsigned NfsServer::port(Transport transport) const {
    switch (transport) {
    case Transport::svcrdma:
        return contains(transports_, Transport::rpcrdma) ? 20050 : 20049;
    case Transport::rpcrdma:
        return 20049;
    case Transport::tcp:
        break;
    }
    return 2049;
}

Result<NfsServer> NfsServer::start(Host &host, const ServeOptions &options) {
    NfsServer server(host, options.transports);
    const auto give_up = [&](Error error) {
        (void)server.stop();
        return fail(std::move(error));
    };
    const bool stock = contains(options.transports, Transport::rpcrdma);
    const bool ours = contains(options.transports, Transport::svcrdma);
    const auto limit = Deadline::scaled(seconds(60));

    if (auto done =
            run_script(host, "nfs-prepare",
                       {std::to_string(options.max_payload), options.export_options,
                        options.disk ? "/dev/vdb" : "", options.pool_mode, stock ? "rpcrdma" : ""},
                       limit);
        !done)
        return give_up(done.error());
    if (ours) {
        if (auto loaded = load_module(host, options, stock); !loaded)
            return give_up(loaded.error());
    }

    // rpc.nfsd opens TCP as it starts the threads; nobody mounts it unless asked to.
    std::string command = fmt::format(
        "set -e\nrpc.nfsd --no-udp --lease-time 10 --grace-time 10 {}\n", options.threads);
    for (const auto transport : options.transports)
        if (transport != Transport::tcp)
            command +=
                fmt::format("echo '{0} {1}' >/proc/fs/nfsd/portlist || {{ echo 'nfsd refuses "
                            "the listener {0} {1}' >&2; dmesg | tail -n 3 >&2; exit 1; }}\n",
                            server.listener(transport), server.port(transport));
    if (auto done = host.check(command, limit); !done)
        return give_up(done.error());
    return server;
}

Result<void> NfsServer::stop() {
    if (auto stopped = run_script(*host_, "nfs-stop", {}, Deadline::scaled(seconds(30))); !stopped)
        return fail("stopping the NFS server", stopped.error());
    return {};
}

} // namespace lab
