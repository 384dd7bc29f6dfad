// SPDX-License-Identifier: GPL-2.0-only
#include "vm/vm.h"

#include "util/file.h"
#include "util/interrupt.h"
#include "util/shell.h"
#include "util/unix_socket.h"
#include "vm/qmp.h"

#include <fmt/format.h>

#include <chrono>
#include <regex>
#include <string_view>
#include <system_error>
#include <thread>

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view panic_mark = "Kernel panic - not syncing";
constexpr std::size_t tail_lines = 25;

/// A busy machine stops an emulated CPU for longer than a kernel thinks possible: its watchdogs
/// would report hangs that are none, and its test of the timer at boot would panic. All CPUs of a
/// guest have the host's counter for a clock; of several packages a kernel would not believe that,
/// and ask devices for the time instead, each time it wants to know.
constexpr auto slow_cpu =
    " tsc=reliable watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120 no_timer_check";

/// How fast the CPU's counter runs, because a kernel cannot find out on a busy machine: it takes
/// the time while devices count, and where it has to wait for a CPU meanwhile it may believe in a
/// twelfth (seen), and live twelve times as fast. An emulated CPU's counter is the host's.
std::string own_clock(const VmOptions &o) {
    if (o.accelerator == "kvm")
        return {};
#ifdef __x86_64__
    using Clock = std::chrono::steady_clock;
    const auto began = Clock::now();
    const auto first = __builtin_ia32_rdtsc();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto ticks = static_cast<double>(__builtin_ia32_rdtsc() - first);
    const std::chrono::duration<double, std::milli> span = Clock::now() - began;
    return fmt::format(" tsc_early_khz={:.0f}", ticks / span.count());
#else
    return {};
#endif
}

fs::path control_socket(const VmOptions &options) {
    return options.sockets / (options.name + ".qmp");
}

fs::path counts_socket(const VmOptions &options) {
    return options.sockets / (options.name + ".counts");
}

/// Leaves the command as a script, so that a person can start the very same machine.
Result<void> write_script(const VmOptions &options, const std::vector<std::string> &command) {
    std::string text = fmt::format("#!/bin/sh\n# The QEMU of {}. Of a pair, start the server "
                                   "first.\nmkdir -p {}\nexec",
                                   options.name, shell_quote(options.sockets.string()));
    for (const auto &word : command)
        text += (word.starts_with('-') ? " \\\n    " : " ") + shell_quote(word);
    const auto path = options.run_dir / (options.name + ".qemu");
    TRY(write_file(path, text + "\n"));
    std::error_code error;
    fs::permissions(path, fs::perms::owner_exec, fs::perm_options::add, error);
    return {};
}

} // namespace

std::vector<std::string> bare_machine(const Kernel &kernel, const BareMachine &machine) {
    const bool kvm = machine.accelerator == "kvm";
    return {
        "qemu-system-x86_64",
        "-machine",
        "q35,vmport=off",
        "-accel",
        // Emulated CPUs take turns in one thread of the host's. In threads of their own a kernel
        // that patches its text dies of it while it boots, and instructions get lost in counting.
        // But only there two CPUs can be within one function at the same time.
        kvm ? "kvm" : machine.accelerator + (kernel.parallel ? ",thread=multi" : ",thread=single"),
        "-cpu",
        // "max" offers instructions that TCG emulates slowly: qemu64 is 1.6 times as fast. With
        // rdrand the guest does not spend seconds on gathering entropy.
        kvm ? "host" : "qemu64,+rdrand",
        "-smp",
        // A package each: kernels without ACPI find their CPUs in the firmware's table for
        // multiprocessors, which has one line for each package.
        fmt::format("{0},sockets={0},cores=1,threads=1", machine.cpus),
        "-m",
        std::to_string(machine.memory_mib),
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-no-reboot",
        "-kernel",
        kernel.vmlinux.string(),
        "-initrd",
        kernel.initramfs.string(),
        "-append",
        "console=ttyS0 panic=-1" + machine.arguments,
    };
}

namespace {

/// QEMU's names of the connections to other VMs.
std::vector<std::string> data_connections(const VmOptions &o) {
    if (o.data.size() == 1)
        return {"data"};
    std::vector<std::string> names;
    for (std::size_t i = 0; i < o.data.size(); i++)
        names.push_back(fmt::format("stream{}", i));
    return names;
}

/// The backend "data": a single connection, or a hub of several.
void add_data_network(std::vector<std::string> &command, const VmOptions &o) {
    const auto names = data_connections(o);
    for (std::size_t i = 0; i < names.size(); i++) {
        command.emplace_back("-netdev");
        command.push_back(fmt::format("stream,id={},server={},addr.type=unix,addr.path={}",
                                      names[i], o.data_listens ? "on" : "off", o.data[i].string()));
        if (names.size() == 1)
            return;
        command.emplace_back("-netdev");
        command.push_back(fmt::format("hubport,id=port{},hubid=0,netdev={}", i, names[i]));
    }
    if (names.empty())
        return;
    command.emplace_back("-netdev");
    command.emplace_back("hubport,id=data,hubid=0");
}

} // namespace

