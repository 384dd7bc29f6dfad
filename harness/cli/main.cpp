// SPDX-License-Identifier: GPL-2.0-only
#include "cli/command.h"
#include "util/interrupt.h"
#include "util/last_words.h"

#include <exception>
#include <string>

namespace {

/// The command that lacks a subcommand: the innermost of those that were named.
const CLI::App &innermost(const CLI::App &app) {
    const auto named = app.get_subcommands();
    return named.empty() ? app : innermost(*named.front());
}

/// Says which subcommand there is not, where the library would say that one is missing.
std::string explain(const CLI::App *app, const CLI::Error &error) {
    const auto &command = innermost(*app);
    const auto unknown = command.remaining();
    if (error.get_name() != "RequiredError" || unknown.empty() || unknown.front().starts_with('-'))
        return CLI::FailureMessage::simple(app, error);
    std::string names;
    for (const auto *known : command.get_subcommands([](const CLI::App *) { return true; }))
        names += (names.empty() ? "" : ", ") + known->get_name();
    return "There is no subcommand \"" + unknown.front() + "\"; there are " + names + ".\n";
}

} // namespace

// Nothing of the lab throws; where the library does, the way out cleans up all the same.
int main(int argc, char **argv) try {
    lab::catch_interrupts();

    CLI::App app("Boots two VMs, serves NFS over RDMA between them and measures it.",
                 "nfsrdma-lab");
    app.require_subcommand(1);
    app.failure_message(explain);
    app.footer("First time: nfsrdma-lab doctor, then nfsrdma-lab image build.\n"
               "The cache is /var/cache/nfsrdma-lab, or NFSRDMA_LAB_CACHE.");
    lab::Action action;
    lab::add_conformance(app, action);
    lab::add_doctor(app, action);
    lab::add_image(app, action);
    lab::add_kernel(app, action);
    lab::add_module(app, action);
    lab::add_profile(app, action);
    lab::add_run(app, action);
    lab::add_shell(app, action);
    lab::add_up(app, action);
    CLI11_PARSE(app, argc, argv);
    return action();
} catch (const std::exception &error) {
    lab::say_last_words("nfsrdma-lab", error);
    return 2;
}
