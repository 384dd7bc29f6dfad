// SPDX-License-Identifier: GPL-2.0-only
#include "image/build.h"

#include "image/cache.h"
#include "util/file.h"
#include "util/process.h"
#include "util/progress.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <array>
#include <csignal>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

namespace lab {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::uintmax_t needed_bytes = 4ULL << 30; // the root, its copy as a disk, and packages
constexpr auto disk_size = "8G";                    // sparse; what is not packages is room to test

fs::path recipe_dir() {
    return source_dir() / "scripts" / "image";
}

/// A command of the build; its output goes to the build's log.
Result<void> step(const std::vector<std::string> &argv, const fs::path &log,
                  std::chrono::milliseconds limit) {
    // SIGTERM, because mmdebstrap has mounts to undo.
    auto output =
        TRY(run_process(argv, Deadline::in(limit), {.log = log, .death_signal = SIGTERM}));
    if (output.status == 0)
        return {};
    const auto said = read_file(log).value_or("");
    const auto why = explain_build_failure(said);
    return fail(fmt::format("{} failed{}{}\nThe end of {}:\n{}", argv[0], why.empty() ? "" : ": ",
                            why, log.string(), last_lines(said, 12)));
}

Result<json> describe(const fs::path &root, const std::string &recipe) {
    json kernels = json::array();
    const auto list = TRY(read_file(root / "lab" / "kernels"));
    std::istringstream lines(list);
    for (std::string version, suite; lines >> version >> suite;)
        kernels.push_back({{"version", version}, {"suite", suite}});

    json packages = json::object();
    const auto query =
        TRY(run_process({"dpkg-query", "--admindir", (root / "var/lib/dpkg").string(), "-W", "-f",
                         "${Package} ${Version}\n"},
                        Deadline::in(std::chrono::minutes(1))));
    std::istringstream installed(query.out);
    for (std::string name, version; installed >> name >> version;)
        packages[name] = version;
    return json{{"schema", 1}, {"recipe", recipe}, {"kernels", kernels}, {"packages", packages}};
}

/// Everything that is made from the finished root.
Result<void> make_products(const fs::path &dir, const json &description, const fs::path &log,
                           Progress &progress) {
    const auto root = dir / "root";
    const auto minute = std::chrono::minutes(1);
    std::error_code error;
    fs::rename(root / "lab" / "key", dir / "key", error);
    if (error)
        return fail("the recipe made no SSH key: " + error.message());
    for (const auto &kernel : description.at("kernels")) {
        const auto version = kernel.at("version").get<std::string>();
        progress.at("kernel " + version);
        TRY(step({(recipe_dir() / "vmlinux").string(),
                  (root / "boot" / ("vmlinuz-" + version)).string(),
                  (dir / ("vmlinux-" + version)).string()},
                 log, minute));
        TRY(step({(recipe_dir() / "initramfs").string(), root.string(), version,
                  (dir / ("initramfs-" + version)).string()},
                 log, minute));
    }
    progress.at("disk");
    const auto disk = (dir / "disk.raw").string();
    TRY(step({"truncate", "-s", disk_size, disk}, log, minute));
    // A guest's disk lives for one run: no journal, no checksums for an emulated CPU to compute.
    TRY(step({"mke2fs", "-q", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-m", "0", "-E",
              "lazy_itable_init=1", "-d", root.string(), disk},
             log, 5 * minute));
    return write_file(dir / image_file, description.dump(4) + "\n");
}

} // namespace

Result<std::string> recipe_hash() {
    return hash_files({recipe_dir()});
}

std::string apt_mirror() {
    const auto targets = run_process(
        {"apt-get", "indextargets", "--format", "$(LABEL) $(SITE)", "Created-By: Packages"},
        Deadline::in(std::chrono::seconds(60)));
    if (!targets)
        return {};
    std::istringstream lines(targets->out);
    for (std::string label, site; lines >> label >> site;)
        if (label == "Debian")
            return site;
    return {};
}

std::string explain_build_failure(const std::string &log) {
    struct Meaning {
        std::string_view sign, words;
    };
    constexpr std::array meanings = {
        Meaning{"No space left on device", "the disk is full"},
        Meaning{"Could not resolve",
                "the package mirror cannot be reached; --mirror names another"},
        Meaning{"Temporary failure resolving",
                "the package mirror cannot be reached; --mirror names another"},
        Meaning{"Could not connect",
                "the package mirror cannot be reached; --mirror names another"},
        Meaning{"Unable to connect",
                "the package mirror cannot be reached; --mirror names another"},
        Meaning{"Connection failed",
                "the package mirror cannot be reached; --mirror names another"},
        Meaning{"does not have a Release file", "the mirror has no such Debian release; --mirror "
                                                "names another"},
        Meaning{"Operation not permitted", "this needs root, outside of a restricted container"},
    };
    for (const auto &meaning : meanings)
        if (log.find(meaning.sign) != std::string::npos)
            return std::string(meaning.words);
    return {};
}

Result<void> run_recipe(const fs::path &recipe, const std::string &mirror, const fs::path &target,
                        const fs::path &log, const std::string &what) {
    const auto archive = mirror.empty() ? apt_mirror() : mirror;
    Progress progress(fmt::format("building {} from {}", what,
                                  archive.empty() ? "mmdebstrap's default mirror" : archive));
    std::error_code error;
    fs::remove(log, error);
    // The recipe's own words become the progress. SIGTERM, because mmdebstrap has mounts to undo.
    auto process = TRY(
        Process::spawn({recipe.string(), archive, target.string()},
                       {.on_line =
                            [&](const std::string &line) {
                                if (line.starts_with("I: "))
                                    progress.at(line.substr(3, line.find_first_of(".:", 3) - 3));
                                append_line(log, line);
                            },
                        .death_signal = SIGTERM}));
    auto output = TRY(process.wait(Deadline::in(std::chrono::minutes(20))));
    if (output.status != 0) {
        const auto why = explain_build_failure(output.err + output.out);
        return fail(fmt::format("{} could not be built{}{}\nThe end of {}:\n{}", what,
                                why.empty() ? "" : ": ", why, log.string(),
                                last_lines(read_file(log).value_or(""), 12)));
    }
    progress.done();
    return {};
}

Result<Image> build_image(const std::string &mirror) {
    const auto wanted = TRY(wanted_image());
    const auto cache = wanted.dir.parent_path();
    if (auto image = find_image()) {
        remove_unused(cache, image_prefix, image_file, wanted.dir);
        return image;
    }
    if (geteuid() != 0)
        return fail("building an image needs root: it installs packages into a root of its own");
    const auto lock = TRY(lock_cache(cache, "build"));
    if (auto image = find_image())
        return image;

    TRY(remove_unfinished(cache));
    std::error_code error;
    const auto space = fs::space(cache, error);
    if (!error && space.available < needed_bytes)
        return fail(fmt::format("{} has {} MiB free, an image needs {}; NFSRDMA_LAB_CACHE names "
                                "another directory",
                                cache.string(), space.available >> 20, needed_bytes >> 20));

    const auto log = cache / "build.log";
    Unfinished unfinished(wanted.dir);
    const auto &dir = unfinished.dir();
    TRY(run_recipe(recipe_dir() / "root", mirror, dir / "root", log, "the guest image"));
    Progress progress("making the guest image's disk");
    const auto description = TRY(describe(dir / "root", wanted.recipe));
    TRY(make_products(dir, description, log, progress));
    TRY(unfinished.keep());
    progress.done();
    auto image = find_image();
    remove_unused(cache, image_prefix, image_file, wanted.dir);
    return image;
}

} // namespace lab
