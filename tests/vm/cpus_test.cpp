// SPDX-License-Identifier: GPL-2.0-only
// That a guest has the CPUs it was given, and can use them.
#include "fixture.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

namespace lab {

namespace {

using CpusTest = VmTest;

TEST_F(CpusTest, AreAllThere) {
    for (auto *host : {&server(), &client()}) {
        SCOPED_TRACE(host->name());
        EXPECT_EQ(on(*host, "nproc"), fmt::format("{}\n", pair().cpus()));
        // Each can run something.
        for (unsigned cpu = 0; cpu < pair().cpus(); cpu++)
            EXPECT_EQ(on(*host, fmt::format("taskset -c {} cut -d' ' -f39 /proc/self/stat", cpu)),
                      fmt::format("{}\n", cpu));
    }
}

// An emulated kernel that does not trust its CPUs' counters asks a device for the time: each look
// at the clock then leaves the guest.
TEST_F(CpusTest, HaveAQuickClock) {
    for (auto *host : {&server(), &client()})
        EXPECT_THAT(
            on(*host, "cat /sys/devices/system/clocksource/clocksource0/current_clocksource"),
            testing::AnyOf("tsc\n", "kvm-clock\n"))
            << host->name();
}

// A busy host must not make a guest believe that its counter is a slower one.
TEST_F(CpusTest, LiveAsFastAsTheHost) {
    using Clock = std::chrono::steady_clock;
    for (auto *host : {&server(), &client()}) {
        const auto now = [&] { return std::stod(on(*host, "cut -d ' ' -f 1 /proc/uptime")); };
        const auto guest_began = now();
        const auto host_began = Clock::now();
        std::this_thread::sleep_for(std::chrono::seconds(4));
        const auto guest = now() - guest_began;
        const auto real = std::chrono::duration<double>(Clock::now() - host_began).count();
        // The connection that asks takes its time.
        EXPECT_GT(guest, real / 2) << host->name();
        EXPECT_LT(guest, real * 2) << host->name();
    }
}

} // namespace

} // namespace lab
