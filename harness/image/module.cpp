// SPDX-License-Identifier: GPL-2.0-only
#include "image/module.h"

#include "image/cache.h"
#include "image/chroot.h"
#include "image/compile_commands.h"
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
           name == "Module.symvers" || name == "compile_commands.json";
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

/// Runs a shell's command in the kernel's root, where `dir`, as /mnt, holds a copy of `source`.
/// What it says names files as the source tree does.
Result<Output> in_copy(const Kernel &kernel, const fs::path &source, const fs::path &dir,
                       const std::string &command) {
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
    std::vector<Bind> binds = {{dir, "/mnt"}};
    if (!kernel.tree.empty())
        binds.push_back({kernel.tree, "/kernel"});
    auto output = TRY(
        run_process(in_root(kernel.root, binds, command), Deadline::in(std::chrono::minutes(10))));
    for (auto at = output.err.find("/mnt/"); at != std::string::npos;
         at = output.err.find("/mnt/", at))
        output.err.replace(at, 5, "kmod/");
    return output;
}

/// kbuild's command for the module; `how` are further arguments of make's.
std::string kbuild(const Kernel &kernel, std::string_view how) {
    return fmt::format("make -s -j{} -C {} M=/mnt {} modules", sysconf(_SC_NPROCESSORS_ONLN),
                       kernel.build, how);
}

} // namespace

Result<fs::path> build_module(const Kernel &kernel) {
    const auto source = source_dir() / "kmod";
    auto product = TRY(build_module(kernel, source, module_path(kernel).parent_path()));
    TRY(write_compile_commands(product.parent_path(),
                               {source, kernel.root, kernel.tree, kernel.build}));
    return product;
}

Result<fs::path> build_module(const Kernel &kernel, const fs::path &source, const fs::path &dir) {
    auto product = dir / "svcrdma.ko";
    Progress progress(fmt::format("building svcrdma.ko for {}", kernel.version));
    // With its debug information the module has 12 MB, to be copied whenever it is loaded.
    const auto output = TRY(in_copy(kernel, source, dir,
                                    kbuild(kernel, "W=1 CONFIG_SVCRDMA_CHECKS=y") +
                                        " && strip --strip-debug /mnt/svcrdma.ko"));
    if (output.status != 0)
        return fail(fmt::format("svcrdma.ko does not build for {}:\n{}{}", kernel.version,
                                output.out, output.err));
    if (!output.err.empty())
        say(last_lines(output.err, 200));
    if (!fs::exists(product))
        return fail(fmt::format("the build for {} made no svcrdma.ko", kernel.version));
    progress.done();
    return product;
}

Result<void> check_module(const Kernel &kernel) {
    // W=1e: what a warning is about is not compiled, so that the next build says it again. C=2:
    // sparse sees all files, whether they are compiled again or not; once, for it takes longer than
    // the compiler, and the lab's variant has all that the other one has.
    for (const std::string_view how : {"W=1e C=2 CONFIG_SVCRDMA_CHECKS=y", "W=1e"}) {
        const std::string name = how.ends_with('y') ? "with checks" : "as packaged";
        Progress progress(fmt::format("checking svcrdma.ko for {}, {}", kernel.version, name));
        const auto output = TRY(in_copy(kernel, source_dir() / "kmod",
                                        source_dir() / "build" / "check" / kernel.version /
                                            (how.ends_with('y') ? "checks" : "packaged"),
                                        kbuild(kernel, how)));
        if (output.status != 0 || output.err.contains("warning:"))
            return fail(fmt::format("{}, {}:\n{}{}", kernel.version, name, output.out, output.err));
        // Debian's headers of newer kernels lack what kbuild asks, and their own code crashes the
        // sparse of Debian 13.
        if (output.err.contains("sparse is not available"))
            say(fmt::format("{}: compiled only, sparse does not know this kernel", kernel.version));
        progress.done();
    }
    return {};
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
