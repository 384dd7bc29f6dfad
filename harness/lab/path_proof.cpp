// SPDX-License-Identifier: GPL-2.0-only
#include "lab/path_proof.h"

#include "nfs/rdma_device.h"

#include <fmt/format.h>

#include <chrono>
#include <sstream>
#include <utility>

namespace lab {

namespace {

using std::chrono::seconds;

constexpr std::uint64_t stray_packets = 50; // of a connection that is still closing

Counters difference(const Counters &after, const Counters &before) {
    Counters result;
    for (const auto &[name, value] : after) {
        const auto old = before.find(name);
        result[name] = value - (old == before.end() ? 0 : old->second);
    }
    return result;
}

std::uint64_t at(const Counters &counters, const std::string &name) {
    const auto found = counters.find(name);
    return found == counters.end() ? 0 : found->second;
}

/// The value of an option in a line of /proc/mounts; empty when it is not there.
std::string mount_option(std::string_view line, std::string_view name) {
    std::istringstream words{std::string(line)};
    std::string options;
    for (int field = 0; field < 4; field++)
        words >> options;
    std::istringstream list(options);
    for (std::string option; std::getline(list, option, ',');)
        if (option.starts_with(name) && option.substr(name.size()).starts_with('='))
            return option.substr(name.size() + 1);
    return {};
}

} // namespace

Result<PathProof> PathProof::begin(const NfsServer &server, Host &client, const Mount &mount,
                                   Transport transport, Snapshot before) {
    PathProof proof;
    proof.server_ = &server;
    proof.client_ = &client;
    proof.dir_ = mount.dir();
    proof.transport_ = transport;
    proof.before_ = std::move(before);
    proof.client_device_ = TRY(read_counters(client, device_counters));
    return proof;
}

Result<PathProof::Evidence> PathProof::finish(const Snapshot &after) {
    const auto limit = Deadline::scaled(seconds(10));
    const auto name = std::string(transport_name(transport_));
    const auto port = server_->port(transport_);
    const auto portlist = TRY(server_->host().check("cat /proc/fs/nfsd/portlist", limit));
    const auto mounts = TRY(client_->check("cat /proc/mounts", limit));
    const auto client_device = TRY(read_counters(*client_, device_counters));

    Evidence evidence;
    evidence.portlist = fmt::format("{} {}", server_->listener(transport_), port);
    evidence.module = difference(after.module, before_.module);
    evidence.server_device = difference(after.device, before_.device);
    evidence.client_device = difference(client_device, client_device_);

    std::istringstream listeners(portlist);
    bool listening = false;
    for (std::string line; std::getline(listeners, line);)
        listening = listening || line == evidence.portlist;
    if (!listening)
        return fail(fmt::format("no proof of {}: the portlist lacks \"{}\":\n{}", name,
                                evidence.portlist, portlist));

    std::istringstream table(mounts);
    for (std::string line; std::getline(table, line);)
        if (line.find(" " + dir_ + " nfs") != std::string::npos)
            evidence.mount = line;
    const bool rdma = transport_ != Transport::tcp;
    const auto proto = mount_option(evidence.mount, "proto");
    const auto shown = mount_option(evidence.mount, "port");
    // The client does not mention NFS's own port with version 4.
    if (proto != (rdma ? "rdma" : "tcp") ||
        (shown.empty() ? "2049" : shown) != std::to_string(port))
        return fail(
            fmt::format("no proof of {}: the client's mount says \"{}\"", name, evidence.mount));

    if (rdma && after.device.empty()) {
        const auto pairs = TRY(connected_queue_pairs(server_->host()));
        if (pairs == 0)
            return fail(fmt::format("no proof of {}: the server has no connected queue pair, and "
                                    "its RDMA device does not count packets",
                                    name));
        evidence.server_device["connected_queue_pairs"] = pairs;
    } else {
        const auto packets = at(evidence.server_device, "rcvd_pkts");
        if (rdma ? packets == 0 : packets > stray_packets)
            return fail(fmt::format("no proof of {}: the server's RDMA device received {} packets",
                                    name, packets));
    }
    const auto calls = at(evidence.module, "calls");
    if ((transport_ == Transport::svcrdma) != (calls > 0))
        return fail(fmt::format("no proof of {}: svcrdma counted {} calls", name, calls));
    return evidence;
}

} // namespace lab
