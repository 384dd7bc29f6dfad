// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace lab {

/// A subcommand adds itself to the command line and sets `action` from its callback; main() runs
/// that after parsing, and what it returns is the exit status. Each cli/NAME.cpp has one of these.
using Action = std::function<int()>;

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
