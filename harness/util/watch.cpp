// SPDX-License-Identifier: GPL-2.0-only
#include "util/watch.h"

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace lab {

std::jthread watch(std::chrono::milliseconds pace, std::function<bool()> look) {
    return std::jthread([pace, look = std::move(look)](const std::stop_token &stop) {
        std::mutex mutex;
        std::condition_variable_any stopped;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested() && look())
            stopped.wait_for(lock, stop, pace, [] { return false; });
    });
}

} // namespace lab
