// SPDX-License-Identifier: GPL-2.0-only
#include "lab/pair.h"

#include "host/ssh_host.h"
#include "util/file.h"
#include "util/process.h"
#include "util/progress.h"
#include "util/temp.h"
#include "vm/accelerator.h"
#include "vm/vm.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr auto network = "192.168.50."; // the server is .1, clients follow
constexpr auto boot_limit = std::chrono::seconds(60);

std::string ssh_stanza(const std::string &name, unsigned port) {
    return fmt::format("Host {}\n    Port {}\n", name, port);
}

/// Cheap algorithms: an emulated CPU does them. The hosts are on this machine and live for one
/// run, so that there is no identity to remember.
std::string ssh_config_text(const fs::path &key, const fs::path &sockets) {
    return fmt::format("Host *\n"
                       "    HostName 127.0.0.1\n"
                       "    User root\n"
                       "    IdentityFile {}\n"
                       "    IdentitiesOnly yes\n"
                       "    BatchMode yes\n"
                       "    StrictHostKeyChecking no\n"
                       "    UserKnownHostsFile /dev/null\n"
                       "    LogLevel ERROR\n"
                       "    KexAlgorithms curve25519-sha256\n"
                       "    Ciphers aes128-ctr\n"
                       "    MACs umac-64-etm@openssh.com\n"
                       "    ConnectTimeout 20\n"
                       "    ServerAliveInterval 15\n"
                       "    ServerAliveCountMax 8\n"
                       "    ControlPath {}/%n.ssh\n",
                       key.string(), sockets.string());
}

/// "client", "client2", "client3".
std::string client_name(unsigned index) {
    return index == 0 ? "client" : fmt::format("client{}", index + 1);
}

/// A VM and the connection to it.
struct Machine {
    VmOptions options;
    std::unique_ptr<Vm> vm;
    std::unique_ptr<SshHost> host;
};

class VmPair : public Pair {
  public:
    VmPair(PairOptions options, TempDir sockets)
        : options_(std::move(options)), sockets_(std::move(sockets)) {}

    Result<void> boot(const Image &image);

    Host &server() override { return *server_.host; }
    Host &client(unsigned index) override { return *clients_.at(index).host; }
    [[nodiscard]] unsigned clients() const override { return options_.clients; }
    [[nodiscard]] const std::string &accelerator() const override { return accelerator_; }
    [[nodiscard]] unsigned cpus() const override { return options_.cpus; }
    [[nodiscard]] const Kernel &kernel() const override { return options_.kernel; }
    [[nodiscard]] fs::path server_console() const override { return server_.vm->console(); }
    [[nodiscard]] fs::path client_console(unsigned index) const override {
        return options_.run_dir / (client_name(index) + ".console");
    }
    [[nodiscard]] fs::path ssh_config() const override { return options_.run_dir / "ssh_config"; }
    [[nodiscard]] long boot_ms() const override { return boot_ms_; }

    Result<std::optional<InstructionCounts>> server_instructions(Deadline deadline) override {
        if (!counts_)
            return std::nullopt;
        auto counts = TRY(server_.vm->instructions(deadline));
        return counts;
    }

    Result<void> alive() override;
    Result<void> reset_server() override;
    void kill_client(unsigned index) override;
    Result<void> revive_client(unsigned index) override;
    Result<void> pause_client(unsigned index) override;
    Result<void> resume_client(unsigned index) override;

  private:
    void describe(const Image &image);
    Result<void> make_scratch();
    Result<void> write_ssh_config();
    Result<void> start(Machine &machine);
    Result<void> connect(Machine &machine, Deadline deadline);

    // In the order of destruction, from the last: connections, machines, their sockets.
    PairOptions options_;
    std::shared_ptr<Fd> image_in_use_;
    TempDir sockets_;
    std::string accelerator_;
    fs::path key_;
    Machine server_;
    std::vector<Machine> clients_;
    long boot_ms_ = 0;
    bool counts_ = false;
};

/// Says what each machine is started from.
void VmPair::describe(const Image &image) {
    VmOptions vm = {
        .kernel = options_.kernel,
        .disk = image.disk,
        .sockets = sockets_.path(),
        .run_dir = options_.run_dir,
        .accelerator = accelerator_,
        .cpus = options_.cpus,
        .memory_mib = options_.memory_mib,
    };
    const auto set = [&](Machine &machine, const std::string &name, unsigned number) {
        machine.options = vm;
        machine.options.name = name;
        machine.options.number = number;
        machine.options.data_address = fmt::format("{}{}/24", network, number);
        machine.host = std::make_unique<SshHost>(
            SshTarget{name, fmt::format("{}{}", network, number), ssh_config(),
                      options_.run_dir / (name + ".ssh.log")});
    };
    set(server_, "server", 1);
    server_.options.data_listens = true;
    server_.options.count_instructions = counts_;
    if (options_.scratch_mib != 0)
        server_.options.scratch = sockets_.path() / "scratch";
    clients_.resize(options_.clients);
    for (unsigned i = 0; i < options_.clients; i++) {
        const auto socket = sockets_.path() / fmt::format("data{}", i);
        set(clients_[i], client_name(i), i + 2);
        if (options_.client_kernel)
            clients_[i].options.kernel = *options_.client_kernel;
        clients_[i].options.data = {socket};
        server_.options.data.push_back(socket);
    }
}

