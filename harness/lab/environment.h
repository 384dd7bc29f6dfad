// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "image/image.h"
#include "report/report.h"

#include <filesystem>

namespace lab {

/// What can be said of the machine, the image and the tree before anything is booted. `tree` is
/// a path in the source tree that the lab was built from.
Environment describe_environment(const Image &image, const std::filesystem::path &tree);

} // namespace lab
