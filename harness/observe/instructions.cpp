// SPDX-License-Identifier: GPL-2.0-only
#include "observe/instructions.h"

#include "observe/code_group.h"
#include "util/text.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace lab {

Result<InstructionCounts> parse_instruction_counts(std::string_view text) {
    InstructionCounts counts;
    while (!text.empty()) {
        const auto line = next_line(text);
        if (line == "end")
            return counts;
        std::uint64_t address = 0;
        std::uint64_t count = 0;
        const auto *end = line.data() + line.size();
        const auto first = std::from_chars(line.data(), end, address, 16);
        if (first.ec != std::errc() || first.ptr == end ||
            std::from_chars(first.ptr + 1, end, count).ptr != end)
            return fail(fmt::format("not an instruction count: {}", line));
        counts[address] += count;
    }
    return fail("the instruction counts are cut off");
}

std::uint64_t Profile::total() const {
    std::uint64_t sum = 0;
    for (const Function &function : functions)
        sum += function.instructions;
    return sum;
}

std::map<std::string, std::uint64_t> Profile::groups() const {
    std::map<std::string, std::uint64_t> sums;
    for (const Function &function : functions)
        sums[function.group] += function.instructions;
    return sums;
}

Profile make_profile(const InstructionCounts &before, const InstructionCounts &after,
                     const SymbolTable &symbols) {
    static const Symbol user{0, "(user space)", ""};
    static const Symbol unknown{0, "(unknown)", ""};

    std::unordered_map<const Symbol *, std::uint64_t> sums;
    for (const auto &[address, count] : after) {
        const auto old = before.find(address);
        const auto more = count - (old == before.end() ? 0 : old->second);
        if (more == 0)
            continue;
        const Symbol *symbol = address == 0 ? &user : symbols.find(address);
        sums[symbol != nullptr ? symbol : &unknown] += more;
    }

    // One function may have several symbols: its cold part, parts that the compiler cloned.
    std::map<std::pair<std::string, std::string>, Profile::Function> functions;
    for (const auto &[symbol, count] : sums) {
        const auto name = symbol->name.substr(0, symbol->name.find('.'));
        auto &function = functions[{symbol->module, name}];
        if (function.name.empty())
            function = {
                name, symbol->module,
                std::string(symbol == &user ? user_group : code_group(symbol->module, name)), 0};
        function.instructions += count;
    }
    Profile profile;
    for (auto &[key, function] : functions)
        profile.functions.push_back(std::move(function));
    std::ranges::stable_sort(profile.functions, std::ranges::greater(),
                             &Profile::Function::instructions);
    return profile;
}

} // namespace lab
