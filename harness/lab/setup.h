// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/network.h"
#include "vm/cpus.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// The most clients of one server, and the most connections of one mount (nfs(5)).
inline constexpr unsigned most_clients = 8;
inline constexpr unsigned most_nconnect = 16;

/// What may differ from one part of a scenario to the next.
struct Setup {
    /// What may differ, and its value: "cpus=4 release=inline". Empty when nothing may.
    std::string name;
    std::string boot_name; ///< of that, what takes another boot: "cpus=4"

    unsigned cpus = default_cpus;     ///< of each VM
    unsigned clients = 1;             ///< VMs that drive the server at once
    std::string filesystem = "tmpfs"; ///< that is exported: "tmpfs", "ext4", "xfs"
    unsigned threads = 8;             ///< nfsd threads of the server
    NetworkOptions network;           ///< while runs are measured
    unsigned nconnect = 0;            ///< connections of each mount; 0: the client decides
    std::string module_parameters;    ///< that a sweep adds, as insmod takes them
};

/// One value of a thing that varies.
struct Choice {
    std::string value;                  ///< as it stands in names: no spaces
    std::function<void(Setup &)> apply; ///< puts it into a setup
};

/// Whose names tell which value of a thing it is: nobody's, the setup's, its boot's as well.
enum class Named { no, setup, boot };

/// Each of `setups` with each of `choices`. What is crossed first varies slowest: what takes a boot
/// comes first, so that the setups of one boot are next to each other.
std::vector<Setup> cross(const std::vector<Setup> &setups, std::string_view key,
                         const std::vector<Choice> &choices, Named named);

} // namespace lab
