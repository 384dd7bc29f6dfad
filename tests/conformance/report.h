// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "suite.h"

#include "util/result.h"

#include <filesystem>
#include <string>
#include <vector>

namespace conform {

/// "pass", "fail", "not applicable".
std::string_view status_name(Status status);

/// One line, and for `verbose` or a failure the messages in hexadecimal below it.
std::string to_text(const Outcome &outcome, bool verbose);

/// Schema 1: target, seed, and for each test its name, requirements, status, reason, seconds and
/// messages.
std::string to_json(const std::vector<Outcome> &outcomes, const Options &options);

/// One test suite per group of tests. `started` in ISO 8601, UTC.
std::string to_junit(const std::vector<Outcome> &outcomes, const Options &options,
                     const std::string &started);

} // namespace conform
