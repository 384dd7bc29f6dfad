// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/report.h"

#include <vector>

namespace lab {

/// What our transport is meant to reach against the kernel's own, on every kernel of the report
/// that both ran on: medians over the repeats, what was not measured is missed.
std::vector<Goal> judge_goals(const Report &report);

} // namespace lab
