// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "image/image.h"
#include "vm/cpus.h"
#include "vm/instruction_counts.h"
#include "vm/vm.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lab {

/// What a pair is booted from.
struct PairOptions {
    Kernel kernel;
    std::optional<Kernel> client_kernel = {}; ///< of the clients, if it is another one
    std::filesystem::path run_dir; ///< created; consoles, QEMU scripts, ssh_config land here
    unsigned clients = 1;          ///< client VMs, 1 or more
    unsigned cpus = default_cpus;  ///< of each VM, if the accelerator can
    unsigned memory_mib = default_memory_mib; ///< of each VM
    unsigned scratch_mib = 0;                 ///< a file system on the server's /dev/vdb; 0: none
    std::string scratch_type = "ext4";        ///< of that: "ext4" or "xfs"
    bool count_instructions = false;          ///< of the server, where the accelerator lets us
};

/// A server and a client VM, or several: booted, reachable by SSH, joined by a data
/// network with RDMA (rxe0) up on all of them. Destroying the pair ends the VMs and removes what
/// they used; consoles and scripts stay in the run directory.
class Pair {
  public:
    /// Boots both in parallel. Errors: Cause::boot, panic, timeout, cancelled, each with the
    /// tail of the console it concerns.
    static Result<std::unique_ptr<Pair>> boot(const Image &image, const PairOptions &options);

    Pair(const Pair &) = delete;
    Pair &operator=(const Pair &) = delete;
    virtual ~Pair() = default;

    /// The server, then the clients.
    std::vector<Host *> machines();

    virtual Host &server() = 0;
    /// `index` below PairOptions::clients.
    virtual Host &client(unsigned index = 0) = 0;
    [[nodiscard]] virtual unsigned clients() const = 0;

    /// Resets the server as its reset button would: what was in its memory is gone, its disks are
    /// as they were. Returns when it is reachable again, with nothing loaded or served. Errors as
    /// boot().
    virtual Result<void> reset_server() = 0;

    /// Ends a client's QEMU without warning: commands on its Host fail from then on.
    /// revive_client() boots it anew, and nobody may use its Host meanwhile. Errors as boot().
    virtual void kill_client(unsigned index) = 0;
    virtual Result<void> revive_client(unsigned index) = 0;

    /// A client stands still, its clock too: it does nothing and answers nothing, its RDMA device
    /// neither. Its Host must not be used until resume_client().
    virtual Result<void> pause_client(unsigned index) = 0;
    virtual Result<void> resume_client(unsigned index) = 0;

    /// "kvm" or "tcg".
    [[nodiscard]] virtual const std::string &accelerator() const = 0;
    /// Of each VM.
    [[nodiscard]] virtual unsigned cpus() const = 0;
    [[nodiscard]] virtual const Kernel &kernel() const = 0;

    /// Serial console of each VM, written while it runs; "server.console" in the run directory.
    [[nodiscard]] virtual std::filesystem::path server_console() const = 0;
    [[nodiscard]] virtual std::filesystem::path client_console(unsigned index = 0) const = 0;

    /// For people: `ssh -F FILE server`.
    [[nodiscard]] virtual std::filesystem::path ssh_config() const = 0;

    /// Why a VM is gone (Cause::panic or lost, with the tail of its console), or nothing when
    /// both are running. Turns "lost connection" into the reason for it.
    virtual Result<void> alive() = 0;

    /// Guest instructions of the server since it was started; nothing when they are not counted:
    /// not asked for, or the accelerator is KVM.
    virtual Result<std::optional<InstructionCounts>> server_instructions(Deadline deadline) = 0;

    /// Milliseconds from starting QEMU until both VMs were ready.
    [[nodiscard]] virtual long boot_ms() const = 0;

  protected:
    Pair() = default;
};

} // namespace lab
