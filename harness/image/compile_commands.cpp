// SPDX-License-Identifier: GPL-2.0-only
#include "image/compile_commands.h"

#include "util/file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>
#include <system_error>

namespace lab {

namespace fs = std::filesystem;

namespace {

/// GCC's own, which clang answers with an error.
constexpr std::array<std::string_view, 11> gcc_only = {
    "-fno-allow-store-data-races",
    "-fconserve-stack",
    "-mpreferred-stack-boundary=3",
    "-mrecord-mcount",
    "-mskip-rax-setup",
    "-mindirect-branch=thunk-extern",
    "-mindirect-branch-register",
    "-falign-jumps=1",
    "-falign-loops=1",
    "-fmin-function-alignment=16",
    "-Wimplicit-fallthrough=5",
};

/// `word` with each path in it as it is outside of the root. A path starts the word or follows
/// -I, -Wp,-MMD, or the like: at the first slash.
std::string outside(const std::string &word, const CompileSite &site) {
    if (word.starts_with("-I."))
        return outside("-I" + site.build + word.substr(3), site);
    const auto slash = word.find('/');
    if (slash == std::string::npos || word.find('"') < slash)
        return word;
    const auto before = word.substr(0, slash);
    const std::string path = word.substr(slash);
    const auto below = [&](std::string_view top) {
        return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
    };
    if (below("/mnt"))
        return before + site.source.string() + path.substr(4);
    if (below("/kernel") && !site.tree.empty())
        return before + site.tree.string() + path.substr(7);
    return before + site.root.string() + path;
}

} // namespace

std::optional<CompileCommand> compile_command(std::string_view cmd_file, const CompileSite &site) {
    const auto line = cmd_file.substr(0, cmd_file.find('\n'));
    const auto begin = line.find(":=");
    if (!line.starts_with("savedcmd_") || begin == std::string_view::npos)
        return {};
    std::istringstream words{std::string(line.substr(begin + 2))};
    CompileCommand result;
    for (std::string word; words >> word && word != ";";) { // after it comes objtool
        if (word.starts_with("-Wp,-MMD") || std::ranges::find(gcc_only, word) != gcc_only.end())
            continue;
        word = outside(word, site);
        result.command += (result.command.empty() ? "" : " ") + word;
        result.file = site.source / word; // the last one; a newer kbuild names it without a folder
    }
    if (result.file.extension() != ".c" || result.file.stem().extension() == ".mod" ||
        result.file.parent_path() != site.source)
        return {};
    return result;
}

Result<void> write_compile_commands(const fs::path &objects, const CompileSite &site) {
    std::error_code error;
    std::set<fs::path> files; // in an order that does not change from build to build
    for (const auto &entry : fs::directory_iterator(objects, error))
        if (entry.path().string().ends_with(".o.cmd"))
            files.insert(entry.path());
    if (error)
        return fail("cannot read " + objects.string() + ": " + error.message());
    auto commands = nlohmann::json::array();
    for (const auto &file : files) {
        const auto command = compile_command(TRY(read_file(file)), site);
        if (!command)
            continue;
        // The objects of a file that is gone stay where they are.
        if (fs::exists(command->file))
            commands.push_back({{"directory", site.source.string()},
                                {"file", command->file.string()},
                                {"command", command->command}});
    }
    return write_file(site.source / "compile_commands.json", commands.dump(1) + "\n");
}

} // namespace lab
