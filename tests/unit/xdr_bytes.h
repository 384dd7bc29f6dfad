// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Bytes of XDR for the tests of harness/rpcrdma, as words that can be held against the RFCs.

#include "rpcrdma/xdr.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rpcrdma {

using Words = std::vector<std::uint32_t>;

inline Bytes bytes_of(const Words &words) {
    Bytes bytes;
    for (const auto word : words)
        for (int shift = 24; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<std::uint8_t>(word >> shift));
    return bytes;
}

/// The words of whole words of bytes; behind them those that are left over count one each.
inline Words words_of(View bytes) {
    Words words;
    for (; bytes.size() >= 4; bytes = bytes.subspan(4))
        words.push_back(std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                        std::uint32_t{bytes[2]} << 8 | bytes[3]);
    words.insert(words.end(), bytes.begin(), bytes.end());
    return words;
}

/// Up to four characters, the rest of the word is padding.
constexpr std::uint32_t text(std::string_view characters) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; i++)
        word = word << 8 | (i < characters.size() ? static_cast<std::uint8_t>(characters[i]) : 0U);
    return word;
}

/// A copy of bytes with memory behind it that nobody may touch: who reads on dies.
class Guarded {
  public:
    explicit Guarded(View bytes) : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
        const auto pages = (bytes.size() + page_ - 1) / page_ + 1;
        size_ = pages * page_;
        memory_ = static_cast<std::uint8_t *>(
            mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        auto *end = memory_ + size_ - page_;
        mprotect(end, page_, PROT_NONE);
        view_ = {std::ranges::copy_backward(bytes, end).out, bytes.size()};
    }
    Guarded(const Guarded &) = delete;
    Guarded &operator=(const Guarded &) = delete;
    ~Guarded() { munmap(memory_, size_); }

    [[nodiscard]] View view() const { return view_; }

  private:
    std::size_t page_;
    std::size_t size_ = 0;
    std::uint8_t *memory_ = nullptr;
    View view_;
};

} // namespace rpcrdma
