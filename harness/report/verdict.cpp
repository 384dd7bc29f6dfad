// SPDX-License-Identifier: GPL-2.0-only
#include "report/verdict.h"

namespace lab {

std::string_view verdict_name(Verdict verdict) {
    switch (verdict) {
    case Verdict::pass:
        return "pass";
    case Verdict::fail:
        return "fail";
    case Verdict::skip:
        return "skip";
    case Verdict::boot_failure:
        return "boot-failure";
    case Verdict::kernel_splat:
        return "kernel-splat";
    case Verdict::leak:
        return "leak";
    case Verdict::hang:
        return "hang";
    case Verdict::lost_connection:
        return "lost-connection";
    case Verdict::infrastructure:
        return "infrastructure";
    }
    return "fail";
}

Verdict verdict_of(const Error &error) {
    switch (error.cause) {
    case Cause::boot:
        return Verdict::boot_failure;
    case Cause::panic:
        return Verdict::kernel_splat;
    case Cause::lost:
        return Verdict::lost_connection;
    case Cause::timeout:
        return Verdict::hang;
    case Cause::cancelled:
    case Cause::other:
        return Verdict::fail;
    }
    return Verdict::fail;
}

} // namespace lab
