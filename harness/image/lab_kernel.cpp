// SPDX-License-Identifier: GPL-2.0-only
#include "image/lab_kernel.h"

#include "image/build.h"
#include "image/cache.h"
#include "image/chroot.h"
#include "util/file.h"
#include "util/process.h"
#include "util/progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <sstream>
#include <system_error>

namespace lab {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// A kernel to build, and what it costs.
struct Flavour {
    std::string_view name;
    std::string_view watch; ///< the configuration that makes it watch
    std::string_view suite; ///< whose source it is made of
    double slowness;        ///< by what deadlines are stretched
    bool parallel;          ///< does not patch its own code while it runs
};

constexpr std::array flavours = {
    // Measured: mounts and directory listings take 4 to 7 times as long.
    Flavour{"debug", "debug", "stable", 6, false},
    Flavour{"debug-backports", "debug", "backports", 6, false},
    Flavour{"kcsan", "kcsan", "stable", 4, true},
};

constexpr std::string_view kernel_prefix = "kernel-";
constexpr std::string_view kernel_file = "kernel.json";
constexpr std::string_view root_prefix = "kernelroot-";
constexpr std::string_view root_file = "root.json";
constexpr std::uintmax_t needed_bytes = 6ULL << 30; // a source, its build, and the root

fs::path recipe_dir() {
    return source_dir() / "scripts" / "kernel";
}

/// A kernel that can be built: what from, and where it goes.
struct Recipe {
    Flavour flavour;
    fs::path cache;
    fs::path root; ///< the building root; may not exist yet
};

Result<Recipe> recipe_of(std::string_view name) {
    const auto flavour = std::ranges::find(flavours, name, &Flavour::name);
    if (flavour == flavours.end())
        return fail(fmt::format("the lab builds no kernel \"{}\"; it builds {}", name,
                                fmt::join(lab_kernel_names(), ", ")));
    const auto cache = TRY(cache_dir());
    const auto key = TRY(hash_files({recipe_dir() / "root", recipe_dir() / "sources",
                                     source_dir() / "scripts" / "image" / "backports"}));
    return Recipe{*flavour, cache, cache / (std::string(root_prefix) + key)};
}

/// A source package in the building root.
struct Source {
    std::string package, version;
};

Result<Source> source_of(const Recipe &recipe) {
    const auto list = TRY(read_file(recipe.root / "lab" / "sources"));
    std::istringstream lines(list);
    for (std::string from, package, version; lines >> from >> package >> version;)
        if (from == recipe.flavour.suite)
            return Source{package, version};
    return fail(
        fmt::format("{} has no kernel source of {}", recipe.root.string(), recipe.flavour.suite));
}

/// The files in recipe_dir() that configure it.
std::vector<std::string> fragments(const Flavour &flavour) {
    return {"base.config", fmt::format("{}.config", flavour.suite),
            fmt::format("{}.config", flavour.watch)};
}

/// Where the kernel is in the cache: named after its source and its configuration.
Result<fs::path> entry_of(const Recipe &recipe, const Source &source) {
    std::vector<fs::path> files;
    for (const auto &fragment : fragments(recipe.flavour))
        files.push_back(recipe_dir() / fragment);
    for (const auto *script : {"configure", "compile", "products", "early", "root"})
        files.push_back(recipe_dir() / script);
    const auto key = TRY(hash_files(files));
    return recipe.cache /
           fmt::format("{}{}-{}-{}", kernel_prefix, recipe.flavour.name, source.version, key);
}

/// Where a kernel is, or is to be, built; the root stays in the cache as long as this lives.
struct Place {
    std::shared_ptr<Fd> root;
    Source source;
    fs::path entry;
};

Result<Place> place_of(const Recipe &recipe) {
    const auto root = use_entry(recipe.root / root_file);
    if (!root)
        return fail(fmt::format("there is no kernel \"{0}\" in {1}: run nfsrdma-lab kernel build "
                                "{0}",
                                recipe.flavour.name, recipe.cache.string()));
    const auto source = TRY(source_of(recipe));
    const auto entry = TRY(entry_of(recipe, source));
    return Place{*root, source, entry};
}

Result<Kernel> read_entry(const Recipe &recipe, const fs::path &entry, std::string_view name) {
    const auto file = entry / kernel_file;
    const auto in_use = use_entry(file);
    const auto description = json::parse(read_file(file).value_or(""), nullptr, false);
    if (!in_use || !description.is_object() || !description.contains("version"))
        return fail(fmt::format("there is no kernel \"{0}\" of this tree's configuration in {1}: "
                                "run nfsrdma-lab kernel build {0}",
                                name, recipe.cache.string()));
    Kernel kernel;
    kernel.version = description.at("version").get<std::string>();
    kernel.suite = name;
    kernel.vmlinux = entry / "vmlinux";
    kernel.initramfs = entry / "initramfs";
    kernel.modules = entry / "modules.raw";
    kernel.root = recipe.root;
    kernel.tree = entry;
    kernel.build = "/kernel/build";
    kernel.slowness = recipe.flavour.slowness;
    kernel.parallel = recipe.flavour.parallel;
    kernel.in_use = {*in_use};
    return kernel;
}

/// Makes the building root unless the cache has it.
Result<void> make_root(const Recipe &recipe, const std::string &mirror) {
    const auto file = recipe.root / root_file;
    if (fs::exists(file))
        return {};
    const auto lock = TRY(lock_cache(recipe.cache, "build"));
    if (fs::exists(file))
        return {};
    TRY(remove_unfinished(recipe.cache));
    Unfinished unfinished(recipe.root);
    // mmdebstrap makes it; the recipe insists on a place that is free.
    std::error_code error;
    fs::remove(unfinished.dir(), error);
    TRY(run_recipe(recipe_dir() / "root", mirror, unfinished.dir(), recipe.cache / "kernelroot.log",
                   "the kernel building root"));
    TRY(write_file(unfinished.dir() / root_file, "{}\n"));
    return unfinished.keep();
}

/// Runs a step in the building root; what it says goes to the entry's log.
Result<void> step(const Recipe &recipe, const fs::path &entry, const std::string &command,
                  std::chrono::milliseconds limit,
                  const std::function<void(const std::string &)> &on_line = {}) {
    const auto log = entry / "build.log";
    const std::vector<Bind> binds = {{entry, "/kernel"}, {recipe_dir(), "/lab/recipe"}};
    auto process = TRY(Process::spawn(in_root(recipe.root, binds, command),
                                      {.on_line = [&](const std::string &line) {
                                          append_line(log, line);
                                          if (on_line)
                                              on_line(line);
                                      }}));
    const auto output = TRY(process.wait(Deadline::in(limit)));
    if (output.status == 0)
        return {};
    const auto said = read_file(log).value_or("");
    const auto why = explain_build_failure(output.err);
    return fail(fmt::format("the kernel does not build{}{}\nThe end of {}:\n{}",
                            why.empty() ? "" : ": ", why, log.string(), last_lines(said, 12)));
}

/// How far a compilation is, as make tells it line by line.
class Compilation {
  public:
    Compilation(unsigned files, Progress &progress) : files_(files), progress_(progress) {}

