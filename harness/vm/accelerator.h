// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "image/image.h"
#include "util/result.h"

#include <string>

namespace lab {

/// How QEMU runs guests on this machine, and why.
struct Accelerator {
    std::string name;   ///< "kvm" or "tcg"
    std::string reason; ///< for the user
};

/// Decides by booting a kernel of the image under KVM: a /dev/kvm that opens proves nothing. The
/// answer is remembered in the cache until the machine, QEMU or the image changes. Sets the
/// scale of deadlines.
Result<Accelerator> choose_accelerator(const Image &image);

} // namespace lab
