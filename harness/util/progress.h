// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace lab {

/// A line for the user on standard error, clear of any progress that is being shown.
void say(const std::string &text);

/// Shows a long step while it lasts: what, how long so far, how far. One line that is rewritten
/// on a terminal; elsewhere one line at the start, one at the end, and one every half minute in
/// between. One at a time.
class Progress {
  public:
    explicit Progress(std::string what);
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;

    /// Says that the step was left ("gave up"), unless done() was called.
    ~Progress();

    /// How far it is: "3 of 12", "installing packages".
    void at(const std::string &where);

    /// The step succeeded.
    void done();

    [[nodiscard]] std::chrono::milliseconds elapsed() const;

  private:
    void finish(const std::string &how);

    std::string what_;
    std::string where_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    bool ended_ = false;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::jthread ticker_; ///< last, so that it stops before what it uses goes
};

} // namespace lab
