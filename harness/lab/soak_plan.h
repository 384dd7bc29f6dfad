// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/scenario.h"

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace lab {

/// What a client of a soak does next: it mounts, does a job, and unmounts.
struct Errand {
    std::string nfs; ///< the version
    const JobFile *job = nullptr;
    std::string options;    ///< of the mount, beside the scenario's
    std::uint32_t seed = 0; ///< of fio's random sequence
};

/// The errands of one client, one after the other: versions, jobs, numbers of connections and sizes
/// in any mix. The same seed and client give the same errands. The scenario must outlive this.
class Errands {
  public:
    Errands(const Scenario &scenario, unsigned seed, unsigned client);
    Errand next();

  private:
    const Scenario *scenario_;
    std::mt19937 random_;
};

/// What is done to a soak's machines while its clients work.
enum class Trouble {
    nfsd,   ///< is stopped and started
    device, ///< the server's RDMA device goes and comes
    client, ///< one is cut off from power, and boots
    module, ///< nfsd is stopped, our module unloaded and loaded
};

/// For people: "nfsd stopped and started".
std::string_view trouble_name(Trouble trouble);

/// One of them.
struct Incident {
    std::chrono::seconds after; ///< the end of the one before
    Trouble trouble = Trouble::nfsd;
    std::chrono::milliseconds lasts; ///< until what was taken away comes back
    unsigned client = 0;             ///< whose power it is
};

/// Troubles without an end, by chance. The same seed gives the same.
class Incidents {
  public:
    Incidents(unsigned seed, unsigned clients);
    Incident next();

  private:
    std::mt19937 random_;
    unsigned clients_;
};

} // namespace lab
