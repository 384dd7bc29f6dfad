// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "util/deadline.h"
#include "util/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// A function of a kernel.
struct Symbol {
    std::uint64_t address = 0;
    std::string name;
    std::string module; ///< that it belongs to; empty in the kernel itself
};

/// The functions of a running kernel, modules included, by address.
class SymbolTable {
  public:
    explicit SymbolTable(std::vector<Symbol> symbols);

    /// The function that holds `address`; nullptr when none does: code that the kernel made up
    /// later, or a module that was loaded since.
    [[nodiscard]] const Symbol *find(std::uint64_t address) const;

  private:
    std::vector<Symbol> symbols_; // ascending addresses
};

/// Reads /proc/kallsyms of a host. Several seconds on an emulated CPU.
Result<SymbolTable> read_symbols(Host &host, Deadline deadline);

/// Reads lines of "ADDRESS NAME [MODULE]".
Result<SymbolTable> parse_symbols(std::string_view text);

} // namespace lab
