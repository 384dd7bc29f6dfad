// SPDX-License-Identifier: GPL-2.0-only
#include "host/guest_script.h"

#include "util/file.h"
#include "util/shell.h"
#include "util/text.h"

#include <fmt/format.h>

namespace lab {

Result<std::string> guest_script(std::string_view name, const std::vector<std::string> &arguments) {
    const auto path = source_dir() / "scripts" / "guest" / name;
    const auto file = TRY(read_file(path));
    std::string_view text = file;
    const auto shell = next_line(text);
    // What failed is told by the first line of its command.
    const auto script = fmt::format("# scripts/guest/{}\n{}", name, text);
    std::string command;
    if (shell == "#!/bin/sh")
        command = cheap_script(script);
    else if (shell == "#!/bin/bash")
        command = "bash -c " + shell_quote(script);
    else
        return fail(fmt::format("{} begins with neither #!/bin/sh nor #!/bin/bash", path.string()));
    command += fmt::format(" {}", name);
    for (const auto &argument : arguments)
        command += " " + shell_quote(argument);
    return command;
}

Result<std::string> run_script(Host &host, std::string_view name,
                               const std::vector<std::string> &arguments, Deadline deadline) {
    const auto command = TRY(guest_script(name, arguments));
    return host.check(command, deadline);
}

} // namespace lab
