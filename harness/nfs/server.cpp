// SPDX-License-Identifier: GPL-2.0-only
#include "nfs/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

namespace lab {

namespace {

using std::chrono::seconds;

constexpr auto remote_module = "/root/svcrdma.ko";

bool has(const std::vector<Transport> &all, Transport one) {
    return std::ranges::find(all, one) != all.end();
}

/// Loads our module, or says why it does not load: the kernel log knows more than insmod.
Result<void> load_module(Host &host, const ServeOptions &options, bool beside_stock) {
    if (auto copied = host.put(options.module, remote_module, Deadline::scaled(seconds(20)));
        !copied)
        return copied;
    const auto script = fmt::format("modprobe -a $(modinfo -F depends {0} | tr , ' ') || exit 1\n"
                                    "before=$(dmesg | wc -l)\n"
                                    "/usr/sbin/insmod {0} {1} {2} && exit 0\n"
                                    "dmesg | tail -n +$((before + 1)) | head -n 20 >&2\nexit 1",
                                    remote_module, beside_stock ? "transport=rdma_ll" : "",
                                    options.module_parameters);
    if (auto loaded = host.check(cheap_script(script), Deadline::scaled(seconds(20))); !loaded)
        return fail(fmt::format("{} does not load", options.module.string()), loaded.error());
    return {};
}

constexpr auto prepare = R"(set -e
modprobe -a nfsd sunrpc
grep -q ' /proc/fs/nfsd ' /proc/mounts || mount -t nfsd nfsd /proc/fs/nfsd
mkdir -p /export /var/lib/nfs/nfsdcld
grep -q ' /export ' /proc/mounts || mount -t tmpfs -o size=75%,mode=777 export /export
pidof nfsdcld >/dev/null || nfsdcld
pidof rpc.mountd >/dev/null || rpc.mountd
exportfs -o rw,async,no_root_squash,insecure,no_subtree_check,fsid=0 '*:/export'
)";

// NFS's daemons stay: they hold nothing, and the next server needs them.
constexpr auto undo = R"(failed=
rpc.nfsd 0 || failed=1
exportfs -ua
for n in 1 2 3 4 5 6 7 8 9 10; do
    grep -q ' /export ' /proc/mounts || break
    umount /export 2>/dev/null && break
    sleep 0.3
done
! grep -q ' /export ' /proc/mounts || { echo "/export is still busy" >&2; failed=1; }
! grep -q '^svcrdma ' /proc/modules || /usr/sbin/rmmod svcrdma || failed=1
! grep -q '^rpcrdma ' /proc/modules || /usr/sbin/modprobe -r rpcrdma || failed=1
[ -z "$failed" ])";

} // namespace

std::string NfsServer::listener(Transport transport) const {
    switch (transport) {
    case Transport::svcrdma:
        return has(transports_, Transport::rpcrdma) ? "rdma_ll" : "rdma";
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
        return has(transports_, Transport::rpcrdma) ? 20050 : 20049;
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
    const bool stock = has(options.transports, Transport::rpcrdma);
    const bool ours = has(options.transports, Transport::svcrdma);
    const auto limit = Deadline::scaled(seconds(60));

    const auto preparation = fmt::format("{}echo {} >/proc/fs/nfsd/max_block_size\n{}", prepare,
                                         options.max_payload, stock ? "modprobe rpcrdma\n" : "");
    if (auto done = host.check(cheap_script(preparation), limit); !done)
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
    auto stopped = host_->check(cheap_script(undo), Deadline::scaled(seconds(30)));
    if (!stopped)
        return fail("stopping the NFS server", stopped.error());
    return {};
}

} // namespace lab
