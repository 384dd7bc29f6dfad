// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "fixture.h"

#include <chrono>
#include <functional>
#include <string>

namespace lab {

/// A test that looks at the module's own counters.
class ModuleTest : public VmTest {
  protected:
    /// The module's counters now.
    static Counters counters();

    /// Looks at the counters until `holds` does, for at most `limit` of real time (unscaled: what
    /// is waited for is bounded by the module's own timers, the rest is slack).
    static bool eventually(const std::function<bool(const Counters &)> &holds,
                           std::chrono::milliseconds limit = std::chrono::seconds(10));

    /// Fails the test unless every connection, context and page comes back. Clients have
    /// unmounted; the listener stays.
    static void expect_nothing_live();
};

} // namespace lab
