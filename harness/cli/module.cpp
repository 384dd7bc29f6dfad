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
#include <vector>

namespace lab {

namespace {

/// The image's kernels, or the one that the user asked for. The error is said already.
std::vector<Kernel> chosen(const std::string &which) {
    const auto image = find_image();
    if (!image) {
        say(image.error().what);
        return {};
    }
    if (which.empty())
        return image->kernels;
    const auto one = image->kernel(which);
    if (!one) {
        say(one.error().what);
        return {};
    }
    return {*one};
}

int build(const std::string &which) {
    const auto kernels = chosen(which);
    for (const auto &kernel : kernels) {
        const auto built = build_module(kernel);
        if (!built) {
            say(built.error().what);
            return 1;
        }
        fmt::print("{}\n", built->string());
    }
    return kernels.empty();
}

/// All kernels are looked at, also behind one with something to say, unless the user has enough.
int check(const std::string &which) {
    const auto kernels = chosen(which);
    bool clean = !kernels.empty();
    for (const auto &kernel : kernels)
        if (const auto checked = check_module(kernel); !checked) {
            say(checked.error().what);
            if (checked.error().cause == Cause::cancelled)
                return 1;
            clean = false;
        }
    return clean ? 0 : 1;
}

} // namespace

void add_module(CLI::App &app, Action &action) {
    auto *module = app.add_subcommand("module", "The kernel module");
    module->require_subcommand(1);
    const auto add = [&](const char *name, const char *help, int (*run)(const std::string &)) {
        auto *command = module->add_subcommand(name, help);
        const auto kernel = std::make_shared<std::string>();
        command->add_option("--kernel", *kernel,
                            fmt::format("{} or an exact version (default: all in the image)",
                                        fmt::join(kernel_names(), ", ")));
        command->callback(
            [kernel, run, &action] { action = [kernel, run] { return run(*kernel); }; });
    };
    add("build", "Build svcrdma.ko inside the image for its kernels", build);
    add("check", "Compile it with warnings as errors, and have sparse look through it", check);
}

} // namespace lab
