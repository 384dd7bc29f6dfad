// SPDX-License-Identifier: GPL-2.0-only
#include "host/host.h"

#include "util/file.h"
#include "util/shell.h"

#include <fmt/format.h>

namespace lab {

Result<std::string> Host::check(const std::string &command, Deadline deadline) {
    auto output = TRY(run(command, deadline));
    if (output.status != 0) {
        const auto said = last_lines(output.err.empty() ? output.out : output.err, 20);
        return fail(fmt::format("{}: \"{}\" failed with status {}{}{}", name(),
                                command.substr(0, command.find('\n')), output.status,
                                said.empty() ? "" : ":\n", said));
    }
    return std::move(output.out);
}

std::string cheap_script(std::string_view script) {
    return "$(command -v busybox) sh -c " + shell_quote(script);
}

} // namespace lab
