// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/result.h"

#include <string>
#include <string_view>

namespace lab {

/// How a run, a boot or a whole scenario ended.
enum class Verdict {
    pass,
    fail,            ///< what was tested is wrong, or nothing proved it right
    skip,            ///< not tried: something before it made it pointless
    boot_failure,    ///< a machine did not come up
    kernel_splat,    ///< a kernel reported a defect or died
    leak,            ///< a kernel lost memory that our module had allocated
    hang,            ///< no progress until a deadline passed
    lost_connection, ///< the machine went away without a word
    infrastructure,  ///< the lab itself could not do its part
};

/// As results and people spell it: "pass", "boot-failure".
std::string_view verdict_name(Verdict verdict);

/// What an error says about the run that it ended.
Verdict verdict_of(const Error &error);

/// A verdict with its reason. Failure until somebody proves otherwise: code that forgets to
/// judge, or never gets that far, leaves a failure behind.
struct Outcome {
    Verdict verdict = Verdict::fail;
    std::string why = "did not finish"; ///< empty for a pass

    static Outcome pass() { return {Verdict::pass, {}}; }
};

} // namespace lab
