// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/result.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace lab {

/// Where a compiler's run inside a root happened, seen from outside.
struct CompileSite {
    std::filesystem::path source; ///< what was seen there as /mnt
    std::filesystem::path root;   ///< what was seen there as /
    std::filesystem::path tree;   ///< what was seen there as /kernel; may be empty
    std::string build;            ///< the directory that kbuild ran in, as seen there
};

/// How a file is compiled.
struct CompileCommand {
    std::filesystem::path file; ///< outside of the root
    std::string command;        ///< to be run in the directory of the module's source
};

/// The command line that kbuild keeps in a .X.o.cmd file, with paths that exist outside of the root
/// and without what clang does not know. Nothing when the file is not about a C file of the module.
std::optional<CompileCommand> compile_command(std::string_view cmd_file, const CompileSite &site);

/// Writes compile_commands.json to `site.source` from the .cmd files in `objects`, so that editors
/// and clang's tools understand the module. An error says what could not be read or written.
Result<void> write_compile_commands(const std::filesystem::path &objects, const CompileSite &site);

} // namespace lab
