// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/result.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace lab {

/// The whole content of a file; an error that says why it cannot be read.
Result<std::string> read_file(const std::filesystem::path &path);

/// Replaces a file by `text` in one step: readers see the old one or the new one. The error says
/// which file and why ("No space left on device").
Result<void> write_file(const std::filesystem::path &path, std::string_view text);

/// Adds a line at the end of a file; a log that cannot be written stops nothing.
void append_line(const std::filesystem::path &path, std::string_view line);

/// The last `count` lines of `text`, without a final newline.
std::string last_lines(std::string_view text, std::size_t count);

/// Where images and other results of long work are kept between runs: $NFSRDMA_LAB_CACHE or
/// /var/cache/nfsrdma-lab. Created when missing.
Result<std::filesystem::path> cache_dir();

/// The project's source tree, which this program was built from.
std::filesystem::path source_dir();

} // namespace lab
