// SPDX-License-Identifier: GPL-2.0-only
#include "lab/setup.h"

#include <fmt/format.h>

namespace lab {

std::vector<Setup> cross(const std::vector<Setup> &setups, std::string_view key,
                         const std::vector<Choice> &choices, Named named) {
    std::vector<Setup> result;
    const auto add = [&](std::string &name, const std::string &value) {
        name += fmt::format("{}{}={}", name.empty() ? "" : " ", key, value);
    };
    for (const Setup &setup : setups)
        for (const Choice &choice : choices) {
            Setup &one = result.emplace_back(setup);
            choice.apply(one);
            if (named != Named::no)
                add(one.name, choice.value);
            if (named == Named::boot)
                add(one.boot_name, choice.value);
        }
    return result;
}

} // namespace lab
