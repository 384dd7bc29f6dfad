// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/pair.h"
#include "lab/scenario.h"
#include "report/report.h"
#include "util/progress.h"

#include <filesystem>
#include <functional>

namespace lab {

/// For the scenario's minutes every client mounts, does a job that verifies its data, and unmounts,
/// each time with another version and other options, while by chance nfsd, the server's device, our
/// module and clients go and come back (soak_plan.h). Then everything has to come back: our
/// module's contexts, connections and pages, and the server's memory. What was done and found goes
/// into boot.soak, every job that was done to `done`, called in one thread at a time; memory over
/// time into soak.tsv of the boot's directory below `results`, and if the scenario says so a
/// drawing beside it. The outcome says what did not hold first.
Outcome soak(Pair &pair, const Scenario &scenario, const Setup &setup,
             const std::filesystem::path &module, Boot &boot, const std::filesystem::path &results,
             const std::function<void(Run)> &done, Progress &progress);

} // namespace lab
