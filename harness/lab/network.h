// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace lab {

/// What becomes of the packets that a host sends on the data network, on their way: by netem, whose
/// words these are (tc-netem(8)). Without anything set they go as they are.
struct NetworkOptions {
    std::chrono::microseconds delay{};  ///< of each; a round trip takes as much longer
    std::chrono::microseconds jitter{}; ///< a delay is so much longer or shorter, so they overtake
    double loss = 0;                    ///< percent of them
    double reorder = 0;                 ///< percent of them that are not delayed
    std::uint64_t rate = 0;             ///< bits per second; 0: no limit
    unsigned limit = 10000;             ///< so many are on their way at most; others are lost

    /// Whether anything is set.
    [[nodiscard]] bool any() const;
};

/// Sets one of them by its name, from the words of a scenario: "delay" to "20ms", "loss" to "0.1%",
/// "rate" to "100mbit", "limit" to "1000". The error says what is allowed.
Result<void> set_option(NetworkOptions &options, std::string_view name, std::string_view value);

/// Why they make no sense together, if they do not.
Result<void> check(const NetworkOptions &options);

/// They in netem's words: "delay 20ms loss 0.1% limit 10000"; empty when nothing is set.
std::string describe(const NetworkOptions &options);

/// A host's data network, made worse for as long as this lives.
class Network {
  public:
    /// From now on what `host` sends is treated so. It must outlive this.
    static Result<Network> make(Host &host, const NetworkOptions &options);

    Network(Network &&other) noexcept : host_(std::exchange(other.host_, nullptr)) {}
    Network &operator=(Network &&other) noexcept {
        std::swap(host_, other.host_);
        return *this;
    }
    Network(const Network &) = delete;
    Network &operator=(const Network &) = delete;
    ~Network() { (void)restore(); }

    /// The network is as it was. What is on its way at this moment is lost.
    Result<void> restore();

  private:
    explicit Network(Host *host) : host_(host) {}

    Host *host_; ///< nothing to restore without one
};

} // namespace lab
