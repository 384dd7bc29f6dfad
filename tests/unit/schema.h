// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace lab {

/// What of a value a schema does not allow, each with its place; `name` is a file in
/// harness/schema. A schema that cannot be read is the only thing wrong then.
std::vector<std::string> violations(const nlohmann::json &value, const std::string &name);

} // namespace lab
