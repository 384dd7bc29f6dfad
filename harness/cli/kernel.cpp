// SPDX-License-Identifier: GPL-2.0-only
#include "cli/command.h"
#include "image/lab_kernel.h"
#include "util/progress.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

namespace lab {

namespace {

int build(const std::string &name, const std::string &mirror) {
    const auto kernel = build_lab_kernel(name, mirror);
    if (!kernel) {
        say(kernel.error().what);
        return 1;
    }
    fmt::print("{}\n  {:10} {}\n", kernel->tree.string(), kernel->suite, kernel->version);
    return 0;
}

} // namespace

void add_kernel(CLI::App &app, Action &action) {
    auto *kernel = app.add_subcommand("kernel", "Kernels that watch what they run");
    kernel->require_subcommand(1);
    auto *command =
        kernel->add_subcommand("build", "Build one from Debian's source, unless the cache has it");
    struct Options {
        std::string name, mirror;
    };
    const auto options = std::make_shared<Options>();
    command
        ->add_option(
            "NAME", options->name,
            "debug: KASAN, lockdep, kmemleak, failures on demand; debug-backports: the same "
            "for the newest kernel; kcsan: data races")
        ->required()
        ->check(CLI::IsMember(lab_kernel_names()));
    add_mirror_option(*command, options->mirror);
    command->callback([options, &action] {
        action = [options] { return build(options->name, options->mirror); };
    });
}

} // namespace lab
