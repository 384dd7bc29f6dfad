// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "vm/cpus.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>

namespace lab {

/// A subcommand adds itself to the command line and sets `action` from its callback; main() runs
/// that after parsing, and what it returns is the exit status. Each cli/NAME.cpp has one of these.
using Action = std::function<int()>;

/// The option of the commands that install Debian's packages somewhere.
inline void add_mirror_option(CLI::App &command, std::string &mirror) {
    command
        .add_option("--mirror", mirror,
                    "Debian archive to take packages from (default: this machine's own)")
        ->envname("NFSRDMA_LAB_MIRROR");
}

/// The option of the commands that boot VMs.
inline CLI::Option *add_cpus_option(CLI::App &command, unsigned &cpus, const char *help) {
    return command.add_option("--cpus", cpus, help)->check(CLI::Range(1U, most_cpus));
}

void add_conformance(CLI::App &app, Action &action);
void add_doctor(CLI::App &app, Action &action);
void add_image(CLI::App &app, Action &action);
void add_kernel(CLI::App &app, Action &action);
void add_module(CLI::App &app, Action &action);
void add_profile(CLI::App &app, Action &action);
void add_run(CLI::App &app, Action &action);
void add_shell(CLI::App &app, Action &action);
void add_up(CLI::App &app, Action &action);

} // namespace lab
