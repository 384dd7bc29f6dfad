// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "observe/symbols.h"
#include "vm/instruction_counts.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

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
