// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace lab {

/// What kind of trouble an Error is: decides the verdict of a run, never the wording.
enum class Cause {
    other,     ///< no more specific kind: bad input, a missing file, a command that failed
    boot,      ///< a machine did not come up
    panic,     ///< a kernel died
    lost,      ///< the connection to a host, or the machine itself, went away
    timeout,   ///< a deadline passed
    cancelled, ///< the user interrupted
};

/// Why something could not be done, in words that tell the user what to do next.
struct Error {
    std::string what;
    Cause cause = Cause::other;
};

/// A value, or the reason why there is none. The lab returns failures; it throws nothing of
/// its own.
template <typename T> using Result = std::expected<T, Error>;

/// Builds the failing side of a Result: `return fail(fmt::format("cannot open {}", path))`.
inline std::unexpected<Error> fail(std::string what, Cause cause = Cause::other) {
    return std::unexpected(Error{std::move(what), cause});
}

/// Passes an Error on unchanged, where TRY cannot: something is left to do first.
inline std::unexpected<Error> fail(Error error) {
    return std::unexpected(std::move(error));
}

/// Passes an Error on with a word about what was being done: "context: reason".
inline std::unexpected<Error> fail(const std::string &context, const Error &error) {
    return std::unexpected(Error{context + ": " + error.what, error.cause});
}

} // namespace lab

/// Gives the value of a Result, or returns its error, unchanged, from the function around it:
///
///     const auto text = TRY(read_file(path));
///     TRY(write_file(copy, text));
///
/// The function returns a Result, too. Where the error needs a word about what was being done, use
/// fail(context, error). TRY never stands in a list in braces: GCC 12 does not destroy the elements
/// before it when it returns.
///
/// `({ })` is an expression made of statements, which GCC and clang know. Nothing in the language
/// itself both has a value and can return from the function.
#define TRY(...)                                                                                   \
    ({                                                                                             \
        auto result_of_try = (__VA_ARGS__);                                                        \
        if (!result_of_try)                                                                        \
            return ::lab::fail(std::move(result_of_try).error());                                  \
        *std::move(result_of_try);                                                                 \
    })
