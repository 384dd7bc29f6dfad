// SPDX-License-Identifier: GPL-2.0-only
#include "image/module.h"

#include "image/cache.h"
#include "image/chroot.h"
#include "util/file.h"
#include "util/process.h"
#include "util/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>
#include <vector>

namespace lab {

namespace fs = std::filesystem;

namespace {

/// Whether a file is made by kbuild rather than written by a person.
bool generated(const fs::path &file) {
    const auto name = file.filename().string();
    const auto kind = file.extension().string();
    return kind == ".o" || kind == ".ko" || kind == ".cmd" || kind == ".mod" || kind == ".d" ||
           kind == ".tmp" || name.ends_with(".mod.c") || name == "modules.order" ||
           name == "Module.symvers";
}

/// Makes `to` hold the sources of `from`. What is the same keeps its time, so that make leaves it
/// alone; what `from` no longer has is removed.
Result<void> mirror_sources(const fs::path &from, const fs::path &to) {
    std::error_code error;
    fs::create_directories(to, error);
    for (const auto &entry : fs::recursive_directory_iterator(from, error)) {
        if (!entry.is_regular_file() || generated(entry.path()))
            continue;
        const auto target = to / fs::relative(entry.path(), from);
        const auto text = TRY(read_file(entry.path()));
        if (read_file(target).value_or("") == text && fs::exists(target))
            continue;
        fs::create_directories(target.parent_path(), error);
        TRY(write_file(target, text));
        fs::permissions(target, entry.status().permissions(), error);
    }
    if (error)
        return fail(fmt::format("cannot read {}: {}", from.string(), error.message()));
    for (const auto &entry : fs::recursive_directory_iterator(to, error)) {
        const auto kind = entry.path().extension();
        const bool source = kind == ".c" || kind == ".h" || entry.path().filename() == "Kbuild";
        if (source && !generated(entry.path()) &&
            !fs::exists(from / fs::relative(entry.path(), to)))
            fs::remove(entry.path(), error);
    }
    return {};
}

fs::path module_path(const Kernel &kernel) {
    return source_dir() / "build" / "kmod" / kernel.version / "svcrdma.ko";
}

} // namespace

Result<fs::path> build_module(const Kernel &kernel) {
    return build_module(kernel, source_dir() / "kmod", module_path(kernel).parent_path());
}

Result<fs::path> build_module(const Kernel &kernel, const fs::path &source, const fs::path &dir) {
    auto product = dir / "svcrdma.ko";
    if (!fs::exists(source / "Kbuild"))
        return fail(fmt::format("{} has no Kbuild", source.string()));
    if (kernel.tree.empty() &&
        !fs::exists(kernel.root / "usr" / "src" / ("linux-headers-" + kernel.version)))
        return fail(fmt::format("the image has no headers of kernel {}", kernel.version));
    if (geteuid() != 0)
        return fail("building the module needs root: it happens inside the image's root");
    std::error_code error;
    fs::create_directories(dir, error);
    // kbuild's own files do not bear two builds at once: of one tree, one at a time.
    const auto lock = TRY(lock_cache(dir.parent_path(), "build"));
    TRY(mirror_sources(source, dir));

    Progress progress(fmt::format("building svcrdma.ko for {}", kernel.version));
    std::vector<Bind> binds = {{dir, "/mnt"}};
    if (!kernel.tree.empty())
        binds.push_back({kernel.tree, "/kernel"});
    // With its debug information the module has 12 MB, to be copied whenever it is loaded.
    const auto make = fmt::format("make -s -j{} -C {} M=/mnt W=1 CONFIG_SVCRDMA_CHECKS=y modules "
                                  "&& strip --strip-debug /mnt/svcrdma.ko",
                                  sysconf(_SC_NPROCESSORS_ONLN), kernel.build);
    const auto output =
        TRY(run_process(in_root(kernel.root, binds, make), Deadline::in(std::chrono::minutes(10))));
    auto said = output.err;
    for (auto at = said.find("/mnt/"); at != std::string::npos; at = said.find("/mnt/", at))
        said.replace(at, 5, "kmod/");
    if (output.status != 0)
        return fail(fmt::format("svcrdma.ko does not build for {}:\n{}{}", kernel.version,
                                output.out, said));
    if (!said.empty())
        say(last_lines(said, 200));
    if (!fs::exists(product))
        return fail(fmt::format("the build for {} made no svcrdma.ko", kernel.version));
    progress.done();
    return product;
}

Result<fs::path> keep_module(const Kernel &kernel, const fs::path &dir) {
    const auto built = module_path(kernel);
    auto kept = dir / fmt::format("svcrdma-{}.ko", kernel.version);
    const auto lock = TRY(lock_cache(built.parent_path().parent_path(), "build"));
    std::error_code error;
    fs::create_directories(dir, error);
    if (!fs::copy_file(built, kept, fs::copy_options::overwrite_existing, error))
        return fail(fmt::format("cannot copy {} to {}: {}", built.string(), kept.string(),
                                error.message()));
    return kept;
}

} // namespace lab
