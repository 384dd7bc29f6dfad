// SPDX-License-Identifier: GPL-2.0-only
#include "lab/soak_tally.h"

#include "util/interrupt.h"

#include <algorithm>
#include <utility>

namespace lab {

using namespace std::chrono_literals;

SoakTally::SoakTally(unsigned seed, std::function<void(Run)> done) : done_(std::move(done)) {
    soak_.seed = seed;
}

void SoakTally::job(Run run) {
    const std::lock_guard lock(mutex_);
    run.key.repeat = ++soak_.jobs;
    done_(std::move(run));
}

void SoakTally::count(unsigned Soak::*counter) {
    const std::lock_guard lock(mutex_);
    (soak_.*counter)++;
}

unsigned SoakTally::trouble(std::string_view name) {
    const std::lock_guard lock(mutex_);
    soak_.troubles[std::string(name)]++;
    return soak_.jobs;
}

void SoakTally::give_up(const Outcome &why) {
    const std::lock_guard lock(mutex_);
    if (outcome_.verdict == Verdict::pass)
        outcome_ = why;
    given_up_.notify_all();
}

bool SoakTally::over() const {
    return outcome().verdict != Verdict::pass || interrupted();
}

void SoakTally::wait(std::chrono::steady_clock::duration span) {
    const auto until = std::chrono::steady_clock::now() + span;
    std::unique_lock lock(mutex_);
    while (outcome_.verdict == Verdict::pass && !interrupted()) {
        const auto left = until - std::chrono::steady_clock::now();
        if (left <= 0s)
            return;
        // Ctrl-C notifies nobody.
        given_up_.wait_for(lock, std::min<std::chrono::steady_clock::duration>(left, 500ms));
    }
}

Outcome SoakTally::outcome() const {
    const std::lock_guard lock(mutex_);
    return outcome_;
}

Soak SoakTally::soak() const {
    const std::lock_guard lock(mutex_);
    return soak_;
}

} // namespace lab
