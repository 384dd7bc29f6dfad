// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/result.h"

#include <filesystem>
#include <string_view>

namespace lab {

/// Replaces a file by `text` in one step: readers see the old one or the new one. The error says
/// which file and why ("No space left on device").
Result<void> write_file(const std::filesystem::path &path, std::string_view text);

} // namespace lab
