// SPDX-License-Identifier: GPL-2.0-only
#include "lab/results_dir.h"

#include "util/file.h"

#include <chrono>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

namespace lab {
namespace {

namespace fs = std::filesystem;

/// Replaces the link in one step, so that a reader always finds one.
Result<void> point_latest(const fs::path &parent, const fs::path &name) {
    const auto temporary = parent / fmt::format(".latest-{}", getpid());
    std::error_code error;
    fs::remove(temporary, error);
    fs::create_directory_symlink(name, temporary, error);
    if (!error)
        fs::rename(temporary, parent / "latest", error);
    if (error)
        return fail(fmt::format("cannot point {} at the results: {}", (parent / "latest").string(),
                                error.message()));
    return {};
}

} // namespace

Result<fs::path> make_results_dir(const fs::path &parent, const std::string &scenario) {
    std::error_code error;
    fs::create_directories(parent, error);
    if (error)
        return fail(fmt::format("cannot make {}: {}", parent.string(), error.message()));
    const auto stamp = fmt::format(
        "{:%Y%m%dT%H%M%SZ}-{}",
        fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())),
        scenario);
    // Two labs may start in one second.
    for (int i = 1; i < 100; ++i) {
        const auto name = i == 1 ? stamp : fmt::format("{}-{}", stamp, i);
        if (fs::create_directory(parent / name, error)) {
            TRY(point_latest(parent, name));
            return parent / name;
        }
        if (error)
            return fail(
                fmt::format("cannot make {}: {}", (parent / name).string(), error.message()));
    }
    return fail(fmt::format("too many results called {}", (parent / stamp).string()));
}

fs::path new_run_dir(const std::string &kind) {
    return source_dir() / "results" /
           fmt::format("{}-{:%Y%m%d-%H%M%S}-{}", kind, fmt::localtime(std::time(nullptr)),
                       getpid());
}

} // namespace lab
