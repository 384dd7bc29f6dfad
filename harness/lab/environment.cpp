// SPDX-License-Identifier: GPL-2.0-only
#include "lab/environment.h"

#include "util/process.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <thread>

namespace lab {
namespace {

/// What a command printed, without the last newline; empty when it failed: what cannot be found
/// out stays empty.
std::string output_of(const std::vector<std::string> &argv) {
    const auto output = run_process(argv, Deadline::in(std::chrono::seconds(10)));
    if (!output || output->status != 0)
        return {};
    return output->out.substr(0, output->out.find_last_not_of('\n') + 1);
}

std::string git_revision(const std::filesystem::path &tree) {
    const auto git = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"git", "-C", tree.string()});
        return output_of(words);
    };
    auto revision = git({"rev-parse", "HEAD"});
    if (!revision.empty() && !git({"status", "--porcelain"}).empty())
        revision += "-dirty";
    return revision;
}

} // namespace

Environment describe_environment(const Image &image, const std::filesystem::path &tree) {
    Environment environment;
    const auto qemu = output_of({"qemu-system-x86_64", "--version"});
    environment.qemu = qemu.substr(0, qemu.find('\n'));
    if (utsname name{}; uname(&name) == 0)
        environment.host = fmt::format("{} {} {}", name.sysname, name.release, name.machine);
    environment.host_cpus = std::thread::hardware_concurrency();
    environment.image = image.recipe;
    environment.git_revision = git_revision(tree);
    for (const Kernel &kernel : image.kernels)
        environment.kernels[kernel.suite] = kernel.version;
    return environment;
}

} // namespace lab
