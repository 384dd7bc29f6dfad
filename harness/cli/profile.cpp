// SPDX-License-Identifier: GPL-2.0-only
#include "cli/command.h"
#include "report/profile_report.h"
#include "util/progress.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

namespace lab {

void add_profile(CLI::App &app, Action &action) {
    struct Options {
        std::filesystem::path results;
        std::size_t top = 20;
        bool folded = false;
    };
    const auto options = std::make_shared<Options>();
    CLI::App *command = app.add_subcommand(
        "profile", "Show what the server executed per I/O, by group and function");
    command->add_option("RESULTS", options->results, "A results directory of nfsrdma-lab run")
        ->required();
    command->add_option("--top", options->top, "How many functions are shown")
        ->capture_default_str();
    command->add_flag("--folded", options->folded,
                      "Print lines for flame graph tools instead of tables");
    command->callback([options, &action] {
        action = [options] {
            const auto runs = read_profiles(options->results);
            if (!runs) {
                say(runs.error().what);
                return 1;
            }
            fmt::print("{}",
                       options->folded ? folded_text(*runs) : profile_text(*runs, options->top));
            return 0;
        };
    });
}

} // namespace lab
