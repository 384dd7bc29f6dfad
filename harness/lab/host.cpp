// SPDX-License-Identifier: GPL-2.0-only
#include "lab/host.h"

#include "util/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace lab {

Result<std::string> Host::check(const std::string &command, Deadline deadline) {
    auto output = run(command, deadline);
    if (!output)
        return fail(output.error());
    if (output->status != 0) {
        const auto said = last_lines(output->err.empty() ? output->out : output->err, 20);
        return fail(fmt::format("{}: \"{}\" failed with status {}{}{}", name(),
                                command.substr(0, command.find('\n')), output->status,
                                said.empty() ? "" : ":\n", said));
    }
    return std::move(output->out);
}

std::string cheap_script(std::string_view script) {
    return "$(command -v busybox) sh -c " + shell_quote(script);
}

std::string shell_quote(std::string_view text) {
    const auto plain = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               std::string_view("-_./=:,+@%").find(c) != std::string_view::npos;
    };
    if (!text.empty() && std::ranges::all_of(text, plain))
        return std::string(text);
    std::string result = "'";
    for (const char c : text) {
        if (c == '\'')
            result += "'\\''";
        else
            result += c;
    }
    return result + "'";
}

} // namespace lab
