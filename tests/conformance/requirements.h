// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "suite.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace conform {

/// A sentence with a keyword of RFC 2119 in one of the four texts.
struct Requirement {
    std::string_view id;    ///< RFC, section and a number within it: "8166-4.5-1"
    std::string_view level; ///< "MUST", "MUST NOT", "SHOULD", ...
    std::string_view text;  ///< what it asks for, shortened
    /// Why no test checks it; empty when one does.
    std::string_view reason = {};
};

/// Every MUST, MUST NOT, SHOULD, SHOULD NOT and REQUIRED of RFC 8166, 8167, 8797 and 8267, in
/// the order of the texts.
std::span<const Requirement> requirements();

/// The table for people, in Markdown.
std::string requirements_table(const std::vector<Test> &tests);

/// What is wrong with the table: a test that names no requirement, or one that is not there; a
/// requirement that has neither tests nor a reason, or both. Empty when all is well.
std::vector<std::string> requirements_faults(const std::vector<Test> &tests);

} // namespace conform
