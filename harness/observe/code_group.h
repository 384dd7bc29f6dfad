// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string_view>

namespace lab {

/// What all user space together is called.
constexpr std::string_view user_group = "user space";

/// Which part of a server a kernel function belongs to: "transport", "ib_core", "sunrpc", "nfsd",
/// "rxe", "network", "scheduler", "workqueue", "memory", "interrupts" (and clocks), "idle",
/// "tracing" (what the lab's own measuring costs) or "other". `module` is empty for the kernel
/// itself, whose functions are told apart by their names.
std::string_view code_group(std::string_view module, std::string_view function);

} // namespace lab
