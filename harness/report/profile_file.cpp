// SPDX-License-Identifier: GPL-2.0-only
#include "report/profile_file.h"

#include "util/file.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lab {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

Result<ProfiledRun> parse(const fs::path &path) {
    const auto text = TRY(read_file(path));
    const auto damaged = [&](std::string_view why) {
        return fail(fmt::format("{} is no profile of this lab: {}", path.string(), why));
    };
    try {
        // The library reports what is missing or of another type by throwing.
        const json object = json::parse(text);
        if (object.at("schema") != 1)
            return damaged("it has another schema");
        const auto transport = transport_from(object.at("transport").get<std::string>());
        if (!transport)
            return damaged("it names no transport");
        ProfiledRun run{{object.at("kernel"), *transport, object.at("nfs"), object.at("workload"),
                         object.at("repeat"), object.value("variant", "")},
                        object.at("ops"),
                        {}};
        for (const json &function : object.at("functions"))
            run.profile.functions.push_back({function.at("function"), function.at("module"),
                                             function.at("group"), function.at("instructions"),
                                             function.at("calls")});
        return run;
    } catch (const json::exception &error) {
        return damaged(error.what());
    }
}

} // namespace

Result<void> write_profile(const fs::path &path, const ProfiledRun &run) {
    json object{{"schema", 1},
                {"kernel", run.key.kernel},
                {"transport", transport_name(run.key.transport)},
                {"nfs", run.key.nfs},
                {"workload", run.key.workload},
                {"repeat", run.key.repeat},
                {"variant", run.key.variant},
                {"ops", run.ops},
                {"total", run.profile.total()},
                {"groups", run.profile.groups()},
                {"functions", json::array()}};
    for (const Profile::Function &function : run.profile.functions)
        object["functions"].push_back({{"function", function.name},
                                       {"module", function.module},
                                       {"group", function.group},
                                       {"instructions", function.instructions},
                                       {"calls", function.calls}});
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error)
        return fail(
            fmt::format("cannot make {}: {}", path.parent_path().string(), error.message()));
    return write_file(path, object.dump(1) + "\n");
}

Result<std::vector<ProfiledRun>> read_profiles(const fs::path &results) {
    std::vector<fs::path> paths;
    std::error_code error;
    for (const auto &kernel : fs::directory_iterator(results, error))
        for (const auto &file : fs::directory_iterator(kernel.path() / "observe", error))
            if (file.path().filename().string().starts_with("instructions-"))
                paths.push_back(file.path());
    if (paths.empty())
        return fail(fmt::format("{} holds no profile: give the results directory of a scenario "
                                "that ran where instructions can be counted",
                                results.string()));
    std::ranges::sort(paths);
    std::vector<ProfiledRun> runs;
    for (const fs::path &path : paths) {
        auto run = TRY(parse(path));
        runs.push_back(std::move(run));
    }
    return runs;
}

} // namespace lab
