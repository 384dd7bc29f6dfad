// SPDX-License-Identifier: GPL-2.0-only
// What a server of NFS over RDMA offers beside RDMA.
#include "context.h"

#include <array>

namespace conform {

namespace {

void mount_protocol(Context &context) {
    if (context.options().root.empty())
        throw NotApplicable{context.options().no_root};
    const auto &host = context.options().target.host;
    need(rpcrdma::nfs3::mount(host, context.options().export_path, context.soon()));
}

void tcp(Context &context) {
    need(rpcrdma::call_tcp(context.options().target.host, 2049,
                           {rpcrdma::program_nfs, 4, 0, rpcrdma::Flavor::none}, {},
                           context.soon()));
}

} // namespace

std::span<const Test> binding_tests() {
    static const std::array tests = {
        Test{"binding.mount",
             {"8267-5.1-1"},
             "the MOUNT protocol is offered over TCP",
             mount_protocol},
        Test{"binding.tcp", {"8166-8.2.2.1-1"}, "NFS is offered over TCP on port 2049", tcp},
    };
    return tests;
}

} // namespace conform
