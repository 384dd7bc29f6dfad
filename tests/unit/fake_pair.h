// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/fake_host.h"
#include "lab/pair.h"

#include <atomic>
#include <deque>
#include <string>

namespace lab {

/// A pair without machines: its hosts answer what they were told to, and it counts what was done
/// to their power.
class FakePair : public Pair {
  public:
    explicit FakePair(unsigned clients) {
        for (unsigned i = 0; i < clients; i++)
            clients_.emplace_back("client" + std::to_string(i + 1));
    }

    std::atomic<unsigned> killed = 0;  ///< clients that lost their power
    std::atomic<unsigned> revived = 0; ///< clients that were booted anew
    Result<void> health = {};          ///< what alive() says

    FakeHost &server() override { return server_; }
    FakeHost &client(unsigned index = 0) override { return clients_.at(index); }
    [[nodiscard]] unsigned clients() const override {
        return static_cast<unsigned>(clients_.size());
    }
    Result<void> reset_server() override { return {}; }
    void kill_client(unsigned /*index*/) override { killed++; }
    Result<void> revive_client(unsigned /*index*/) override {
        revived++;
        return {};
    }
    Result<void> pause_client(unsigned /*index*/) override { return {}; }
    Result<void> resume_client(unsigned /*index*/) override { return {}; }
    [[nodiscard]] const std::string &accelerator() const override { return kernel_.suite; }
    [[nodiscard]] unsigned cpus() const override { return 1; }
    [[nodiscard]] const Kernel &kernel() const override { return kernel_; }
    [[nodiscard]] std::filesystem::path server_console() const override { return {}; }
    [[nodiscard]] std::filesystem::path client_console(unsigned /*index*/ = 0) const override {
        return {};
    }
    [[nodiscard]] std::filesystem::path ssh_config() const override { return {}; }
    Result<void> alive() override { return health; }
    Result<std::optional<InstructionCounts>> server_instructions(Deadline /*deadline*/) override {
        return std::nullopt;
    }
    [[nodiscard]] long boot_ms() const override { return 0; }

  private:
    FakeHost server_{"server"};
    std::deque<FakeHost> clients_;
    Kernel kernel_;
};

} // namespace lab
