// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/report.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace lab {

/// What the server executed during one run.
struct ProfiledRun {
    RunKey key;
    std::uint64_t ops = 0; ///< I/O operations of the run
    Profile profile;
};

/// Writes one run's profile, all functions, as JSON (schema 1). Makes the directory.
Result<void> write_profile(const std::filesystem::path &path, const ProfiledRun &run);

/// Reads all profiles of a results directory: KERNEL/observe/instructions-*.json. An error when
/// there is none, or one is damaged.
Result<std::vector<ProfiledRun>> read_profiles(const std::filesystem::path &results);

} // namespace lab
