// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "observe/symbols.h"
#include "util/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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

/// What a machine executed between two moments.
struct Profile {
    struct Function {
        std::string name;
        std::string module; ///< empty in the kernel itself
        std::string group;  ///< as code_group() calls it
        std::uint64_t instructions = 0;
        std::uint64_t calls = 0;
    };

    std::vector<Function> functions; ///< that executed anything, the most expensive first

    [[nodiscard]] std::uint64_t total() const;
    /// By group; those that executed nothing are missing.
    [[nodiscard]] std::map<std::string, std::uint64_t> groups() const;
    /// How often a function was called; those that the compiler put into their callers do not
    /// show.
    [[nodiscard]] std::uint64_t calls(std::string_view module, std::string_view name) const;
};

/// Attributes what was counted between two moments to functions.
Profile make_profile(const InstructionCounts &before, const InstructionCounts &after,
                     const SymbolTable &symbols);

} // namespace lab
