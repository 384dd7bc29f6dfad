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

} // namespace

bool NfsServer::serves(Transport transport) const {
    return contains(options_.transports, transport);
}

std::string NfsServer::listener(Transport transport) const {
    switch (transport) {
    case Transport::svcrdma:
        return serves(Transport::rpcrdma) ? "rdma_ll" : "rdma";
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
        return serves(Transport::rpcrdma) ? 20050 : 20049;
    case Transport::rpcrdma:
        return 20049;
    case Transport::tcp:
        break;
    }
    return 2049;
}

Result<void> NfsServer::load() {
    const auto parameters =
        (serves(Transport::rpcrdma) ? "transport=rdma_ll " : "") + options_.module_parameters;
    if (auto loaded = run_script(*host_, "load-module", {remote_module, parameters},
                                 Deadline::scaled(seconds(20)));
        !loaded)
        return fail(fmt::format("{} does not load", options_.module.string()), loaded.error());
    return {};
}

Result<void> NfsServer::halt() {
    TRY(host_->check("rpc.nfsd 0", Deadline::scaled(seconds(60))));
    return {};
}

Result<void> NfsServer::reload() {
    if (!serves(Transport::svcrdma))
        return {};
    // The last connections let go of it a moment after nfsd has ended.
    TRY(host_->check("for n in $(seq 20); do rmmod svcrdma && exit; sleep 0.5; done; exit 1",
                     Deadline::scaled(seconds(60))));
    return load();
}

Result<void> NfsServer::resume() {
    // rpc.nfsd opens TCP as it starts the threads; nobody mounts it unless asked to.
    std::string command = fmt::format(
        "set -e\nrpc.nfsd --no-udp --lease-time 10 --grace-time 10 {}\n", options_.threads);
    for (const auto transport : options_.transports)
        if (transport != Transport::tcp)
            command +=
                fmt::format("grep -q '^{0} {1}$' /proc/fs/nfsd/portlist ||\n"
                            "echo '{0} {1}' >/proc/fs/nfsd/portlist || {{ echo 'nfsd refuses "
                            "the listener {0} {1}' >&2; dmesg | tail -n 3 >&2; exit 1; }}\n",
                            listener(transport), port(transport));
    TRY(host_->check(command, Deadline::scaled(seconds(60))));
    return {};
}

Result<NfsServer> NfsServer::start(Host &host, const ServeOptions &options) {
    NfsServer server(host, options);
    const auto give_up = [&](Error error) {
        (void)server.stop();
        return fail(std::move(error));
    };
    if (auto done = run_script(host, "nfs-prepare",
                               {std::to_string(options.max_payload), options.export_options,
                                options.disk_type, options.pool_mode,
                                server.serves(Transport::rpcrdma) ? "rpcrdma" : ""},
                               Deadline::scaled(seconds(60)));
        !done)
        return give_up(done.error());
    if (server.serves(Transport::svcrdma)) {
        if (auto put = host.put(options.module, remote_module, Deadline::scaled(seconds(20))); !put)
            return give_up(put.error());
        if (auto loaded = server.load(); !loaded)
            return give_up(loaded.error());
    }
    if (auto serving = server.resume(); !serving)
        return give_up(serving.error());
    return server;
}

Result<void> NfsServer::stop() {
    if (auto stopped = run_script(*host_, "nfs-stop", {}, Deadline::scaled(seconds(30))); !stopped)
        return fail("stopping the NFS server", stopped.error());
    return {};
}

} // namespace lab
