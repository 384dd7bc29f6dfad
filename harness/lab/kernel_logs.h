// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/pair.h"
#include "observe/console_scanner.h"

#include <filesystem>
#include <vector>

namespace lab {

/// What a pair's kernels said.
struct KernelLogs {
    std::vector<Finding> findings; ///< defects, from both consoles and both logs
    Result<void> kept;             ///< whether the logs could be written
};

/// Leaves server.dmesg and client.dmesg in `directory`, as far as the machines still answer.
/// `stuck` has the kernels tell first where every blocked task is: the best there is to explain a
/// hang.
KernelLogs collect_kernel_logs(Pair &pair, const std::filesystem::path &directory, bool stuck);

} // namespace lab
