// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "rpcrdma/header.h"
#include "util/result.h"

#include <infiniband/verbs.h>

#include <memory>

namespace rpcrdma {

/// What the other side may do with memory.
enum class Access {
    none,   ///< nothing
    read,   ///< RDMA Read
    write,  ///< RDMA Write
    window, ///< nothing by itself: windows bound to it decide
};

/// Memory registered with an adapter, zeroed at first. The handle stops working when it is
/// destroyed or invalidate() is called.
class Memory {
  public:
    /// `size` bytes, at least 1. `pd` must outlive the memory.
    static lab::Result<Memory> make(ibv_pd *pd, std::size_t size, Access access);

    Memory(Memory &&) noexcept = default;
    Memory &operator=(Memory &&) noexcept = default;
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;
    ~Memory() = default;

    [[nodiscard]] std::span<std::uint8_t> bytes() { return bytes_; }
    [[nodiscard]] View bytes() const { return bytes_; }

    /// All of it as one segment, or a range of it. Ranges are not checked against the size.
    [[nodiscard]] Segment segment() const;
    [[nodiscard]] Segment segment(std::size_t offset, std::size_t length) const;

    /// A range as `count` segments of lengths as equal as multiples of `unit` bytes allow; the
    /// last one takes what is left.
    [[nodiscard]] Chunk split(std::size_t offset, std::size_t length, std::size_t count,
                              std::size_t unit = 1) const;

    [[nodiscard]] ibv_mr *region() const { return region_.get(); }

    /// Takes the other side's access away; segments keep the handle that has become stale.
    void invalidate() { region_.reset(); }

  private:
    struct Deregister {
        void operator()(ibv_mr *region) const { ibv_dereg_mr(region); }
    };

    Memory() = default;

    Bytes bytes_;
    std::uint32_t handle_ = 0;
    std::unique_ptr<ibv_mr, Deregister> region_;
};

} // namespace rpcrdma
