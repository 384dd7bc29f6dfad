// SPDX-License-Identifier: GPL-2.0-only
#include "observe/instructions.h"

#include "observe/code_group.h"

#include <algorithm>
#include <unordered_map>

namespace lab {

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

std::uint64_t Profile::calls(std::string_view module, std::string_view name) const {
    const auto found = std::ranges::find_if(functions, [&](const Function &function) {
        return function.module == module && function.name == name;
    });
    return found == functions.end() ? 0 : found->calls;
}

Profile make_profile(const InstructionCounts &before, const InstructionCounts &after,
                     const SymbolTable &symbols) {
    static const Symbol user{0, "(user space)", ""};
    static const Symbol unknown{0, "(unknown)", ""};

    struct Sum {
        std::uint64_t instructions = 0, calls = 0;
    };
    std::unordered_map<const Symbol *, Sum> sums;
    for (const auto &[address, block] : after) {
        const auto found = before.find(address);
        const BlockCount old = found == before.end() ? BlockCount{} : found->second;
        if (block.entered == old.entered)
            continue;
        const Symbol *symbol = address == 0 ? &user : symbols.find(address);
        auto &sum = sums[symbol != nullptr ? symbol : &unknown];
        sum.instructions += block.instructions - old.instructions;
        if (symbol != nullptr && symbol->address == address)
            sum.calls += block.entered - old.entered;
    }

    // One function may have several symbols: its cold part, parts that the compiler cloned.
    std::map<std::pair<std::string, std::string>, Profile::Function> functions;
    for (const auto &[symbol, sum] : sums) {
        const auto name = symbol->name.substr(0, symbol->name.find('.'));
        auto &function = functions[{symbol->module, name}];
        if (function.name.empty())
            function = {
                name, symbol->module,
                std::string(symbol == &user ? user_group : code_group(symbol->module, name)), 0, 0};
        function.instructions += sum.instructions;
        // Nobody calls the cold part of a function: it is jumped to.
        if (symbol->name.find(".cold") == std::string::npos)
            function.calls += sum.calls;
    }
    Profile profile;
    for (auto &[key, function] : functions)
        profile.functions.push_back(std::move(function));
    std::ranges::stable_sort(profile.functions, std::ranges::greater(),
                             &Profile::Function::instructions);
    return profile;
}

} // namespace lab
