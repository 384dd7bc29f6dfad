// SPDX-License-Identifier: GPL-2.0-only
// A room of harness/ includes itself and the rooms that harness/CMakeLists.txt says it uses.
// Includes against that order link well enough, for libraries are searched again; here they fail.
#include "util/file.h"
#include "util/temp.h"
#include "util/text.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace lab {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

/// Each room, and those that it may include.
using Rooms = std::map<std::string, std::set<std::string>>;

Rooms rooms() {
    Rooms result;
    std::istringstream rows(LAYERS);
    for (std::string row; std::getline(rows, row, '|');) {
        std::istringstream words(row);
        std::string room;
        words >> room;
        auto &may = result[room];
        may.insert(room);
        for (std::string used; words >> used;)
            may.insert(used);
    }
    return result;
}

/// The file that a line includes, in quotes or angle brackets; empty when it includes none.
std::string_view included(std::string_view line) {
    line = trimmed(line);
    if (!line.starts_with('#'))
        return {};
    line = trimmed(line.substr(1));
    if (!line.starts_with("include"))
        return {};
    const auto begin = line.find_first_of("\"<");
    const auto end = line.find_first_of("\">", begin + 1);
    return begin == line.npos || end == line.npos ? std::string_view()
                                                  : line.substr(begin + 1, end - begin - 1);
}

/// What is wrong below `harness`, as "vm/vm.h includes lab/pair.h", in the order of the files.
std::vector<std::string> wrong_includes(const fs::path &harness) {
    const auto table = rooms();
    std::set<std::string> wrong;
    for (const auto &entry : fs::recursive_directory_iterator(harness)) {
        const auto file = entry.path().lexically_relative(harness);
        if (file.extension() != ".h" && file.extension() != ".cpp")
            continue;
        const auto room = table.find(file.begin()->string());
        if (room == table.end()) {
            wrong.insert(file.string() + " is in no known room");
            continue;
        }
        const auto text = read_file(entry.path()).value_or("");
        for (std::string_view rest = text; !rest.empty();) {
            const auto path = included(next_line(rest));
            const std::string from(path.substr(0, path.find('/')));
            // What is in no room is the system's, or the codec's. Detours are not welcome.
            if ((table.contains(from) && !room->second.contains(from)) || from == "..")
                wrong.insert(fmt::format("{} includes {}", file.string(), path));
        }
    }
    return {wrong.begin(), wrong.end()};
}

TEST(Layers, IncludeOnlyWhatIsBelowThem) {
    EXPECT_THAT(wrong_includes(source_dir() / "harness"), IsEmpty());
}

TEST(Layers, AWrongIncludeIsFound) {
    auto temp = TempDir::make();
    ASSERT_TRUE(temp) << temp.error().what;
    const auto plant = [&](const fs::path &file, std::string_view line) {
        fs::create_directories((temp->path() / file).parent_path());
        ASSERT_TRUE(write_file(temp->path() / file, fmt::format("// text\n{}\n", line)));
    };
    plant("lab/right.cpp", "#include \"vm/vm.h\"");
    plant("vm/itself.cpp", "#include \"vm/vm.h\"");
    plant("vm/standard.cpp", "#include <linux/vm_sockets.h>");
    EXPECT_THAT(wrong_includes(temp->path()), IsEmpty());

    plant("host/up.cpp", "#include \"lab/pair.h\"");
    plant("image/beside.h", "  # include <vm/vm.h>");
    plant("nowhere/new.h", "");
    plant("plugin/alone.cpp", "#include \"util/file.h\"");
    plant("util/detour.h", "#include \"../vm/vm.h\"");
    EXPECT_THAT(wrong_includes(temp->path()),
                ElementsAre("host/up.cpp includes lab/pair.h", "image/beside.h includes vm/vm.h",
                            "nowhere/new.h is in no known room",
                            "plugin/alone.cpp includes util/file.h",
                            "util/detour.h includes ../vm/vm.h"));
}

} // namespace
} // namespace lab
