// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rpcrdma {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

/// Bytes of XDR padding behind an opaque of `length` bytes: 0 to 3 (RFC 4506 section 4.10).
constexpr std::size_t padding(std::size_t length) {
    return (4 - length % 4) % 4;
}

/// Writes XDR (RFC 4506) at the end of a growing byte string.
class Encoder {
  public:
    Encoder &u32(std::uint32_t value);
    Encoder &u64(std::uint64_t value);
    Encoder &boolean(bool value) { return u32(value ? 1 : 0); }

    /// Counted, and padded to a multiple of four.
    Encoder &opaque(View bytes);
    Encoder &string(std::string_view text);

    /// Padded, but not counted: the other side knows the length.
    Encoder &fixed(View bytes);

    /// As they are.
    Encoder &raw(View bytes);

    /// Where the next item begins, bytes.
    [[nodiscard]] std::size_t size() const { return out_.size(); }

    [[nodiscard]] const Bytes &bytes() const & { return out_; }
    [[nodiscard]] Bytes bytes() && { return std::move(out_); }

  private:
    Bytes out_;
};

/// Reads XDR from bytes that must outlive it. Past the end everything reads as zero or empty and
/// good() is false from then on, so that a caller can decode first and ask once.
class Decoder {
  public:
    explicit Decoder(View bytes) : in_(bytes) {}

    std::uint32_t u32();
    std::uint64_t u64();

    /// False, and not good, unless it is 0 or 1.
    bool boolean();

    /// A counted item with its padding; the view is of the item alone.
    View opaque();
    View fixed(std::size_t length);

    void skip(std::size_t length) { (void)fixed(length); }

    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] std::size_t left() const { return in_.size() - at_; }
    [[nodiscard]] std::size_t at() const { return at_; }
    [[nodiscard]] View rest() const { return in_.subspan(at_); }

  private:
    View in_;
    std::size_t at_ = 0;
    bool good_ = true;
};

/// For people: hexadecimal, in words of four bytes, at most `limit` bytes of it.
std::string to_hex(View bytes, std::size_t limit = 512);

} // namespace rpcrdma
