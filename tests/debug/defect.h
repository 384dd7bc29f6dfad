// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/result.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace lab {

/// Lines that are added to a source file of the module.
struct Insertion {
    std::string_view file;  ///< below kmod/
    std::string_view after; ///< a text that is there exactly once, up to the end of its line
    std::string_view text;
};

/// Copies the tree's kmod/ to `dir` and plants a defect there. An anchor that is not there, or
/// not only once, is an error.
Result<void> plant(const std::vector<Insertion> &defect, const std::filesystem::path &dir);

} // namespace lab
