// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/pair.h"
#include "lab/scenario.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

namespace lab {

/// The machines of a soak: clients that lose their power between and within their errands, and RDMA
/// devices that go and come. All may be called by any thread, but one client's errands are one
/// thread's. The pair and the scenario must outlive this.
class SoakMachines {
  public:
    /// A client at work.
    struct Shift {
        unsigned losses = 0; ///< of its power, before this
        unsigned mends = 0;  ///< of the server's device, before this
    };

    SoakMachines(Pair &pair, const Scenario &scenario);

    [[nodiscard]] Pair &pair() { return pair_; }

    /// Gives every machine what it needs once it has booted.
    Result<void> equip();

    /// Waits until the client has power; its Host may be used until end(). Nothing when there is
    /// no use in waiting any more.
    std::optional<Shift> begin(unsigned client, const std::stop_token &stop);
    void end(unsigned client);

    /// Whether the client lost its power since.
    bool lost_power(unsigned client, const Shift &since);
    /// Whether the stand-in for an adapter was broken since, at either end, and nobody else is to
    /// blame; it is not any more. All clients suffer from the server's, and one of them mends it.
    bool mended(unsigned client, const Shift &since);

    /// Cuts a client off from power, waits until nobody uses its Host, boots and equips it. Errors
    /// as Pair::boot().
    Result<void> reset(unsigned client);
    /// Cuts all of them off, for good: who waits for a server that died waits no longer.
    void cut_off();

    /// The server's device goes, `meanwhile` is called, and it comes back.
    Result<void> without_device(const std::function<void()> &meanwhile);

  private:
    struct Client {
        bool on = true; ///< has power
        bool at_work = false;
        unsigned losses = 0; ///< of its power, until now
    };

    Result<void> equip(Host &host);

    Pair &pair_;
    const Scenario &scenario_;
    std::mutex devices_; ///< of the machines' RDMA devices: one at a time takes one away
    std::mutex mutex_;   ///< of what follows
    std::condition_variable_any changed_;
    std::vector<Client> clients_;
    unsigned mends_ = 0; ///< of the server's device, which was broken, until now
};

} // namespace lab
