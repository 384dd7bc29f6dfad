// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lab {

/// Whose packets are treated.
enum class Sender { server, clients, both };

/// What becomes of the packets that machines send on the data network, on their way: by netem,
/// whose words these are (tc-netem(8)). Without anything set they go as they are.
struct NetworkOptions {
    std::chrono::microseconds delay{};  ///< of each; a round trip takes as much longer
    std::chrono::microseconds jitter{}; ///< a delay is so much longer or shorter, so they overtake
    double loss = 0;                    ///< percent of them
    double reorder = 0;                 ///< percent of them that are not delayed
    std::uint64_t rate = 0;             ///< bits per second; 0: no limit
    unsigned limit = 10000;             ///< so many are on their way at most; others are lost
    Sender sender = Sender::server;
    unsigned mtu = 0; ///< bytes of a packet on all machines; 0: 9000, as they boot

    /// Whether anything is set that changes something.
    [[nodiscard]] bool any() const;
    /// Whether there is something for netem to do.
    [[nodiscard]] bool treats() const;
};

/// Sets one of them by its name, from the words of a scenario: "delay" to "20ms", "loss" to "0.1%",
/// "rate" to "100mbit", "limit" to "1000", "sender" to "both", "mtu" to "1500". The error says what
/// is allowed.
Result<void> set_option(NetworkOptions &options, std::string_view name, std::string_view value);

/// Why they make no sense together, if they do not.
Result<void> check(const NetworkOptions &options);

/// They in netem's words, and what netem does not know: "delay 20ms loss 0.1% limit 10000 from
/// clients mtu 1500"; empty when nothing is set.
std::string describe(const NetworkOptions &options);

/// A data network, made worse for as long as this lives.
class Network {
  public:
    /// From now on what one machine sends is treated so, whoever the options name. It must outlive
    /// this.
    static Result<Network> make(Host &host, const NetworkOptions &options);

    /// The same for all machines of a network, the server first: those that the options name.
    static Result<Network> make(const std::vector<Host *> &machines, const NetworkOptions &options);

    Network(Network &&other) noexcept
        : treated_(std::exchange(other.treated_, {})), resized_(std::exchange(other.resized_, {})) {
    }
    Network &operator=(Network &&other) noexcept {
        std::swap(treated_, other.treated_);
        std::swap(resized_, other.resized_);
        return *this;
    }
    Network(const Network &) = delete;
    Network &operator=(const Network &) = delete;
    ~Network() { (void)restore(); }

    /// The network is as it was. What is on its way at this moment is lost. Tries all of it, and
    /// returns the first error.
    Result<void> restore();

  private:
    Network() = default;
    Result<void> treat(Host &host, const NetworkOptions &options);
    Result<void> resize(Host &host, unsigned mtu);

    std::vector<Host *> treated_; ///< whose packets netem has
    std::vector<Host *> resized_; ///< whose packets have another size
};

} // namespace lab