std::vector<std::string> qemu_command(const VmOptions &o) {
    const auto mac = [&](unsigned nic) {
        return fmt::format("52:54:00:6c:{:02x}:{:02x}", nic, o.number);
    };
    auto command = bare_machine(
        o.kernel, {.accelerator = o.accelerator,
                   .cpus = o.cpus,
                   .memory_mib = o.memory_mib,
                   .arguments = fmt::format(" mitigations=off nokaslr{}{} lab.name={} lab.data={}",
                                            o.accelerator == "kvm" ? "" : slow_cpu, own_clock(o),
                                            o.name, o.data_address)});
    const std::vector<std::string> devices = {
        "-name",
        o.name,
        "-drive",
        // QEMU unlinks the overlay as soon as it has it open: nobody has to clean up.
        fmt::format("file={},format=raw,if=none,id=disk,snapshot=on,cache=unsafe,"
                    "werror=report",
                    o.disk.string()),
        "-device",
        "virtio-blk-pci,drive=disk",
        "-netdev",
        // The kernel picks a free port; ours to ask for later.
        "user,id=lab,hostfwd=tcp:127.0.0.1:0-:22",
        "-device",
        fmt::format("virtio-net-pci,netdev=lab,mac={},romfile=", mac(0)),
        "-device",
        // rxe recovers slowly from lost packets: the largest rings there are.
        fmt::format("virtio-net-pci,netdev=data,mac={},romfile=,host_mtu=9000,rx_queue_size=1024,"
                    "tx_queue_size=1024",
                    mac(1)),
        "-chardev",
        fmt::format("file,id=console,append=on,path={}",
                    (o.run_dir / (o.name + ".console")).string()),
        "-serial",
        "chardev:console",
        "-qmp",
        fmt::format("unix:{},server=on,wait=off", control_socket(o).string()),
    };
    add_data_network(command, o);
    command.insert(command.end(), devices.begin(), devices.end());
    if (!o.scratch.empty())
        command.insert(
            command.end(),
            {"-drive",
             fmt::format("file={},format=raw,if=none,id=scratch,cache=unsafe,werror=report",
                         o.scratch.string()),
             "-device", "virtio-blk-pci,drive=scratch"});
    // The last disk: the kernel's initramfs looks for it there.
    if (!o.kernel.modules.empty())
        command.insert(command.end(),
                       {"-drive",
                        fmt::format("file={},format=raw,if=none,id=modules,readonly=on",
                                    o.kernel.modules.string()),
                        "-device", "virtio-blk-pci,drive=modules"});
    if (o.count_instructions) {
        command.emplace_back("-plugin");
        command.push_back(
            fmt::format("file={},socket={}", LAB_INSTRUCTIONS_PLUGIN, counts_socket(o).string()));
    }
    return command;
}

unsigned forwarded_port(const std::string &usernet) {
    // Protocol[State] FD  Source-Address Port  Dest-Address Port ...
    static const std::regex line(R"(TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+22\b)");
    std::smatch found;
    if (!std::regex_search(usernet, found, line))
        return 0;
    return static_cast<unsigned>(std::stoul(found[1]));
}

namespace {

/// Which port QEMU forwards to the guest's SSH server. On a busy machine it may take several
/// attempts: a QEMU that is still starting may drop a connection, or answer too late.
Result<unsigned> ask_for_port(const fs::path &control, Deadline deadline) {
    // One that ended instead is noticed after that.
    auto qmp = TRY(Qmp::connect(control, deadline.within(std::chrono::seconds(1))));
    const auto usernet = TRY(qmp.human("info usernet", deadline));
    const auto port = forwarded_port(usernet);
    if (port == 0)
        return fail("QEMU names no port of the guest's:\n" + usernet);
    return port;
}

} // namespace

