// SPDX-License-Identifier: GPL-2.0-only
#include "lab/toml_reader.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lab {

bool Allowed::has(std::string_view value) const {
    return names.empty() || std::ranges::find(names, value) != names.end() ||
           (versions && value.find_first_of("0123456789") == 0);
}

std::string Allowed::describe() const {
    if (names.empty())
        return {};
    return fmt::format(" out of \"{}\"{}", fmt::join(names, "\", \""),
                       versions ? ", or of exact versions" : "");
}

std::unexpected<Error> TomlReader::error_at(const toml::source_region &where,
                                            std::string_view what) const {
    return fail(
        fmt::format("{}:{}:{}: {}", path_.string(), where.begin.line, where.begin.column, what));
}

Result<void> TomlReader::check_keys(std::span<const std::string_view> keys) const {
    for (const auto &[key, value] : table_)
        if (std::ranges::find(keys, key.str()) == keys.end())
            return error_at(key.source(), fmt::format("unknown key \"{}\"; allowed are {}",
                                                      key.str(), fmt::join(keys, ", ")));
    return {};
}

Result<std::vector<std::string>> TomlReader::strings(std::string_view key,
                                                     const Allowed &allowed) const {
    const toml::node *node = table_.get(key);
    if (node == nullptr)
        return fail(fmt::format("{}: the key \"{}\" is missing: a list of strings{}",
                                path_.string(), key, allowed.describe()));
    const toml::array *array = node->as_array();
    if (array == nullptr)
        return error_at(node->source(),
                        fmt::format("\"{}\" must be a list of strings{}", key, allowed.describe()));
    if (array->empty())
        return error_at(node->source(), fmt::format("\"{}\" is empty", key));

    std::vector<std::string> values;
    for (const toml::node &element : *array) {
        const auto value = element.value_exact<std::string>();
        if (!value || !allowed.has(*value))
            return error_at(element.source(), fmt::format("\"{}\" must be a list of strings{}", key,
                                                          allowed.describe()));
        if (std::ranges::find(values, *value) != values.end())
            return error_at(element.source(),
                            fmt::format("\"{}\" names \"{}\" twice", key, *value));
        values.push_back(*value);
    }
    return values;
}

Result<unsigned> TomlReader::count_of(const toml::node &node, std::string_view key,
                                      Bounds bounds) const {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < bounds.least || *value > bounds.most)
        return error_at(node.source(), fmt::format("\"{}\" must be a whole number from {} to {}",
                                                   key, bounds.least, bounds.most));
    return static_cast<unsigned>(*value);
}

Result<unsigned> TomlReader::count(std::string_view key, unsigned otherwise, Bounds bounds) const {
    const toml::node *node = table_.get(key);
    return node == nullptr ? otherwise : count_of(*node, key, bounds);
}

Result<std::string> TomlReader::string_of(const toml::node &node, std::string_view key,
                                          const Allowed &allowed) const {
    auto value = node.value_exact<std::string>();
    if (!value || !allowed.has(*value))
        return error_at(node.source(),
                        fmt::format("\"{}\" must be a string{}", key, allowed.describe()));
    return *std::move(value);
}

Result<bool> TomlReader::flag(std::string_view key) const {
    const toml::node *node = table_.get(key);
    if (node == nullptr)
        return false;
    const auto value = node->value_exact<bool>();
    if (!value)
        return error_at(node->source(), fmt::format("\"{}\" must be true or false", key));
    return *value;
}

Result<void> TomlReader::each(std::string_view key,
                              const std::function<Result<void>(const toml::node &)> &read) const {
    const toml::node *node = table_.get(key);
    if (node == nullptr)
        return {};
    const toml::array *array = node->as_array();
    if (array == nullptr)
        return read(*node);
    if (array->empty())
        return error_at(node->source(), fmt::format("\"{}\" is empty", key));
    for (const toml::node &element : *array)
        TRY(read(element));
    return {};
}

} // namespace lab
