// SPDX-License-Identifier: GPL-2.0-only
#include "util/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace lab {

namespace {

std::mutex terminal;
std::string shown; // the rewritten line that stands on the terminal now

bool on_terminal() {
    static const bool yes = isatty(STDERR_FILENO) == 1;
    return yes;
}

/// Where nobody reads standard error any more that is not our concern: what is under way has to
/// clean up all the same. fmt::print() would throw.
void write_out(const std::string &text) {
    (void)std::fputs(text.c_str(), stderr);
    (void)std::fflush(stderr);
}

void show(const std::string &line) {
    const std::lock_guard lock(terminal);
    write_out("\r\033[K" + line);
    shown = line;
}

} // namespace

void say(const std::string &text) {
    const std::lock_guard lock(terminal);
    write_out(fmt::format("{}{}\n{}", shown.empty() ? "" : "\r\033[K", text, shown));
}

Progress::Progress(std::string what) : what_(std::move(what)) {
    if (!on_terminal())
        say(what_ + " ...");
    ticker_ = std::jthread([this](const std::stop_token &stop) {
        const auto period = std::chrono::milliseconds(on_terminal() ? 200 : 30000);
        std::unique_lock lock(mutex_);
        for (;;) {
            if (on_terminal())
                show(fmt::format("{} ... {} s{}{}", what_, elapsed().count() / 1000,
                                 where_.empty() ? "" : ", ", where_));
            changed_.wait_for(lock, stop, period, [] { return false; });
            if (stop.stop_requested())
                return;
            if (!on_terminal())
                say(fmt::format("{} ... {} s{}{}", what_, elapsed().count() / 1000,
                                where_.empty() ? "" : ", ", where_));
        }
    });
}

Progress::~Progress() {
    finish("gave up after");
}

void Progress::at(const std::string &where) {
    const std::lock_guard lock(mutex_);
    where_ = where;
}

void Progress::done() {
    finish("done in");
}

std::chrono::milliseconds Progress::elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 start_);
}

void Progress::finish(const std::string &how) {
    if (std::exchange(ended_, true))
        return;
    ticker_.request_stop();
    ticker_.join();
    if (on_terminal())
        show("");
    say(fmt::format("{}: {} {:.1f} s", what_, how,
                    static_cast<double>(elapsed().count()) / 1000.0));
}

} // namespace lab
