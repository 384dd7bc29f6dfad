// SPDX-License-Identifier: GPL-2.0-only
#include "lab/soak_machines.h"

#include "nfs/rdma_device.h"
#include "workload/fio.h"

#include <chrono>
#include <fmt/format.h>

namespace lab {
namespace {

constexpr std::chrono::seconds step{30};
// With connections that have to come down first.
constexpr std::chrono::minutes device_limit{3};

} // namespace

SoakMachines::SoakMachines(Pair &pair, const Scenario &scenario)
    : pair_(pair), scenario_(scenario), clients_(pair.clients()) {}

Result<void> SoakMachines::equip(Host &host) {
    TRY(use_rdma_provider(host, scenario_.provider));
    for (const JobFile &job : scenario_.workloads)
        TRY(install_job(host, job, Deadline::scaled(step)));
    return {};
}

Result<void> SoakMachines::equip() {
    for (Host *host : pair_.machines())
        TRY(equip(*host));
    return {};
}

std::optional<SoakMachines::Shift> SoakMachines::begin(unsigned client,
                                                       const std::stop_token &stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return clients_[client].on; }))
        return std::nullopt;
    clients_[client].at_work = true;
    return Shift{clients_[client].losses, mends_};
}

void SoakMachines::end(unsigned client) {
    const std::lock_guard lock(mutex_);
    clients_[client].at_work = false;
    changed_.notify_all();
}

bool SoakMachines::lost_power(unsigned client, const Shift &since) {
    const std::lock_guard lock(mutex_);
    return clients_[client].losses != since.losses;
}

bool SoakMachines::mended(unsigned client, const Shift &since) {
    const std::lock_guard devices(devices_);
    const auto server = mend_rdma_device(pair_.server());
    const auto own = mend_rdma_device(pair_.client(client));
    const std::lock_guard lock(mutex_);
    if (server && *server)
        mends_++;
    return (own && *own) || mends_ != since.mends;
}

Result<void> SoakMachines::reset(unsigned client) {
    {
        const std::lock_guard lock(mutex_);
        clients_[client].on = false;
        clients_[client].losses++;
    }
    // Whoever uses its Host is told so by every command, and ends.
    pair_.kill_client(client);
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !clients_[client].at_work; });
    }
    TRY(pair_.revive_client(client));
    TRY(equip(pair_.client(client)));
    const std::lock_guard lock(mutex_);
    clients_[client].on = true;
    changed_.notify_all();
    return {};
}

void SoakMachines::cut_off() {
    const std::lock_guard lock(mutex_);
    for (unsigned i = 0; i < clients_.size(); i++) {
        clients_[i].on = false;
        clients_[i].losses++;
        pair_.kill_client(i);
    }
}

Result<void> SoakMachines::without_device(const std::function<void()> &meanwhile) {
    const std::lock_guard devices(devices_);
    TRY(pair_.server().check(fmt::format("rdma link delete {}0", scenario_.provider),
                             Deadline::scaled(device_limit)));
    meanwhile();
    return use_rdma_provider(pair_.server(), scenario_.provider);
}

} // namespace lab
