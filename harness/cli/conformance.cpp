// SPDX-License-Identifier: GPL-2.0-only
#include "lab/conformance.h"
#include "cli/command.h"
#include "util/interrupt.h"
#include "util/progress.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <random>

namespace lab {

namespace {

int compare(const ConformanceOptions &options) {
    const auto report = run_conformance(options);
    if (!report) {
        say(report.error().what);
        return 2;
    }
    fmt::print("{}", to_markdown(*report));
    const auto outcome = interrupted() ? Outcome{Verdict::fail, "interrupted"} : judge(*report);
    fmt::print("\nVerdict: {}{}{}\n", verdict_name(outcome.verdict),
               outcome.why.empty() ? "" : ": ", outcome.why);
    return outcome.verdict == Verdict::pass ? 0 : 1;
}

} // namespace

void add_conformance(CLI::App &app, Action &action) {
    auto *command = app.add_subcommand(
        "conformance", "Run rpcrdma-conform against our transport and the kernel's own");
    const auto options = std::make_shared<ConformanceOptions>();
    options->program =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "rpcrdma-conform";
    options->seed = std::random_device()();
    command
        ->add_option("--kernel", options->kernels,
                     "stable, backports or an exact version; repeatable (default: both)")
        ->allow_extra_args(false);
    command
        ->add_option("--only", options->only,
                     "run the tests that match, such as 'error.*'; repeatable")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    command->add_flag("--deadly", options->deadly,
                      "run only what is known to crash a server, against the kernel's own, too");
    command->add_option("--seed", options->seed, "of what is random, to run the same again");
    add_cpus_option(*command, options->cpus, "CPUs of each VM")->capture_default_str();
    command->add_option("--results", options->results,
                        "where the results directory is made (default: results)");
    command->callback([options, &action] { action = [options] { return compare(*options); }; });
}

} // namespace lab
