// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/result.h"

#include <toml++/toml.h>

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// What a string may be: without names, anything.
struct Allowed {
    std::span<const std::string_view> names = {};
    bool versions = false; ///< also exact versions of kernels: which there are, the image knows

    [[nodiscard]] bool has(std::string_view value) const;
    /// "out of ...", empty when anything goes.
    [[nodiscard]] std::string describe() const;
};

/// Bounds of a whole number, both of them allowed.
struct Bounds {
    unsigned least = 1;
    unsigned most;
};

/// Reads values out of one TOML file. Errors name file, line and column, and what is allowed there.
class TomlReader {
  public:
    /// `table` must outlive the reader.
    TomlReader(std::filesystem::path path, const toml::table &table)
        : path_(std::move(path)), table_(table) {}

    [[nodiscard]] std::unexpected<Error> error_at(const toml::source_region &where,
                                                  std::string_view what) const;

    /// An error unless each key of the file is one of `keys`.
    [[nodiscard]] Result<void> check_keys(std::span<const std::string_view> keys) const;

    /// A list of distinct strings that is not empty; it must be there.
    [[nodiscard]] Result<std::vector<std::string>> strings(std::string_view key,
                                                           const Allowed &allowed) const;

    /// A whole number, or `otherwise` when the file does not say.
    [[nodiscard]] Result<unsigned> count(std::string_view key, unsigned otherwise,
                                         Bounds bounds) const;

    /// A flag that is off unless the file says otherwise.
    [[nodiscard]] Result<bool> flag(std::string_view key) const;

    /// Reads a value, or each of a list of them: as many as the list has, none when the file does
    /// not say. A list must not be empty.
    [[nodiscard]] Result<void>
    each(std::string_view key, const std::function<Result<void>(const toml::node &)> &read) const;

    /// The number or the string that a node holds, which is a value of `key`.
    [[nodiscard]] Result<unsigned> count_of(const toml::node &node, std::string_view key,
                                            Bounds bounds) const;
    [[nodiscard]] Result<std::string> string_of(const toml::node &node, std::string_view key,
                                                const Allowed &allowed) const;

    [[nodiscard]] const toml::table &table() const { return table_; }

  private:
    std::filesystem::path path_;
    const toml::table &table_;
};

} // namespace lab
