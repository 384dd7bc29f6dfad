// SPDX-License-Identifier: GPL-2.0-only
#include "cli/command.h"
#include "image/build.h"
#include "image/image.h"
#include "util/file.h"
#include "util/process.h"
#include "vm/accelerator.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

namespace lab {

namespace {

namespace fs = std::filesystem;

struct Tool {
    std::string_view command, package;
};

constexpr std::array tools = {
    Tool{"qemu-system-x86_64", "qemu-system-x86"},
    Tool{"mmdebstrap", "mmdebstrap"},
    Tool{"mke2fs", "e2fsprogs"},
    Tool{"mkfs.xfs", "xfsprogs"},
    Tool{"ssh", "openssh-client"},
    Tool{"ssh-keygen", "openssh-client"},
    Tool{"scp", "openssh-client"},
    Tool{"cpio", "cpio"},
    Tool{"zstd", "zstd"},
    Tool{"xz", "xz-utils"},
    Tool{"unshare", "util-linux"},
    Tool{"chroot", "coreutils"},
};

// What Linux leaves of 6 GiB, for two VMs, and of 10 GiB, for four. Each has 2 GiB, and QEMU takes
// some more: most of it for translated code, when it has to emulate.
constexpr std::uint64_t pair_memory_mib = 6000;
constexpr std::uint64_t test_memory_mib = 10000;

/// One line per finding; counts what stands in the way.
class Findings {
  public:
    void good(const std::string &text) { fmt::print("ok       {}\n", text); }
    void note(const std::string &text) { fmt::print("note     {}\n", text); }
    void bad(const std::string &text, const std::string &remedy) {
        fmt::print("MISSING  {}\n         {}\n", text, remedy);
        count_++;
    }
    [[nodiscard]] int count() const { return count_; }

  private:
    int count_ = 0;
};

bool in_path(std::string_view command) {
    // Where an administrator's commands are, whatever PATH an ordinary user has.
    const char *own = getenv("PATH");
    const auto path = std::string(own == nullptr ? "" : own) + ":/usr/sbin:/sbin:/usr/bin:/bin";
    for (std::size_t start = 0; start < path.size();) {
        const auto end = std::min(path.find(':', start), path.size());
        if (access((path.substr(start, end - start) + "/" + std::string(command)).c_str(), X_OK) ==
            0)
            return true;
        start = end + 1;
    }
    return false;
}

void look_for_tools(Findings &findings) {
    bool all = true;
    for (const auto &tool : tools) {
        if (in_path(tool.command))
            continue;
        all = false;
        findings.bad(std::string(tool.command),
                     fmt::format("scripts/setup, or apt-get install {}", tool.package));
    }
    if (all)
        findings.good("all programs that the lab calls");
}

void look_at_machine(Findings &findings) {
    if (geteuid() == 0)
        findings.good("root");
    else
        findings.bad("root", "image build and module build need it: sudo");

    const auto pages = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES));
    const auto memory = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE)) >> 20;
    if (memory >= test_memory_mib)
        findings.good(fmt::format("{} MiB of memory", memory));
    else if (memory >= pair_memory_mib)
        findings.note(
            fmt::format("{} MiB of memory do for two VMs; make test boots four at a time, "
                        "which want 10 GiB",
                        memory));
    else
        findings.bad(fmt::format("memory: {} MiB", memory), "two VMs want 6 GiB");

    const auto cache = cache_dir();
    if (!cache) {
        findings.bad("cache", cache.error().what);
        return;
    }
    std::error_code error;
    const auto space = fs::space(*cache, error);
    findings.note(fmt::format("cache {}: {} MiB free, an image takes 2.5 GiB", cache->string(),
                              space.available >> 20));
    const auto mirror = apt_mirror();
    findings.note(mirror.empty() ? "apt names no Debian archive: mmdebstrap's default will be used"
                                 : "packages come from " + mirror);
}

void look_at_image(Findings &findings) {
    const auto image = find_image();
    if (!image) {
        findings.bad("guest image", image.error().what);
        findings.note("which accelerator will be used is known once there is an image to boot");
        return;
    }
    findings.good("guest image " + image->dir.string());
    for (const auto &kernel : image->kernels)
        findings.good(fmt::format("kernel {} ({})", kernel.version, kernel.suite));
    const auto accelerator = choose_accelerator(*image);
    if (!accelerator)
        findings.bad("accelerator", accelerator.error().what);
    else
        findings.good(fmt::format("accelerator {}: {}", accelerator->name, accelerator->reason));
}

} // namespace

void add_doctor(CLI::App &app, Action &action) {
    app.add_subcommand("doctor", "Say what is missing on this machine and how to get it")
        ->callback([&action] {
            action = [] {
                Findings findings;
                look_for_tools(findings);
                look_at_machine(findings);
                look_at_image(findings);
                return findings.count() == 0 ? 0 : 1;
            };
        });
}

} // namespace lab
