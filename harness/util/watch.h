// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace lab {

/// Looks again and again in a thread of its own, `pace` after the end of each look, until a look
/// says that it was the last by returning false, or the thread is told to stop. A look that is
/// under way is waited for. What `look` refers to must outlive the thread.
std::jthread watch(std::chrono::milliseconds pace, std::function<bool()> look);

} // namespace lab