Result<void> VmPair::make_scratch() {
    const auto &disk = server_.options.scratch;
    if (!std::ofstream(disk))
        return fail("cannot make " + disk.string());
    std::error_code error;
    fs::resize_file(disk, std::uintmax_t{options_.scratch_mib} << 20, error);
    if (error)
        return fail(fmt::format("cannot make {}: {}", disk.string(), error.message()));
    const auto made = run_process({"mkfs." + options_.scratch_type, "-q", disk.string()},
                                  Deadline::scaled(std::chrono::seconds(20)));
    if (!made)
        return fail("making the server's disk", made.error());
    if (made->status != 0)
        return fail("making the server's disk: " + last_lines(made->err, 3));
    return {};
}

/// The ports are the machines' present ones.
Result<void> VmPair::write_ssh_config() {
    std::string text;
    const auto add = [&](const Machine &machine) {
        if (machine.vm)
            text += ssh_stanza(machine.options.name, machine.vm->ssh_port());
    };
    add(server_);
    for (const auto &client : clients_)
        add(client);
    return write_file(ssh_config(), text + ssh_config_text(key_, sockets_.path()));
}

Result<void> VmPair::start(Machine &machine) {
    auto vm = TRY(Vm::start(machine.options));
    machine.vm = std::make_unique<Vm>(std::move(vm));
    return {};
}

/// Waits for a machine that was started, and for the connection to it.
Result<void> VmPair::connect(Machine &machine, Deadline deadline) {
    if (auto connected = machine.host->connect(deadline); !connected) {
        // A machine that died meanwhile is the better reason.
        TRY(machine.vm->alive());
        return connected;
    }
    return {};
}

Result<void> VmPair::alive() {
    TRY(server_.vm->alive());
    for (const auto &client : clients_)
        if (client.vm)
            TRY(client.vm->alive());
    return {};
}

Result<void> VmPair::reset_server() {
    Progress progress("resetting the server");
    const auto deadline = Deadline::scaled(boot_limit);
    server_.host->disconnect();
    TRY(server_.vm->reset(deadline));
    TRY(connect(server_, deadline));
    progress.done();
    return {};
}

void VmPair::kill_client(unsigned index) {
    auto &client = clients_.at(index);
    client.vm.reset();
    client.host->disconnect();
}

Result<void> VmPair::pause_client(unsigned index) {
    return clients_.at(index).vm->pause(Deadline::scaled(std::chrono::seconds(10)));
}

Result<void> VmPair::resume_client(unsigned index) {
    return clients_.at(index).vm->resume(Deadline::scaled(std::chrono::seconds(10)));
}

Result<void> VmPair::revive_client(unsigned index) {
    auto &client = clients_.at(index);
    Progress progress("booting " + client.options.name);
    const auto deadline = Deadline::scaled(boot_limit);
    TRY(start(client));
    TRY(write_ssh_config());
    TRY(client.vm->wait_ready(deadline));
    TRY(connect(client, deadline));
    progress.done();
    return {};
}

Result<void> VmPair::boot(const Image &image) {
    const auto accelerator = TRY(choose_accelerator(image));
    accelerator_ = accelerator.name;
    options_.cpus = guest_cpus(accelerator_, options_.cpus, std::thread::hardware_concurrency());
    image_in_use_ = image.in_use;
    key_ = image.key;
    // CPUs that run side by side would count into the same words.
    counts_ = options_.count_instructions && accelerator_ == "tcg" && !options_.kernel.parallel;
    const double clients = options_.client_kernel ? options_.client_kernel->slowness : 1;
    Deadline::set_scale(Deadline::scale() * std::max(options_.kernel.slowness, clients));
    describe(image);

    Progress progress(
        fmt::format("booting server and {}, {}{} ({}, {} CPU{})",
                    options_.clients == 1 ? "client" : fmt::format("{} clients", options_.clients),
                    options_.kernel.version,
                    options_.client_kernel ? " and " + options_.client_kernel->version : "",
                    accelerator_, options_.cpus, options_.cpus == 1 ? "" : "s"));
    const auto deadline = Deadline::scaled(boot_limit);
    if (!server_.options.scratch.empty())
        TRY(make_scratch());
    std::vector<Machine *> machines = {&server_};
    for (auto &client : clients_)
        machines.push_back(&client);
    for (auto *machine : machines)
        TRY(start(*machine));
    TRY(write_ssh_config());

    // The handshakes of one overlap the boot of the next.
    for (auto *machine : machines) {
        TRY(machine->vm->wait_ready(deadline));
        progress.at("connecting");
        TRY(machine->host->start());
    }
    for (auto *machine : machines)
        TRY(connect(*machine, deadline));
    boot_ms_ = progress.elapsed().count();
    progress.done();
    return {};
}

} // namespace

std::vector<Host *> Pair::machines() {
    std::vector<Host *> result = {&server()};
    for (unsigned i = 0; i < clients(); i++)
        result.push_back(&client(i));
    return result;
}

Result<std::unique_ptr<Pair>> Pair::boot(const Image &image, const PairOptions &options) {
    std::error_code error;
    auto absolute = options;
    absolute.run_dir = fs::absolute(options.run_dir, error);
    fs::create_directories(absolute.run_dir, error);
    if (error)
        return fail(fmt::format("cannot make {}: {}", absolute.run_dir.string(), error.message()));
    auto sockets = TRY(TempDir::make());
    auto pair = std::make_unique<VmPair>(std::move(absolute), std::move(sockets));
    TRY(pair->boot(image));
    return pair;
}

} // namespace lab
