// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "rpcrdma/xdr.h"
#include "util/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rpcrdma {

/// A range of the Requester's memory (RFC 8166 section 4.1.2).
struct Segment {
    std::uint32_t handle = 0;
    std::uint32_t length = 0;
    std::uint64_t offset = 0;

    bool operator==(const Segment &) const = default;
};

struct ReadSegment {
    std::uint32_t position = 0;
    Segment segment;
};

/// A Write chunk or the Reply chunk; without segments it is "empty".
using Chunk = std::vector<Segment>;

/// Sum of the segments' lengths, bytes.
std::uint64_t chunk_length(const Chunk &chunk);

enum class Proc : std::uint32_t { msg = 0, nomsg = 1, msgp = 2, done = 3, error = 4 };

constexpr std::uint32_t err_vers = 1;
constexpr std::uint32_t err_chunk = 2;

/// Bytes below which a message has no header at all (RFC 8166 section 4.5).
constexpr std::size_t header_min = 28;

/// A transport header of version 1 as the Requester builds it. Nothing is checked: the suite
/// needs wrong ones, too.
struct Header {
    std::uint32_t xid = 0;
    std::uint32_t vers = 1;
    std::uint32_t credits = 1;
    Proc proc = Proc::msg;
    std::vector<ReadSegment> reads = {};
    std::vector<Chunk> writes = {};
    std::optional<Chunk> reply = {};

    [[nodiscard]] Bytes encode() const;
};

/// A message as the Responder sent it. Holds copies, no views.
struct Message {
    std::uint32_t xid = 0, vers = 0, credits = 0;
    Proc proc = Proc::msg;

    /// Of an RDMA_MSG or RDMA_NOMSG.
    std::vector<ReadSegment> reads;
    std::vector<Chunk> writes;
    std::optional<Chunk> reply;
    Bytes payload; ///< the inline part of the RPC message

    /// Of an RDMA_ERROR.
    std::uint32_t error = 0;                         ///< err_vers or err_chunk
    std::uint32_t version_low = 0, version_high = 0; ///< with err_vers
};

/// Decodes a message by the XDR of RFC 8166 section 4.1.2, and strictly: what that does not allow
/// is an error that says where. Independent of the server's codec.
lab::Result<Message> decode_message(View bytes);

} // namespace rpcrdma