    /// Whether make compiles, or would compile, a file here.
    static bool compiles(std::string_view line) { return line.find("  CC ") != line.npos; }

    void line(const std::string &text) {
        if (!compiles(text))
            return;
        done_++;
        const auto so_far = std::chrono::steady_clock::now() - began_;
        const auto left = std::chrono::duration<double, std::ratio<60>>(so_far).count() / done_ *
                          (files_ > done_ ? files_ - done_ : 0);
        progress_.at(
            fmt::format("{} of {} files compiled, about {:.0f} min left", done_, files_, left));
    }

  private:
    unsigned files_, done_ = 0;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    Progress &progress_;
};

Result<void> compile(const Recipe &recipe, const Source &source, const fs::path &entry) {
    const auto tree = fmt::format("/usr/src/{}", source.package);
    Progress progress(fmt::format("building the kernel {} from {} {}", recipe.flavour.name,
                                  source.package, source.version));
    if (!fs::exists(recipe.root / tree.substr(1))) {
        progress.at("unpacking the source");
        const auto unpack = fmt::format("mkdir -p {0}.new && tar -C {0}.new -xf {0}.tar.xz && "
                                        "mv {0}.new/* {0} && rmdir {0}.new",
                                        tree);
        TRY(step(recipe, entry, unpack, std::chrono::minutes(20)));
    }
    // Configured once: configuring anew would compile anew.
    if (!fs::exists(entry / "build" / "configured")) {
        progress.at("configuring");
        const auto configure = fmt::format(
            "/lab/recipe/configure {} /kernel/build -{} /lab/recipe/{} && touch "
            "/kernel/build/configured",
            tree, recipe.flavour.name, fmt::join(fragments(recipe.flavour), " /lab/recipe/"));
        TRY(step(recipe, entry, configure, std::chrono::minutes(10)));
    }
    const auto make = fmt::format("/lab/recipe/compile {} /kernel/build", tree);
    progress.at("preparing");
    TRY(step(recipe, entry, make + " prepare", std::chrono::minutes(30)));
    progress.at("counting what there is to compile");
    unsigned files = 0;
    const auto count = [&](const std::string &line) {
        files += Compilation::compiles(line) ? 1 : 0;
    };
    // Whole command lines are not for the log.
    TRY(step(recipe, entry, make + " --dry-run vmlinux modules | grep -o '  CC [^;]*' || :",
             std::chrono::minutes(30), count));
    Compilation compilation(files, progress);
    TRY(step(recipe, entry, make + " vmlinux modules", std::chrono::hours(4),
             [&](const std::string &line) { compilation.line(line); }));
    progress.at("installing");
    TRY(step(recipe, entry, fmt::format("/lab/recipe/products {} /kernel/build /kernel", tree),
             std::chrono::minutes(10)));
    progress.done();
    return {};
}

} // namespace

