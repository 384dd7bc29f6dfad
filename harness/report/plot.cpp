// SPDX-License-Identifier: GPL-2.0-only
#include "report/plot.h"

#include "util/process.h"

#include <chrono>
#include <fmt/format.h>

namespace lab {

Result<void> draw(const std::filesystem::path &commands, const std::filesystem::path &directory) {
    const auto drawn = run_process(
        {"gnuplot", "-e", fmt::format("cd '{}'", directory.string()), commands.string()},
        Deadline::in(std::chrono::minutes(1)), {.cleaning = true});
    if (!drawn)
        return fail("cannot draw " + commands.string(), drawn.error());
    if (drawn->status != 0)
        return fail(fmt::format("gnuplot cannot draw {}: {}", commands.string(), drawn->err));
    return {};
}

} // namespace lab
