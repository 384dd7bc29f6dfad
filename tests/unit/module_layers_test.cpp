// SPDX-License-Identifier: GPL-2.0-only
// The module's layers, as kmod/Kbuild lists them from above to below: a file calls its own layer
// and those below. svcrdma.h says which file offers what. Upwards lead function pointers alone: the
// completion handlers (svc_rdma_wc_*) and what sunrpc's tables name.
#include "util/file.h"
#include "util/temp.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace lab {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

std::string text_of(const fs::path &file) {
    return read_file(file).value_or("");
}

/// Each file's layer, 0 at the top; those of the checks are at the bottom as well.
std::map<std::string, unsigned> layers(const fs::path &kmod) {
    std::map<std::string, unsigned> result;
    std::istringstream lines(text_of(kmod / "Kbuild"));
    unsigned layer = 0;
    for (std::string line; std::getline(lines, line);) {
        const bool checks = line.starts_with("svcrdma-$(");
        if (!checks && !line.starts_with("svcrdma-y"))
            continue;
        const std::regex object(R"((\w+)\.o)");
        for (auto at = std::sregex_iterator(line.begin(), line.end(), object);
             at != std::sregex_iterator(); ++at)
            result[(*at)[1].str() + ".c"] = checks ? layer - 1 : layer;
        layer += checks ? 0 : 1;
    }
    return result;
}

/// Each function that a section of svcrdma.h offers, and the section's file.
std::map<std::string, std::string> offers(const fs::path &kmod) {
    std::map<std::string, std::string> result;
    std::istringstream lines(text_of(kmod / "svcrdma.h"));
    const std::regex section(R"(^/\* (\w+\.c) \*/$)"), function(R"(^\w[\w *]*?\b(svc_rdma_\w+)\()");
    std::string file;
    for (std::string line; std::getline(lines, line);) {
        std::smatch found;
        if (std::regex_search(line, found, section))
            file = found[1];
        else if (!file.empty() && !line.starts_with("static") &&
                 std::regex_search(line, found, function))
            result[found[1]] = file;
    }
    return result;
}

/// What is wrong, as "cq.c calls svc_rdma_send() of send.c".
std::vector<std::string> wrong_calls(const fs::path &kmod) {
    const auto layer = layers(kmod);
    const auto offered = offers(kmod);
    const std::regex comment(R"(/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)"), call(R"(\bsvc_rdma_\w+)");
    std::set<std::string> wrong;
    for (const auto &[name, file] : offered)
        if (!std::regex_search(text_of(kmod / file),
                               std::regex("\n[^\\s/].*\\b" + name + "\\(|\n" + name + "\\(")))
            wrong.insert(fmt::format("{} does not have {}()", file, name));
    for (const auto &[file, own] : layer) {
        const auto text = std::regex_replace(text_of(kmod / file), comment, "");
        for (auto at = std::sregex_iterator(text.begin(), text.end(), call);
             at != std::sregex_iterator(); ++at) {
            const auto found = offered.find(at->str());
            if (found == offered.end() || found->first.starts_with("svc_rdma_wc_"))
                continue;
            const auto there = layer.find(found->second);
            if (there == layer.end())
                wrong.insert(found->second + " is in no layer");
            else if (there->second < own)
                wrong.insert(fmt::format("{} calls {}() of {}", file, found->first, found->second));
        }
    }
    return {wrong.begin(), wrong.end()};
}

TEST(ModuleLayers, CallOnlyWhatIsBelowThem) {
    const auto kmod = source_dir() / "kmod";
    EXPECT_GT(layers(kmod).size(), 30U);
    EXPECT_GT(offers(kmod).size(), 100U);
    EXPECT_THAT(wrong_calls(kmod), IsEmpty());
}

TEST(ModuleLayers, AWrongCallIsFound) {
    auto temp = TempDir::make();
    ASSERT_TRUE(temp) << temp.error().what;
    const auto plant = [&](const char *file, std::string_view text) {
        ASSERT_TRUE(write_file(temp->path() / file, text));
    };
    plant("Kbuild", "svcrdma-y := up.o\nsvcrdma-y += down.o\nsvcrdma-$(CHECKS) += check.o\n");
    plant("svcrdma.h", "/* up.c */\nint svc_rdma_up(void);\nvoid svc_rdma_wc_up(void);\n"
                       "/* down.c */\nvoid svc_rdma_down(void);\nvoid svc_rdma_gone(void);\n");
    plant("up.c",
          "\nint svc_rdma_up(void)\n{\n\tsvc_rdma_down();\n}\n\nvoid svc_rdma_wc_up(void)\n");
    plant("down.c",
          "\n/* For svc_rdma_up(). */\nvoid svc_rdma_down(void)\n{\n\tsvc_rdma_wc_up;\n}\n");
    plant("check.c", "\tsvc_rdma_down();\n\tsvc_rdma_up();\n");
    EXPECT_THAT(wrong_calls(temp->path()), ElementsAre("check.c calls svc_rdma_up() of up.c",
                                                       "down.c does not have svc_rdma_gone()"));
}

} // namespace
} // namespace lab
