// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "image/image.h"
#include "lab/scenario.h"
#include "util/result.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lab {

/// What a run was asked for and what it tests, kept with its results: whatever changes in the tree
/// meanwhile, each boot sees the same, and a reader can tell later what it was.
struct Inputs {
    Scenario scenario;                          ///< its job files are the copies
    std::vector<std::filesystem::path> modules; ///< svcrdma.ko, one for each kernel, or none
    std::map<std::string, std::string> hashes;  ///< of these, by kernel version
};

/// Copies scenario and job files to `dir`, by their names, and for each kernel the module that
/// build_module() has left, if ours is under test.
Result<Inputs> keep_inputs(const Scenario &scenario, const std::vector<Kernel> &kernels,
                           const std::filesystem::path &dir);

} // namespace lab
