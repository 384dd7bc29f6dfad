// SPDX-License-Identifier: GPL-2.0-only
#include "module_test.h"

#include <fmt/format.h>

#include <array>
#include <thread>

namespace lab {

Counters ModuleTest::counters() {
    auto found = read_counters(server(), module_counters);
    EXPECT_TRUE(worked(found));
    EXPECT_FALSE(found && found->empty()) << "the module is not loaded";
    return found.value_or(Counters{});
}

bool ModuleTest::eventually(const std::function<bool(const Counters &)> &holds,
                            std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!holds(counters())) {
        if (std::chrono::steady_clock::now() >= end)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
}

void ModuleTest::expect_nothing_live() {
    static constexpr std::array<const char *, 4> live = {"live_connections", "live_recv_ctxts",
                                                         "live_send_ctxts", "live_pages"};
    const bool gone = eventually([](const Counters &now) {
        return std::ranges::all_of(live, [&](const char *name) { return now.at(name) == 0; });
    });
    if (gone)
        return;
    const auto now = counters();
    for (const char *name : live)
        EXPECT_EQ(now.at(name), 0) << name;
}

} // namespace lab
