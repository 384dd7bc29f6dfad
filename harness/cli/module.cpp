// SPDX-License-Identifier: GPL-2.0-only
#include "image/module.h"
#include "cli/command.h"
#include "image/image.h"
#include "util/progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <memory>
#include <string>

namespace lab {

namespace {

int build(const std::string &which) {
    const auto image = find_image();
    if (!image) {
        say(image.error().what);
        return 1;
    }
    auto kernels = image->kernels;
    if (!which.empty()) {
        const auto one = image->kernel(which);
        if (!one) {
            say(one.error().what);
            return 1;
        }
        kernels = {*one};
    }
    for (const auto &kernel : kernels) {
        const auto built = build_module(kernel);
        if (!built) {
            say(built.error().what);
            return 1;
        }
        fmt::print("{}\n", built->string());
    }
    return 0;
}

} // namespace

void add_module(CLI::App &app, Action &action) {
    auto *module = app.add_subcommand("module", "The kernel module");
    module->require_subcommand(1);
    auto *command =
        module->add_subcommand("build", "Build svcrdma.ko inside the image for its kernels");
    const auto kernel = std::make_shared<std::string>();
    command->add_option("--kernel", *kernel,
                        fmt::format("{} or an exact version (default: all in the image)",
                                    fmt::join(kernel_names(), ", ")));
    command->callback([kernel, &action] { action = [kernel] { return build(*kernel); }; });
}

} // namespace lab
