// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/network.h"
#include "nfs/transport.h"
#include "util/result.h"
#include "vm/cpus.h"
#include "workload/job_file.h"

#include <filesystem>
#include <string>
#include <vector>

namespace lab {

/// What a user wants to see run: every kernel, variant, NFS version, workload and transport with
/// each other, `repeats` times.
struct Scenario {
    std::filesystem::path file;        ///< where it was read from
    std::string name;                  ///< the file's name without ".toml"
    std::vector<std::string> kernels;  ///< as Image::kernel() takes them
    std::vector<Transport> transports; ///< in the order in which they take turns
    std::vector<std::string> nfs;      ///< "3", "4.1", "4.2"
    std::vector<JobFile> workloads;
    unsigned repeats = 1;
    unsigned threads = 8;         ///< nfsd threads of the server
    unsigned cpus = default_cpus; ///< of each VM
    NetworkOptions network;       ///< of the server, while runs are measured
    /// Also measures idle connections and the raw bandwidth, and judges our goals.
    bool bench = false;
    std::string module_parameters; ///< for svcrdma.ko, as insmod takes them
    /// The combinations of what a sweep names: "release=inline unmap_us=2". svcrdma.ko is loaded
    /// anew for each; without a sweep there is one, and it is empty.
    std::vector<std::string> variants{""};
    std::filesystem::path plot; ///< gnuplot's commands that draw a sweep, or empty
};

/// Reads a scenario and checks all of it, job files included. An error names file, line and
/// column, and says what is allowed there.
Result<Scenario> read_scenario(const std::filesystem::path &path);

} // namespace lab
