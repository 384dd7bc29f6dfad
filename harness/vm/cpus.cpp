// SPDX-License-Identifier: GPL-2.0-only
#include "vm/cpus.h"

#include <algorithm>

namespace lab {

unsigned guest_cpus(std::string_view accelerator, unsigned asked, unsigned host_cpus) {
    // A host that does not say how many it has has at least the one that asks.
    return accelerator == "kvm" ? std::min(asked, std::max(host_cpus, 1U)) : asked;
}

} // namespace lab
