// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/conformance_report.h"
#include "util/result.h"
#include "vm/cpus.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lab {

/// What is tested, and how.
struct ConformanceOptions {
    std::vector<std::string> kernels = {"stable", "backports"};
    std::filesystem::path program;             ///< rpcrdma-conform
    std::filesystem::path results = "results"; ///< where the results directory is made
    std::uint64_t seed = 0;                    ///< of the random messages
    unsigned cpus = default_cpus;              ///< of each VM
    std::vector<std::string> only;             ///< tests to run, as glob patterns; empty: all
    /// Only what is known to crash a server, and also for the kernel's own transport.
    bool deadly = false;
};

/// Runs rpcrdma-conform against our transport and the kernel's own, on every kernel, each in a
/// pair of VMs of its own: what one of them breaks is not held against the other. The suite's own
/// reports, consoles and kernel logs land in a results directory, and conformance.md, .json and
/// junit.xml, which compare. An error says that nothing was started; everything later is in the
/// report.
Result<ConformanceReport> run_conformance(const ConformanceOptions &options);

} // namespace lab
