// SPDX-License-Identifier: GPL-2.0-only
#include "lab/pair.h"

#include "lab/ssh_host.h"
#include "util/file.h"
#include "util/progress.h"
#include "util/temp.h"
#include "vm/accelerator.h"
#include "vm/vm.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr auto server_address = "192.168.50.1";
constexpr auto client_address = "192.168.50.2";
constexpr auto boot_limit = std::chrono::seconds(40);

std::string ssh_stanza(const std::string &name, unsigned port) {
    return fmt::format("Host {}\n    Port {}\n", name, port);
}

/// Cheap algorithms: an emulated CPU does them. The hosts are on this machine and live for one
/// run, so that there is no identity to remember.
std::string ssh_config_text(const fs::path &key, const fs::path &sockets, unsigned server,
                            unsigned client) {
    return ssh_stanza("server", server) + ssh_stanza("client", client) +
           fmt::format("Host *\n"
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

class VmPair : public Pair {
  public:
    VmPair(PairOptions options, TempDir sockets)
        : options_(std::move(options)), sockets_(std::move(sockets)) {}

    Result<void> boot(const Image &image);

    Host &server() override { return *server_host_; }
    Host &client() override { return *client_host_; }
    [[nodiscard]] const std::string &accelerator() const override { return accelerator_; }
    [[nodiscard]] const Kernel &kernel() const override { return options_.kernel; }
    [[nodiscard]] fs::path server_console() const override { return server_->console(); }
    [[nodiscard]] fs::path client_console() const override { return client_->console(); }
    [[nodiscard]] fs::path ssh_config() const override { return options_.run_dir / "ssh_config"; }
    [[nodiscard]] long boot_ms() const override { return boot_ms_; }

    Result<std::optional<InstructionCounts>> server_instructions(Deadline deadline) override {
        if (!counts_)
            return std::nullopt;
        auto counts = server_->instructions(deadline);
        if (!counts)
            return fail(counts.error());
        return *std::move(counts);
    }

    Result<void> alive() override {
        if (auto server = server_->alive(); !server)
            return server;
        return client_->alive();
    }

  private:
    // In the order of destruction, from the last: connections, machines, their sockets.
    PairOptions options_;
    std::shared_ptr<Fd> image_in_use_;
    TempDir sockets_;
    std::string accelerator_;
    std::unique_ptr<Vm> server_, client_;
    std::unique_ptr<SshHost> server_host_, client_host_;
    long boot_ms_ = 0;
    bool counts_ = false;
};

Result<void> VmPair::boot(const Image &image) {
    const auto accelerator = choose_accelerator(image);
    if (!accelerator)
        return fail(accelerator.error());
    accelerator_ = accelerator->name;
    image_in_use_ = image.in_use;
    counts_ = options_.count_instructions && accelerator_ == "tcg";

    Progress progress(
        fmt::format("booting server and client, {} ({})", options_.kernel.version, accelerator_));
    const auto deadline = Deadline::scaled(boot_limit);
    VmOptions vm = {
        .name = "server",
        .kernel = options_.kernel,
        .disk = image.disk,
        .data_address = fmt::format("{}/24", server_address),
        .number = 1,
        .data = sockets_.path() / "data",
        .data_listens = true,
        .sockets = sockets_.path(),
        .run_dir = options_.run_dir,
        .accelerator = accelerator_,
        .memory_mib = options_.memory_mib,
        .count_instructions = counts_,
    };
    auto server = Vm::start(vm);
    if (!server)
        return fail(server.error());
    server_ = std::make_unique<Vm>(std::move(*server));
    vm.name = "client";
    vm.count_instructions = false;
    vm.data_address = fmt::format("{}/24", client_address);
    vm.number = 2;
    vm.data_listens = false;
    auto client = Vm::start(vm);
    if (!client)
        return fail(client.error());
    client_ = std::make_unique<Vm>(std::move(*client));

    const auto config = ssh_config();
    if (auto written =
            write_file(config, ssh_config_text(image.key, sockets_.path(), server_->ssh_port(),
                                               client_->ssh_port()));
        !written)
        return written;
    server_host_ = std::make_unique<SshHost>(
        SshTarget{"server", server_address, config, options_.run_dir / "server.ssh.log"});
    client_host_ = std::make_unique<SshHost>(
        SshTarget{"client", client_address, config, options_.run_dir / "client.ssh.log"});

    if (auto ready = server_->wait_ready(deadline); !ready)
        return ready;
    if (auto started = server_host_->start(); !started)
        return started;
    if (auto ready = client_->wait_ready(deadline); !ready)
        return ready;
    progress.at("connecting");
    if (auto started = client_host_->start(); !started)
        return started;
    for (auto *host : {server_host_.get(), client_host_.get()}) {
        if (auto connected = host->connect(deadline); !connected) {
            // A machine that died meanwhile is the better reason.
            if (auto living = alive(); !living)
                return living;
            return connected;
        }
    }
    boot_ms_ = progress.elapsed().count();
    progress.done();
    return {};
}

} // namespace

Result<std::unique_ptr<Pair>> Pair::boot(const Image &image, const PairOptions &options) {
    std::error_code error;
    auto absolute = options;
    absolute.run_dir = fs::absolute(options.run_dir, error);
    fs::create_directories(absolute.run_dir, error);
    if (error)
        return fail(fmt::format("cannot make {}: {}", absolute.run_dir.string(), error.message()));
    auto sockets = TempDir::make();
    if (!sockets)
        return fail(sockets.error());
    auto pair = std::make_unique<VmPair>(std::move(absolute), std::move(*sockets));
    if (auto booted = pair->boot(image); !booted)
        return fail(booted.error());
    return pair;
}

} // namespace lab
