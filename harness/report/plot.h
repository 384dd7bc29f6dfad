// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/result.h"

#include <filesystem>

namespace lab {

/// Has gnuplot do what a file of its commands says, in `directory`: that is where the data are that
/// it names, and where the drawing lands.
Result<void> draw(const std::filesystem::path &commands, const std::filesystem::path &directory);

} // namespace lab
