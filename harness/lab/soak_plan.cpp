// SPDX-License-Identifier: GPL-2.0-only
#include "lab/soak_plan.h"

#include <array>

namespace lab {
namespace {

/// A number below `count`, the same with every library: the standard's distributions are not.
std::uint32_t below(std::mt19937 &random, std::size_t count) {
    return random() % static_cast<std::uint32_t>(count);
}

template <typename List> const auto &one_of(std::mt19937 &random, const List &list) {
    return list[below(random, list.size())];
}

constexpr std::array<std::string_view, 5> options = {"", "nconnect=2", "nconnect=4,rsize=131072",
                                                     "wsize=131072", "rsize=65536,wsize=65536"};

// Clients take longest to come back, and are fewest.
constexpr std::array troubles = {Trouble::nfsd,   Trouble::nfsd,   Trouble::device,
                                 Trouble::device, Trouble::module, Trouble::client};

} // namespace

Errands::Errands(const Scenario &scenario, unsigned seed, unsigned client) : scenario_(&scenario) {
    std::seed_seq seeds{seed, client + 1};
    random_.seed(seeds);
}

Errand Errands::next() {
    Errand errand;
    errand.nfs = one_of(random_, scenario_->nfs);
    errand.job = &one_of(random_, scenario_->workloads);
    errand.options = scenario_->mount;
    const auto further = one_of(random_, options);
    if (!errand.options.empty() && !further.empty())
        errand.options += ",";
    errand.options += further;
    errand.seed = random_();
    return errand;
}

std::string_view trouble_name(Trouble trouble) {
    switch (trouble) {
    case Trouble::nfsd:
        return "nfsd stopped and started";
    case Trouble::device:
        return "device removed and added";
    case Trouble::client:
        return "client reset";
    case Trouble::module:
        return "module reloaded";
    }
    return "nothing";
}

Incidents::Incidents(unsigned seed, unsigned clients) : random_(seed), clients_(clients) {}

Incident Incidents::next() {
    Incident incident;
    incident.after = std::chrono::seconds(15 + below(random_, 46));
    incident.trouble = one_of(random_, troubles);
    incident.lasts = std::chrono::milliseconds(below(random_, 8000));
    incident.client = below(random_, clients_);
    return incident;
}

} // namespace lab
