// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/report.h"
#include "util/result.h"

namespace lab {

/// Something that tells a user about a scenario while it runs. One per format.
class Reporter {
  public:
    Reporter() = default;
    Reporter(const Reporter &) = delete;
    Reporter &operator=(const Reporter &) = delete;
    virtual ~Reporter() = default;

    /// Once, before anything is booted: scenario and environment, as far as they are known.
    virtual Result<void> start(const Report &report) = 0;

    /// After each run: it is the last one of the report.
    virtual Result<void> run(const Report &report) = 0;

    /// Once, with everything.
    virtual Result<void> finish(const Report &report) = 0;
};

} // namespace lab
