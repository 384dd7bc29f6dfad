// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <chrono>

namespace lab {

/// A moment on the monotonic clock until which something may take. Passed down by value, so
/// that a step and everything it calls share one limit.
class Deadline {
  public:
    using Clock = std::chrono::steady_clock;

    /// `span` from now, as the wall clock runs.
    static Deadline in(std::chrono::milliseconds span) { return Deadline(Clock::now() + span); }

    /// `span` from now, stretched by scale(): for whatever an emulated CPU has to do.
    static Deadline scaled(std::chrono::milliseconds span) {
        return in(std::chrono::milliseconds(
            static_cast<long>(static_cast<double>(span.count()) * scale())));
    }

    /// No limit.
    static Deadline never() { return Deadline(Clock::time_point::max()); }

    /// The earlier of this one and `span` from now.
    [[nodiscard]] Deadline within(std::chrono::milliseconds span) const {
        return Deadline(std::min(at_, Clock::now() + span));
    }

    [[nodiscard]] bool expired() const { return Clock::now() >= at_; }

    /// What is left: never negative, at most a day, so that it fits any kernel interface.
    [[nodiscard]] std::chrono::milliseconds left() const {
        using std::chrono::milliseconds;
        const auto now = Clock::now();
        if (now >= at_)
            return milliseconds(0);
        if (at_ - now > std::chrono::hours(24))
            return std::chrono::hours(24);
        return std::chrono::ceil<milliseconds>(at_ - now);
    }

    /// The factor of scaled(): 1 unless somebody found that guests are emulated.
    static double scale() { return scale_; }

    /// Set once, before anything is waited for.
    static void set_scale(double factor) { scale_ = factor; }

  private:
    explicit Deadline(Clock::time_point at) : at_(at) {}

    Clock::time_point at_;
    static inline double scale_ = 1;
};

} // namespace lab
