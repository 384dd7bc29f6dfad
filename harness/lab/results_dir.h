// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/result.h"

#include <filesystem>
#include <string>

namespace lab {

/// Makes PARENT/TIMESTAMP-SCENARIO, a directory that nobody else uses, and points PARENT/latest
/// at it. What it returns is shown to people: relative when PARENT is.
Result<std::filesystem::path> make_results_dir(const std::filesystem::path &parent,
                                               const std::string &scenario);

/// A directory for a pair that belongs to no scenario, one that nobody else uses: KIND, the time
/// and our process in the tree's results/. It is not made.
std::filesystem::path new_run_dir(const std::string &kind);

} // namespace lab
