// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "image/image.h"
#include "util/process.h"
#include "util/result.h"
#include "vm/cpus.h"
#include "vm/instruction_counts.h"

#include <filesystem>
#include <string>
#include <vector>

namespace lab {

/// What a VM has unless somebody says otherwise.
inline constexpr unsigned default_memory_mib = 2048;

/// What a VM is started from.
struct VmOptions {
    std::string name;           ///< "server"; its files in the run directory begin with it
    Kernel kernel;              //
    std::filesystem::path disk; ///< raw root file system; never written to
    std::string data_address;   ///< of the data NIC, with prefix length: "192.168.50.1/24"
    unsigned number = 1;        ///< distinguishes the MAC addresses of VMs on one data network
    /// UNIX sockets that join its data NIC with others', one each. At each socket exactly one of
    /// the two listens; it is started first.
    std::vector<std::filesystem::path> data;
    bool data_listens = false;
    std::filesystem::path scratch; ///< raw disk of its own, written to; empty: none
    std::filesystem::path sockets; ///< directory for its control socket, with a short path
    std::filesystem::path run_dir; ///< gets NAME.console, NAME.qemu (a script), NAME.qemu.log
    std::string accelerator = "tcg";
    unsigned cpus = default_cpus;
    unsigned memory_mib = default_memory_mib;
    bool count_instructions = false; ///< needs the accelerator "tcg"
};

/// A running QEMU. The destructor ends it. Start it from a thread that outlives it.
class Vm {
  public:
    /// Starts QEMU and finds its SSH port; the guest boots meanwhile. The error carries what
    /// QEMU said.
    static Result<Vm> start(const VmOptions &options);

    /// Waits until the guest's init says that it is ready. Errors tell apart (all with the tail
    /// of the console): QEMU ended (Cause::boot), the kernel panicked (Cause::panic), it took too
    /// long (Cause::boot).
    Result<void> wait_ready(Deadline deadline);

    /// As the reset button does: the guest stops where it is and boots again. Returns when it is
    /// ready; errors as wait_ready().
    Result<void> reset(Deadline deadline);

    /// The guest stands still, its clock too, until resume(). What is sent to it is lost.
    Result<void> pause(Deadline deadline);
    Result<void> resume(Deadline deadline);

    /// Nothing while QEMU runs and its kernel has not panicked; else Cause::panic or lost, with
    /// the tail of the console.
    Result<void> alive();

    /// Guest instructions since it was started, by address. Only if the options asked for it.
    Result<InstructionCounts> instructions(Deadline deadline);

    [[nodiscard]] unsigned ssh_port() const { return ssh_port_; }
    [[nodiscard]] const std::filesystem::path &console() const { return console_; }

  private:
    Vm(std::string name, Process qemu) : name_(std::move(name)), qemu_(std::move(qemu)) {}

    Result<void> run_guest(bool run, Deadline deadline);
    Error trouble(const std::string &what, Cause cause) const;

    std::string name_;
    Process qemu_;
    std::filesystem::path control_, console_, log_, counts_;
    std::vector<std::string> data_connections_;
    std::size_t booted_at_ = 0; ///< where in the console the present boot begins
    unsigned ssh_port_ = 0;
};

/// This lab's machine with nothing attached.
struct BareMachine {
    std::string accelerator;
    unsigned cpus = 1;
    unsigned memory_mib = 1024;
    std::string arguments; ///< of the kernel
};

/// How QEMU starts a kernel on it: the beginning of every command line.
std::vector<std::string> bare_machine(const Kernel &kernel, const BareMachine &machine);

/// The command line that Vm::start() uses, one argument per element.
std::vector<std::string> qemu_command(const VmOptions &options);

/// The SSH port in the monitor's answer to "info usernet"; 0 when it has none.
unsigned forwarded_port(const std::string &usernet);

} // namespace lab
