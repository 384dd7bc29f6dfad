// SPDX-License-Identifier: GPL-2.0-only
#include "observe/symbols.h"

#include "util/text.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace lab {
namespace {

// Longer than any function: an address further from the last symbol below it is not part of it.
constexpr std::uint64_t longest_function = 128 << 10;

std::string_view next_word(std::string_view &line) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    const auto word = line.substr(0, line.find_first_of(" \t"));
    line.remove_prefix(word.size());
    return word;
}

} // namespace

SymbolTable::SymbolTable(std::vector<Symbol> symbols) : symbols_(std::move(symbols)) {
    // Of several names for one address the kernel tells the best known first.
    std::ranges::stable_sort(symbols_, {}, &Symbol::address);
    const auto rest = std::ranges::unique(symbols_, {}, &Symbol::address);
    symbols_.erase(rest.begin(), rest.end());
}

const Symbol *SymbolTable::find(std::uint64_t address) const {
    const auto above = std::ranges::upper_bound(symbols_, address, {}, &Symbol::address);
    if (above == symbols_.begin() || address - std::prev(above)->address > longest_function)
        return nullptr;
    return &*std::prev(above);
}

Result<SymbolTable> read_symbols(Host &host, Deadline deadline) {
    // Functions only: a third of what there is.
    const auto text =
        host.check("awk '$2 ~ /[tTwW]/ { print $1, $3, $4 }' /proc/kallsyms", deadline);
    if (!text)
        return fail("cannot read the symbols of " + host.name(), text.error());
    return parse_symbols(*text);
}

Result<SymbolTable> parse_symbols(std::string_view text) {
    std::vector<Symbol> symbols;
    while (!text.empty()) {
        auto line = next_line(text);
        const auto address = next_word(line);
        Symbol symbol;
        const auto *begin = address.data();
        const auto *end = begin + address.size();
        if (std::from_chars(begin, end, symbol.address, 16).ptr != end)
            return fail(fmt::format("not a kernel symbol: {}", address));
        symbol.name = next_word(line);
        auto module = next_word(line);
        if (module.starts_with('[') && module.ends_with(']'))
            symbol.module = module.substr(1, module.size() - 2);
        symbols.push_back(std::move(symbol));
    }
    // Without the privilege to see them all addresses are shown as 0.
    if (symbols.empty() || symbols.back().address == 0)
        return fail("the kernel does not tell the addresses of its symbols");
    return SymbolTable(std::move(symbols));
}

} // namespace lab
