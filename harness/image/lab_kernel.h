// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "image/image.h"
#include "util/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// The names of the kernels that the lab builds itself, from Debian's source packages and the
/// configurations in scripts/kernel: "debug" and "kcsan" from the source of the image's stable
/// kernel, "debug-backports" from that of its newest.
std::vector<std::string_view> lab_kernel_names();

/// One of them in the cache; an error that names `nfsrdma-lab kernel build` when it is not there,
/// or does not fit this tree's configuration any more.
Result<Kernel> find_lab_kernel(std::string_view name);

/// Builds one of them unless the cache has it. Takes up where an interrupted build was. `mirror`
/// is where Debian's packages come from; when empty, it is this machine's own.
Result<Kernel> build_lab_kernel(std::string_view name, const std::string &mirror);

} // namespace lab
