// SPDX-License-Identifier: GPL-2.0-only
#include "workload/job_file.h"

#include "util/text.h"

#include <fmt/format.h>
#include <fstream>
#include <string_view>

namespace lab {
Result<JobFile> read_job_file(const std::filesystem::path &path) {
    std::ifstream file(path);
    if (!std::filesystem::is_regular_file(path) || !file)
        return fail(fmt::format("no job file {}", path.string()));

    JobFile job{path, path.stem().string(), false};
    bool has_job = false;
    unsigned number = 0;
    for (std::string text; std::getline(file, text);) {
        ++number;
        const auto line = trimmed(text);
        if (line.empty() || line.front() == '#' || line.front() == ';')
            continue;
        if (line.front() == '[') {
            has_job = has_job || line != "[global]";
            continue;
        }
        const auto equals = line.find('=');
        const auto key = trimmed(line.substr(0, equals));
        if (key == "directory" || key == "filename")
            return fail(fmt::format("{}:{}: {} is not allowed: the lab runs the job in a "
                                    "directory of its own below the mount under test",
                                    path.string(), number, key));
        if (key == "verify")
            job.verifies = true;
    }
    if (!has_job)
        return fail(fmt::format("{}: no [job] section", path.string()));
    return job;
}

} // namespace lab
