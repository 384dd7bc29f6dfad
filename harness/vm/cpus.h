// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string_view>

namespace lab {

/// CPUs of a guest that nobody asked to have more or fewer: what goes wrong only where threads run
/// beside each other is to go wrong in every test.
inline constexpr unsigned default_cpus = 4;

/// More have not been tried.
inline constexpr unsigned most_cpus = 64;

/// How many CPUs a guest gets of those that were asked for. With KVM at most the host's: more would
/// wait for each other. Emulated ones take turns anyway.
unsigned guest_cpus(std::string_view accelerator, unsigned asked, unsigned host_cpus);

} // namespace lab
