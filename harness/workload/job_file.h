// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/result.h"

#include <filesystem>
#include <string>

namespace lab {

/// A fio job file of the user's, checked.
struct JobFile {
    std::filesystem::path path;
    std::string name;      ///< the file's name without ".fio": what results call the workload
    bool verifies = false; ///< it asks for verification: errors in the data will be noticed
};

/// Reads a job file and refuses what cannot work in the lab, before anything is booted: no job
/// in it, or a directory or file name outside of the mount under test. What fio itself thinks
/// of the options is only known when it runs.
Result<JobFile> read_job_file(const std::filesystem::path &path);

} // namespace lab