std::vector<std::string_view> lab_kernel_names() {
    std::vector<std::string_view> names;
    names.reserve(std::size(flavours));
    for (const auto &flavour : flavours)
        names.push_back(flavour.name);
    return names;
}

Result<Kernel> find_lab_kernel(std::string_view name) {
    const auto recipe = TRY(recipe_of(name));
    const auto place = TRY(place_of(recipe));
    auto kernel = read_entry(recipe, place.entry, name);
    if (kernel)
        kernel->in_use.push_back(place.root);
    return kernel;
}

Result<Kernel> build_lab_kernel(std::string_view name, const std::string &mirror) {
    const auto recipe = TRY(recipe_of(name));
    if (auto found = find_lab_kernel(name))
        return found;
    if (geteuid() != 0)
        return fail("building a kernel needs root: it happens inside a root of its own");
    std::error_code error;
    const auto space = fs::space(recipe.cache, error);
    if (!error && space.available < needed_bytes)
        return fail(fmt::format("{} has {} MiB free, a kernel needs {}; NFSRDMA_LAB_CACHE names "
                                "another directory",
                                recipe.cache.string(), space.available >> 20, needed_bytes >> 20));
    TRY(make_root(recipe, mirror));
    const auto place = TRY(place_of(recipe));
    const auto lock = TRY(lock_cache(recipe.cache, "kernel"));
    if (auto found = find_lab_kernel(name))
        return found;

    // Not under another name: what an interruption leaves is where the next build takes up. Only
    // the version, written last, makes it a kernel that can be used.
    fs::create_directories(place.entry / "build", error);
    TRY(write_file(place.entry / kernel_file, "{}\n"));
    const auto in_use = TRY(use_entry(place.entry / kernel_file));
    TRY(compile(recipe, place.source, place.entry));
    const auto release =
        TRY(read_file(place.entry / "build" / "include" / "config" / "kernel.release"));
    const json description = {{"schema", 1},
                              {"version", last_lines(release, 1)},
                              {"source", place.source.package},
                              {"source_version", place.source.version}};
    TRY(write_file(place.entry / kernel_file, description.dump(4) + "\n"));
    remove_unused(recipe.cache, kernel_prefix, kernel_file, place.entry);
    remove_unused(recipe.cache, root_prefix, root_file, recipe.root);
    return find_lab_kernel(name);
}

} // namespace lab
