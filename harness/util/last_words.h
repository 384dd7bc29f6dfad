// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdio>
#include <exception>

namespace lab {

/// For a main() that ends by an exception: says on standard error what it was. By fputs(), since
/// fmt::print() may throw once more.
inline void say_last_words(const char *program, const std::exception &error) noexcept {
    std::fputs(program, stderr);
    std::fputs(": ", stderr);
    std::fputs(error.what(), stderr);
    std::fputs("\n", stderr);
}

} // namespace lab
