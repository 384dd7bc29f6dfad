// SPDX-License-Identifier: GPL-2.0-only
#include "cli/command.h"
#include "image/image.h"
#include "image/module.h"
#include "lab/pair.h"
#include "lab/results_dir.h"
#include "nfs/mount.h"
#include "util/file.h"
#include "util/interrupt.h"
#include "util/process.h"
#include "util/progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace lab {

namespace {

struct Options {
    std::string kernel = "stable";
    std::string transport = "svcrdma";
    std::string nfs = "4.2";
    unsigned cpus = default_cpus;
    std::string side;
    std::vector<std::string> command;
};

int complain(const Error &error) {
    say(error.what);
    return 1;
}

Result<std::unique_ptr<Pair>> boot(const Options &options, const std::string &kind) {
    const auto image = TRY(find_image());
    const auto chosen = TRY(image.kernel(options.kernel));
    return Pair::boot(image,
                      {.kernel = chosen, .run_dir = new_run_dir(kind), .cpus = options.cpus});
}

int up(const Options &options) {
    const auto pair = boot(options, "up");
    if (!pair)
        return complain(pair.error());
    fmt::print("ssh -F {0} server\nssh -F {0} client\nCtrl-C ends both.\n",
               (*pair)->ssh_config().string());
    std::fflush(stdout);
    while (pause_for(std::chrono::seconds(1)))
        if (auto living = (*pair)->alive(); !living)
            return complain(living.error());
    return 0;
}

/// Opens the user's shell, or runs the command, on one side of a pair that has NFS mounted.
int run_in_shell(const Options &options, Pair &pair) {
    std::vector<std::string> argv = {"ssh", "-F", pair.ssh_config().string()};
    if (options.command.empty())
        argv.insert(argv.end(), {"-t", "-o", "BatchMode=no"});
    argv.push_back(options.side);
    std::string line;
    for (const auto &word : options.command)
        line += (line.empty() ? "" : " ") + word;
    if (!line.empty())
        argv.push_back(line);
    const auto output = run_process(argv, Deadline::never(), {.terminal = true});
    return output ? output->status : complain(output.error());
}

int shell(const Options &options) {
    if (options.command.empty() && isatty(STDIN_FILENO) != 1)
        return complain({"there is no terminal: give the command after --"});
    const auto transport = transport_from(options.transport);
    if (!transport)
        return complain(
            {fmt::format("\"{}\" is no transport: svcrdma, rpcrdma or tcp", options.transport)});
    const auto pair = boot(options, "shell");
    if (!pair)
        return complain(pair.error());
    ServeOptions serve = {.transports = {*transport}};
    if (*transport == Transport::svcrdma) {
        const auto module = build_module((*pair)->kernel());
        if (!module)
            return complain(module.error());
        serve.module = *module;
    }
    Progress progress(fmt::format("mounting NFS {} over {}", options.nfs, options.transport));
    auto server = NfsServer::start((*pair)->server(), serve);
    if (!server)
        return complain(server.error());
    auto mount = Mount::make((*pair)->client(), *server, *transport, options.nfs);
    if (!mount)
        return complain(mount.error());
    progress.done();
    if (options.command.empty())
        say(fmt::format("/export on the server is {} on the client. The other side: ssh -F {} {}",
                        mount->dir(), (*pair)->ssh_config().string(),
                        options.side == "server" ? "client" : "server"));
    return run_in_shell(options, **pair);
}

void add_vm_options(CLI::App &command, Options &options) {
    command
        .add_option("--kernel", options.kernel,
                    fmt::format("{} or an exact version", fmt::join(kernel_names(), ", ")))
        ->capture_default_str();
    add_cpus_option(command, options.cpus, "CPUs of each VM")->capture_default_str();
}

} // namespace

void add_shell(CLI::App &app, Action &action) {
    auto *command = app.add_subcommand(
        "shell", "Boot the pair, load the module, mount, and open a shell on one side");
    const auto options = std::make_shared<Options>();
    command->add_option("SIDE", options->side, "server or client")
        ->required()
        ->check(CLI::IsMember({"server", "client"}));
    command->add_option("COMMAND", options->command,
                        "After --: a command to run there instead of a shell");
    command->add_option("--transport", options->transport, "svcrdma, rpcrdma or tcp")
        ->capture_default_str();
    command->add_option("--nfs", options->nfs, "3, 4.1 or 4.2")->capture_default_str();
    add_vm_options(*command, *options);
    command->callback([options, &action] { action = [options] { return shell(*options); }; });
}

void add_up(CLI::App &app, Action &action) {
    auto *command = app.add_subcommand("up", "Boot the pair with nothing served, until Ctrl-C");
    const auto options = std::make_shared<Options>();
    add_vm_options(*command, *options);
    command->callback([options, &action] { action = [options] { return up(*options); }; });
}

} // namespace lab
