// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "image/image.h"
#include "util/result.h"

#include <filesystem>

namespace lab {

/// Builds the tree's kmod/ for a kernel, inside the root that the kernel names, so that the build
/// host's own compiler and headers do not matter. Only what changed is compiled. The error carries
/// what the compiler said; warnings are shown. Returns build/kmod/VERSION/svcrdma.ko in the source
/// tree, which the next build replaces, and kmod/compile_commands.json for editors.
Result<std::filesystem::path> build_module(const Kernel &kernel);

/// The same for the module in `source`, left in `dir`, which is outside of it.
Result<std::filesystem::path> build_module(const Kernel &kernel,
                                           const std::filesystem::path &source,
                                           const std::filesystem::path &dir);

/// Compiles the tree's kmod/ for a kernel as users do and as the lab does, with warnings as errors,
/// and has sparse look through both. The error carries what they said. No module is replaced.
Result<void> check_module(const Kernel &kernel);

/// Copies what build_module() has left for a kernel to `dir`, which is made if need be: a run loads
/// the same module at each boot, whatever is built meanwhile. Returns svcrdma-VERSION.ko there.
Result<std::filesystem::path> keep_module(const Kernel &kernel, const std::filesystem::path &dir);

} // namespace lab
