// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace lab {

/// Why something could not be done, in words that tell the user what to do next.
struct Error {
    std::string what;
};

/// A value, or the reason why there is none. The lab returns failures; it throws nothing of
/// its own.
template <typename T> using Result = std::expected<T, Error>;

/// Builds the failing side of a Result: `return fail("cannot open {}", path)` after formatting.
inline std::unexpected<Error> fail(std::string what) {
    return std::unexpected(Error{std::move(what)});
}

} // namespace lab
