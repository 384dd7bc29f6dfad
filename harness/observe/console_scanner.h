// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// A text by which a kernel reports a defect.
struct SplatPattern {
    std::string_view name; ///< what the finding is called
    std::string_view text; ///< looked for in a line's message, behind the time stamp
    bool at_start = false; ///< only where the message begins
};

/// A line that looks like a splat and is not of our making, with the reason for tolerating it.
struct AllowedLine {
    std::string_view text;
    std::string_view reason;
    std::string_view in_stack = {}; ///< a function that has to be in the report; empty: any report
};

/// One splat: the line that gave it away and the lines that belong to it.
struct Finding {
    std::string pattern;            ///< SplatPattern::name
    std::size_t line = 0;           ///< of the first of `lines`, counted from 1
    std::vector<std::string> lines; ///< without carriage returns
    std::string tolerated = {};     ///< why it fails nothing; empty when it does

    [[nodiscard]] const std::string &head() const { return lines.front(); }
};

/// What the lab looks for, and what it tolerates.
std::span<const SplatPattern> splat_patterns();
std::span<const AllowedLine> allowed_lines();

/// The first finding that is not tolerated; null when there is none.
const Finding *first_serious(std::span<const Finding> findings);

/// Finds splats in a serial console's log or in dmesg's output. What follows a splat belongs to
/// it until the kernel marks its end, is silent for a second, or has said enough: a second
/// pattern in there is part of the same trouble. One that begins with an allowed line, and
/// shows the function that goes with it, is tolerated, unless our module appears anywhere in it; in
/// a report of KCSAN's, unless one of the two accesses is our module's.
std::vector<Finding> scan_console(std::string_view log,
                                  std::span<const SplatPattern> patterns = splat_patterns(),
                                  std::span<const AllowedLine> allowed = allowed_lines());

/// What a machine's console and the log of its kernel (dmesg) tell together, each finding once: the
/// console's, and behind them those of the log that the console lacks.
std::vector<Finding> scan_console_and_log(std::string_view console, std::string_view kernel_log);

} // namespace lab
