// SPDX-License-Identifier: GPL-2.0-only
#include "rpcrdma/header.h"

#include <fmt/format.h>

namespace rpcrdma {

namespace {

void encode_segment(Encoder &out, const Segment &segment) {
    out.u32(segment.handle).u32(segment.length).u64(segment.offset);
}

void encode_chunk(Encoder &out, const Chunk &chunk) {
    out.u32(static_cast<std::uint32_t>(chunk.size()));
    for (const auto &segment : chunk)
        encode_segment(out, segment);
}

Segment decode_segment(Decoder &in) {
    Segment segment;
    segment.handle = in.u32();
    segment.length = in.u32();
    segment.offset = in.u64();
    return segment;
}

Chunk decode_chunk(Decoder &in) {
    Chunk chunk;
    for (auto count = in.u32(); count > 0 && in.good(); count--)
        chunk.push_back(decode_segment(in));
    return chunk;
}

} // namespace

std::uint64_t chunk_length(const Chunk &chunk) {
    std::uint64_t sum = 0;
    for (const auto &segment : chunk)
        sum += segment.length;
    return sum;
}

Bytes Header::encode() const {
    Encoder out;
    out.u32(xid).u32(vers).u32(credits).u32(static_cast<std::uint32_t>(proc));
    for (const auto &read : reads) {
        out.boolean(true).u32(read.position);
        encode_segment(out, read.segment);
    }
    out.boolean(false);
    for (const auto &chunk : writes) {
        out.boolean(true);
        encode_chunk(out, chunk);
    }
    out.boolean(false);
    out.boolean(reply.has_value());
    if (reply)
        encode_chunk(out, *reply);
    return std::move(out).bytes();
}

lab::Result<Message> decode_message(View bytes) {
    Decoder in(bytes);
    Message message;
    message.xid = in.u32();
    message.vers = in.u32();
    message.credits = in.u32();
    const auto proc = in.u32();
    if (!in.good())
        return lab::fail(fmt::format("{} bytes are no transport header", bytes.size()));
    if (proc > static_cast<std::uint32_t>(Proc::error))
        return lab::fail(fmt::format("rdma_proc is {}", proc));
    message.proc = static_cast<Proc>(proc);

    if (message.proc == Proc::error) {
        message.error = in.u32();
        if (message.error == err_vers) {
            message.version_low = in.u32();
            message.version_high = in.u32();
        } else if (message.error != err_chunk) {
            return lab::fail(fmt::format("rdma_err is {}", message.error));
        }
        if (!in.good())
            return lab::fail("the RDMA_ERROR message is truncated");
        if (in.left() > 0)
            return lab::fail(fmt::format("{} bytes follow the RDMA_ERROR message", in.left()));
        return message;
    }
    if (message.proc != Proc::msg && message.proc != Proc::nomsg)
        return lab::fail(fmt::format("rdma_proc is {}, which nobody may send", proc));

    while (in.boolean()) {
        ReadSegment read;
        read.position = in.u32();
        read.segment = decode_segment(in);
        message.reads.push_back(read);
    }
    while (in.good() && in.boolean())
        message.writes.push_back(decode_chunk(in));
    if (in.good() && in.boolean())
        message.reply = decode_chunk(in);
    if (!in.good())
        return lab::fail(fmt::format("the chunk lists are wrong at byte {}", in.at()));
    message.payload.assign(in.rest().begin(), in.rest().end());
    if (message.proc == Proc::nomsg && !message.payload.empty())
        return lab::fail(fmt::format("{} bytes follow an RDMA_NOMSG header", in.left()));
    return message;
}

} // namespace rpcrdma
