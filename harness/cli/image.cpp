// SPDX-License-Identifier: GPL-2.0-only
#include "cli/command.h"
#include "image/build.h"
#include "util/progress.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

namespace lab {

void add_image(CLI::App &app, Action &action) {
    auto *image = app.add_subcommand("image", "The guest image");
    image->require_subcommand(1);
    auto *build = image->add_subcommand(
        "build", "Make the image of this tree's recipe, unless the cache has it");
    const auto mirror = std::make_shared<std::string>();
    add_mirror_option(*build, *mirror);
    build->callback([mirror, &action] {
        action = [mirror] {
            const auto built = build_image(*mirror);
            if (!built) {
                say(built.error().what);
                return 1;
            }
            fmt::print("{}\n", built->dir.string());
            for (const auto &kernel : built->kernels)
                fmt::print("  {:10} {}\n", kernel.suite, kernel.version);
            return 0;
        };
    });
}

} // namespace lab
