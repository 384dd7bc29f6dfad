// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "image/image.h"
#include "util/result.h"

#include <filesystem>
#include <string>

namespace lab {

/// Makes the image of the current recipe unless the cache has it. Safe against interruption (what
/// is half made is never used, and removed by the next build) and against a second builder (it
/// waits, then finds the image). `mirror` overrides where Debian's packages come from; when empty,
/// it is the build host's own.
Result<Image> build_image(const std::string &mirror);

/// Runs a recipe that makes a root with mmdebstrap: RECIPE MIRROR TARGET, its words shown as
/// progress and kept in `log`. `what` is made, for the user. For who holds the cache's lock.
Result<void> run_recipe(const std::filesystem::path &recipe, const std::string &mirror,
                        const std::filesystem::path &target, const std::filesystem::path &log,
                        const std::string &what);

/// Hash of the recipe: of everything under scripts/image. Changes name another image.
Result<std::string> recipe_hash();

/// The Debian archive that this machine's apt uses; empty when it does not say.
std::string apt_mirror();

/// What a failed build's log means, in words for the user; empty when nothing is known about it.
std::string explain_build_failure(const std::string &log);

} // namespace lab
