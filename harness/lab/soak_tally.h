// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/report.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string_view>

namespace lab {

/// What the threads of a soak tell each other: what was done, and whether it is over before its
/// time. All may be called by any thread.
class SoakTally {
  public:
    /// `done` gets every job that was done, in one thread at a time.
    SoakTally(unsigned seed, std::function<void(Run)> done);

    /// A job came to its end; it is numbered.
    void job(Run run);
    /// One of the counters of Soak.
    void count(unsigned Soak::*counter);
    /// Something was done to the machines; returns how many jobs there were until then.
    unsigned trouble(std::string_view name);

    /// Something did not hold. The first reason counts.
    void give_up(const Outcome &why);
    /// It was given up, or the user wants it to end.
    [[nodiscard]] bool over() const;
    /// Returns when the time has passed or it is over.
    void wait(std::chrono::steady_clock::duration span);

    /// Why it was given up, if so.
    [[nodiscard]] Outcome outcome() const;
    [[nodiscard]] Soak soak() const;

  private:
    const std::function<void(Run)> done_;
    mutable std::mutex mutex_; ///< of what follows, and of calling done_
    std::condition_variable given_up_;
    Outcome outcome_ = Outcome::pass();
    Soak soak_;
};

} // namespace lab
