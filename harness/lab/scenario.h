// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/setup.h"
#include "nfs/server.h"
#include "util/result.h"
#include "workload/job_file.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lab {

/// What a user wants to see run: every kernel, setup, NFS version, workload and transport with each
/// other, `repeats` times.
struct Scenario {
    std::filesystem::path file;        ///< where it was read from
    std::string name;                  ///< the file's name without ".toml"
    std::vector<std::string> kernels;  ///< as Image::kernel() takes them
    std::string client_kernel;         ///< of the clients, likewise; empty: the server's
    std::vector<Transport> transports; ///< in the order in which they take turns
    std::vector<std::string> nfs;      ///< "3", "4.0", "4.1", "4.2"
    std::vector<JobFile> workloads;
    unsigned repeats = 1;
    unsigned minutes = 0;         ///< of a soak; 0: it is none
    unsigned seed = 0;            ///< of a soak
    unsigned memory = 2048;       ///< MiB of each VM
    std::string provider = "rxe"; ///< of their RDMA devices: "rxe" or "siw"
    /// Also measures idle connections and the raw bandwidth, and judges our goals.
    bool bench = false;
    std::string module_parameters;      ///< for svcrdma.ko, as insmod takes them
    std::string mount;                  ///< further options of each mount, as in fstab
    std::string export_options;         ///< of the export, as in exports; empty: the lab's
    unsigned max_block_size = 1U << 20; ///< bytes of the largest payload
    std::string pool_mode;              ///< of sunrpc; empty: the kernel's own
    std::vector<Setup> setups{Setup{}}; ///< those of one boot are next to each other
    std::filesystem::path plot;         ///< gnuplot's commands that draw the setups, or empty
    /// What the file says of the machines, the server and the mounts, for the report: key and value
    /// as they stand there. What varies is not in it.
    std::map<std::string, std::string> said;
};

/// What one of a scenario's setups has its server serve.
ServeOptions serve_options(const Scenario &scenario, const Setup &setup,
                           const std::filesystem::path &module);

/// Reads a scenario and checks all of it, job files included. An error names file, line and
/// column, and says what is allowed there.
Result<Scenario> read_scenario(const std::filesystem::path &path);

} // namespace lab
