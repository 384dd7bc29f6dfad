// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace conform {

/// A message from which the codec is fuzzed: of tests/fuzz/corpus or tests/unit/headers.
struct Seed {
    std::string_view name; ///< of its file
    std::span<const std::uint8_t> bytes;
};

/// All of them. Put into the program by embed.cmake, so that it needs no files where it runs.
std::span<const Seed> corpus();

} // namespace conform
