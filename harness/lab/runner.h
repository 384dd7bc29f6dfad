// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/scenario.h"
#include "report/report.h"

#include <filesystem>

namespace lab {

struct RunnerOptions {
    std::filesystem::path results = "results"; ///< where the results directory is made
    bool keep = false; ///< after a failure keep the VMs until the user interrupts
};

/// Boots a pair for every kernel of the scenario, does all its runs, and leaves a results
/// directory. Progress goes to standard error, the tables to standard output. An error says that
/// nothing was started; everything later is in the report.
Result<Report> run_scenario(const Scenario &scenario, const RunnerOptions &options);

} // namespace lab
