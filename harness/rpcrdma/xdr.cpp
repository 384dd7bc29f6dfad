// SPDX-License-Identifier: GPL-2.0-only
#include "rpcrdma/xdr.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace rpcrdma {

Encoder &Encoder::u32(std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out_.push_back(static_cast<std::uint8_t>(value >> shift));
    return *this;
}

Encoder &Encoder::u64(std::uint64_t value) {
    return u32(static_cast<std::uint32_t>(value >> 32)).u32(static_cast<std::uint32_t>(value));
}

Encoder &Encoder::opaque(View bytes) {
    return u32(static_cast<std::uint32_t>(bytes.size())).fixed(bytes);
}

Encoder &Encoder::string(std::string_view text) {
    const auto *first = reinterpret_cast<const std::uint8_t *>(text.data());
    return opaque({first, text.size()});
}

Encoder &Encoder::fixed(View bytes) {
    raw(bytes);
    out_.insert(out_.end(), padding(bytes.size()), 0);
    return *this;
}

Encoder &Encoder::raw(View bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
}

View Decoder::fixed(std::size_t length) {
    if (!good_ || length > left() || padding(length) > left() - length) {
        good_ = false;
        return {};
    }
    const auto item = in_.subspan(at_, length);
    at_ += length + padding(length);
    return item;
}

std::uint32_t Decoder::u32() {
    std::uint32_t value = 0;
    for (const auto byte : fixed(4))
        value = value << 8 | byte;
    return value;
}

std::uint64_t Decoder::u64() {
    const std::uint64_t high = u32();
    return high << 32 | u32();
}

bool Decoder::boolean() {
    const auto value = u32();
    if (value > 1)
        good_ = false;
    return value == 1;
}

View Decoder::opaque() {
    return fixed(u32());
}

std::string to_hex(View bytes, std::size_t limit) {
    std::string text;
    const auto shown = std::min(bytes.size(), limit);
    for (std::size_t i = 0; i < shown; i++)
        fmt::format_to(std::back_inserter(text), "{}{:02x}", i % 4 == 0 && i > 0 ? " " : "",
                       bytes[i]);
    if (shown < bytes.size())
        text += fmt::format(" ... ({} bytes)", bytes.size());
    return text;
}

} // namespace rpcrdma
