// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/result.h"

#include <cstdint>
#include <string_view>
#include <unordered_map>

namespace lab {

/// What was executed of the code that begins at an address, since the machine started.
struct BlockCount {
    std::uint64_t instructions = 0;
    std::uint64_t entered = 0; ///< how often
};

/// By address. User space is all at address 0.
using InstructionCounts = std::unordered_map<std::uint64_t, BlockCount>;

/// Reads what plugin/instructions.cpp tells: lines of "ADDRESS LENGTH ENTERED", and "end".
Result<InstructionCounts> parse_instruction_counts(std::string_view text);

} // namespace lab
