// SPDX-License-Identifier: GPL-2.0-only
#include "rpcrdma/memory.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace rpcrdma {

lab::Result<Memory> Memory::make(ibv_pd *pd, std::size_t size, Access access) {
    Memory memory;
    memory.bytes_.resize(size);
    int flags = IBV_ACCESS_LOCAL_WRITE;
    if (access == Access::read)
        flags |= IBV_ACCESS_REMOTE_READ;
    if (access == Access::write)
        flags |= IBV_ACCESS_REMOTE_WRITE;
    if (access == Access::window)
        flags |= IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_MW_BIND;
    memory.region_.reset(ibv_reg_mr(pd, memory.bytes_.data(), size, flags));
    if (!memory.region_)
        return lab::fail(fmt::format("cannot register {} bytes: {}", size, strerror(errno)));
    memory.handle_ = memory.region_->rkey;
    return memory;
}

Segment Memory::segment() const {
    return segment(0, bytes_.size());
}

Segment Memory::segment(std::size_t offset, std::size_t length) const {
    return {.handle = handle_,
            .length = static_cast<std::uint32_t>(length),
            .offset = reinterpret_cast<std::uintptr_t>(bytes_.data()) + offset};
}

Chunk Memory::split(std::size_t offset, std::size_t length, std::size_t count,
                    std::size_t unit) const {
    Chunk chunk;
    const auto each = length / count / unit * unit;
    for (std::size_t i = 0; i + 1 < count; i++)
        chunk.push_back(segment(offset + i * each, each));
    const auto done = (count - 1) * each;
    chunk.push_back(segment(offset + done, length - done));
    return chunk;
}

} // namespace rpcrdma
