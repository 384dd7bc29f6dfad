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

} // namespace lab
