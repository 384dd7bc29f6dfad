// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/profile_file.h"

#include <cstddef>
#include <string>
#include <vector>

namespace lab {

/// Tables of instructions per operation, transports side by side: by group, the `top` most
/// expensive functions of the transport modules, and those of the whole kernel. Medians over the
/// repeats; each variant of a sweep has tables of its own.
std::string profile_text(const std::vector<ProfiledRun> &runs, std::size_t top);

/// Lines of "kernel;workload;transport;group;function [module] COUNT", as tools for flame graphs
/// read them, the variant of a sweep behind the workload. Counts are instructions per operation,
/// medians over the repeats.
std::string folded_text(const std::vector<ProfiledRun> &runs);

} // namespace lab