Result<Vm> Vm::start(const VmOptions &options) {
    const auto command = qemu_command(options);
    const auto console = options.run_dir / (options.name + ".console");
    const auto said_before = read_file(console).value_or("").size();
    TRY(write_script(options, command));
    const auto log = options.run_dir / (options.name + ".qemu.log");
    auto qemu = Process::spawn(command, {.log = log});
    if (!qemu)
        return fail(qemu.error().what + " (nfsrdma-lab doctor says what to install)", Cause::boot);
    Vm vm(options.name, std::move(*qemu));
    vm.console_ = console;
    vm.booted_at_ = said_before;
    vm.log_ = log;
    vm.control_ = control_socket(options);
    vm.counts_ = counts_socket(options);
    vm.data_connections_ = data_connections(options);

    // Once it talks, its network exists: the other side may connect, the port is known.
    const auto deadline = Deadline::scaled(std::chrono::seconds(10));
    while (vm.qemu_.running()) {
        const auto port = ask_for_port(control_socket(options), deadline);
        if (port) {
            vm.ssh_port_ = *port;
            return vm;
        }
        if (deadline.expired() || port.error().cause == Cause::cancelled)
            return fail(vm.trouble(port.error().what, port.error().cause));
        pause_for(std::chrono::milliseconds(50), deadline);
    }
    return fail(vm.trouble("QEMU did not start", Cause::boot));
}

Result<void> Vm::reset(Deadline deadline) {
    booted_at_ = read_file(console_).value_or("").size();
    auto qmp = Qmp::connect(control_, deadline);
    if (!qmp)
        return fail(name_ + ": resetting", qmp.error());
    // Otherwise a reset ends QEMU, which is how panics are noticed. Not only ours does: the
    // firmware, which finds its memory in use, makes another.
    if (auto set = qmp->execute("set-action", {{"reboot", "reset"}}, deadline); !set)
        return fail(name_ + ": resetting", set.error());
    if (auto done = qmp->execute("system_reset", nlohmann::json::object(), deadline); !done)
        return fail(name_ + ": resetting", done.error());
    TRY(wait_ready(deadline));
    if (auto set = qmp->execute("set-action", {{"reboot", "shutdown"}}, deadline); !set)
        return fail(name_ + ": resetting", set.error());
    return {};
}

/// What is sent to a guest that stands still must go somewhere: a QEMU blocks, with all of its
/// guest, as long as the one at the other end of its data network reads nothing (seen with 7.2).
Result<void> Vm::run_guest(bool run, Deadline deadline) {
    const auto what = name_ + (run ? ": resuming" : ": pausing");
    auto qmp = Qmp::connect(control_, deadline);
    if (!qmp)
        return fail(what, qmp.error());
    for (const auto &name : data_connections_)
        if (auto set = qmp->execute("set_link", {{"name", name}, {"up", run}}, deadline); !set)
            return fail(what, set.error());
    if (auto done = qmp->execute(run ? "cont" : "stop", nlohmann::json::object(), deadline); !done)
        return fail(what, done.error());
    return {};
}

Result<void> Vm::pause(Deadline deadline) {
    return run_guest(false, deadline);
}

Result<void> Vm::resume(Deadline deadline) {
    return run_guest(true, deadline);
}

Result<void> Vm::wait_ready(Deadline deadline) {
    for (;;) {
        const bool running = qemu_.running();
        auto console = read_file(console_).value_or("");
        console.erase(0, booted_at_);
        if (console.find("lab: ready") != std::string::npos)
            return {};
        if (console.find(panic_mark) != std::string::npos) {
            // The rest of the report is still on its way through the serial line.
            pause_for(std::chrono::seconds(2), deadline);
            return fail(trouble("the kernel panicked while booting", Cause::panic));
        }
        if (const auto at = console.find("lab: failed:"); at != std::string::npos)
            return fail(
                trouble(console.substr(at + 5, console.find('\n', at) - at - 5), Cause::boot));
        if (!running)
            return fail(trouble("QEMU ended while the guest was booting", Cause::boot));
        if (interrupted())
            return fail("interrupted", Cause::cancelled);
        if (deadline.expired())
            return fail(trouble("the guest did not come up in time", Cause::boot));
        pause_for(std::chrono::milliseconds(50));
    }
}

Result<InstructionCounts> Vm::instructions(Deadline deadline) {
    const auto socket = connect_to(counts_, deadline);
    if (!socket)
        return fail(name_ + ": counting instructions", socket.error());
    auto text = read_all(*socket, deadline);
    if (!text)
        return fail(name_ + ": counting instructions", text.error());
    return parse_instruction_counts(*text);
}

Result<void> Vm::alive() {
    const bool running = qemu_.running();
    const auto console = read_file(console_).value_or("");
    if (console.find(panic_mark) != std::string::npos)
        return fail(trouble("the kernel panicked", Cause::panic));
    if (!running)
        return fail(trouble("QEMU ended", Cause::lost));
    return {};
}

Error Vm::trouble(const std::string &what, Cause cause) const {
    std::string text = fmt::format("{}: {}", name_, what);
    if (const auto said = read_file(log_).value_or(""); !said.empty())
        text += fmt::format("\nQEMU said: {}", last_lines(said, 5));
    if (const auto console = read_file(console_).value_or(""); !console.empty())
        text +=
            fmt::format("\n{} ends with:\n{}", console_.string(), last_lines(console, tail_lines));
    return {text, cause};
}

} // namespace lab
