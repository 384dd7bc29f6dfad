// SPDX-License-Identifier: GPL-2.0-only
#include "cli/command.h"
#include "lab/runner.h"
#include "util/progress.h"

#include <memory>
#include <string>
#include <vector>

namespace lab {

void add_run(CLI::App &app, Action &action) {
    struct Options {
        std::string file;
        unsigned cpus = 0;
        std::vector<std::string> kernels;
        RunnerOptions runner;
    };
    const auto options = std::make_shared<Options>();
    CLI::App *command = app.add_subcommand("run", "Run a scenario and compare its transports");
    command->add_option("FILE", options->file, "Scenario, a TOML file")->required();
    command->add_option("--results", options->runner.results,
                        "Where the results directory is made (default: results)");
    command->add_flag("--keep", options->runner.keep,
                      "After a failure keep the VMs until Ctrl-C, to look around in them");
    command->add_option("--kernel", options->kernels,
                        "Kernels of the servers, in the place of the scenario's");
    add_cpus_option(*command, options->cpus, "CPUs of each VM (default: what the scenario says)");
    command->callback([options, &action] {
        action = [options] {
            auto scenario = read_scenario(options->file);
            if (!scenario) {
                say(scenario.error().what);
                return 2;
            }
            if (options->cpus != 0) {
                if (scenario->setups.front().boot_name.contains("cpus=")) {
                    say("--cpus: the scenario has a list of cpus");
                    return 2;
                }
                for (Setup &setup : scenario->setups)
                    setup.cpus = options->cpus;
            }
            if (!options->kernels.empty())
                scenario->kernels = options->kernels;
            const auto report = run_scenario(*scenario, options->runner);
            if (!report) {
                say(report.error().what);
                return 2;
            }
            return report->outcome.verdict == Verdict::pass ? 0 : 1;
        };
    });
}

} // namespace lab
