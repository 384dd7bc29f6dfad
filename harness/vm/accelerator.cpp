// SPDX-License-Identifier: GPL-2.0-only
#include "vm/accelerator.h"

#include "util/deadline.h"
#include "util/file.h"
#include "util/interrupt.h"
#include "util/process.h"
#include "util/progress.h"
#include "util/temp.h"
#include "vm/vm.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <filesystem>
#include <optional>

namespace lab {

using nlohmann::json;

namespace {

/// An emulated CPU is slower than this by far, but what the deadlines allow for is mostly I/O.
constexpr double tcg_scale = 3;

/// Why KVM cannot run our kernel, or nothing when it can.
Result<void> try_kvm(const Kernel &kernel) {
    if (access("/dev/kvm", R_OK | W_OK) != 0)
        return fail("/dev/kvm cannot be opened");
    auto temp = TRY(TempDir::make());
    Progress progress("trying KVM with a trial boot");
    const auto console = temp.path() / "console";
    const auto log = temp.path() / "log";
    auto command = bare_machine(kernel, {.accelerator = "kvm"});
    command.insert(command.end(), {"-serial", "file:" + console.string()});
    auto qemu = TRY(Process::spawn(command, {.log = log}));
    const auto deadline = Deadline::in(std::chrono::seconds(10));
    while (!deadline.expired() && qemu.running() && !interrupted()) {
        if (read_file(console).value_or("").find("lab: early") != std::string::npos)
            break;
        pause_for(std::chrono::milliseconds(50));
    }
    if (interrupted())
        return fail("interrupted", Cause::cancelled);
    progress.done();
    if (read_file(console).value_or("").find("lab: early") != std::string::npos)
        return {};
    const auto said = last_lines(read_file(log).value_or(""), 1);
    return fail(fmt::format("/dev/kvm opens, but a trial boot under it {}{}{}",
                            qemu.running() ? "went nowhere in 10 s" : "ended early",
                            said.empty() ? "" : ": ", said));
}

/// What the answer depends on: another boot of this machine, another QEMU or another kernel may
/// answer differently.
std::string fingerprint(const Image &image) {
    const auto boot = read_file("/proc/sys/kernel/random/boot_id").value_or("");
    const auto qemu =
        run_process({"qemu-system-x86_64", "--version"}, Deadline::in(std::chrono::seconds(10)));
    const bool kvm = access("/dev/kvm", R_OK | W_OK) == 0;
    return fmt::format("{}|{}|{}|{}", last_lines(boot, 1),
                       qemu ? qemu->out.substr(0, qemu->out.find('\n')) : "no QEMU", kvm,
                       image.recipe);
}

/// What was found out earlier, if it holds for `fingerprint`. A file that says anything else is as
/// good as none.
std::optional<Accelerator> remembered(const std::filesystem::path &file,
                                      const std::string &fingerprint) {
    const auto known = json::parse(read_file(file).value_or(""), nullptr, false);
    const auto text = [&](const char *key) -> std::string {
        const auto it = known.is_object() ? known.find(key) : known.end();
        return it != known.end() && it->is_string() ? it->get<std::string>() : "";
    };
    const auto name = text("name");
    if (text("fingerprint") != fingerprint || (name != "kvm" && name != "tcg"))
        return std::nullopt;
    return Accelerator{name, text("reason")};
}

} // namespace

Result<Accelerator> choose_accelerator(const Image &image) {
    const auto file = image.dir.parent_path() / "accelerator.json";
    const auto now = fingerprint(image);
    Accelerator result;
    if (auto known = remembered(file, now)) {
        result = *std::move(known);
    } else {
        const auto kvm = image.kernels.empty() ? fail("the image has no kernel to try")
                                               : try_kvm(image.kernels.back());
        if (!kvm && kvm.error().cause == Cause::cancelled)
            return fail(kvm.error());
        result = kvm ? Accelerator{"kvm", "a trial boot under /dev/kvm worked"}
                     : Accelerator{"tcg", kvm.error().what};
        const json answer = {
            {"name", result.name}, {"reason", result.reason}, {"fingerprint", now}};
        if (auto written = write_file(file, answer.dump(4) + "\n"); !written)
            say(written.error().what + ": the next start will try KVM again");
    }
    Deadline::set_scale(result.name == "kvm" ? 1 : tcg_scale);
    return result;
}

} // namespace lab
