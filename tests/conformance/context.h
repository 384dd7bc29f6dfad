// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "suite.h"

#include "rpcrdma/connection.h"
#include "rpcrdma/header.h"
#include "rpcrdma/nfs3.h"
#include "rpcrdma/rpc.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <random>
#include <source_location>

namespace conform {

using rpcrdma::Access;
using rpcrdma::Bytes;
using rpcrdma::Chunk;
using rpcrdma::Encoder;
using rpcrdma::Header;
using rpcrdma::Memory;
using rpcrdma::Message;
using rpcrdma::Proc;
using rpcrdma::Segment;
using rpcrdma::View;

/// Ends the test unless `holds`.
inline void check(bool holds, const std::string &what) {
    if (!holds)
        throw Failure{what};
}

/// The value, or the end of the test.
template <typename T> T need(lab::Result<T> result, std::string_view doing = {}) {
    if (!result)
        throw Failure{doing.empty() ? result.error().what
                                    : fmt::format("{}: {}", doing, result.error().what)};
    if constexpr (!std::is_void_v<T>)
        return std::move(*result);
}

/// A reply, taken apart.
struct Answer {
    Message message;
    std::optional<std::uint32_t> invalidated;
    rpcrdma::RpcReply rpc; ///< of an RDMA_MSG
};

/// One connection as a test uses it: what does not go as it must ends the test.
class Client {
  public:
    Client(Context &context, std::unique_ptr<rpcrdma::Connection> connection);

    [[nodiscard]] std::uint32_t next_xid() { return xid_++; }
    rpcrdma::Connection &connection() { return *connection_; }
    Memory memory(std::size_t size, Access access) {
        return need(connection_->memory(size, access));
    }

    /// Sends bytes as they are.
    void send(View bytes);
    void send(const Header &header, View payload = {});

    /// The next message, taken apart and held against what is true of all messages from a
    /// Responder: version 1 (or that of the call it refuses), credits granted, no Read list, one
    /// XID.
    Message receive(std::optional<std::uint32_t> *invalidated = nullptr);

    /// The reply to `xid`; messages to others meanwhile are not expected.
    Answer answer(std::uint32_t xid);

    /// Sends a call and returns its reply. The XID is filled in.
    Answer call(Header header, const rpcrdma::Procedure &procedure, View arguments = {});

    /// An inline call with no chunks.
    Answer call(const rpcrdma::Procedure &procedure, View arguments = {}) {
        return call(Header{}, procedure, arguments);
    }

    /// The server answers a NULL call.
    void expect_alive();

    /// Sends bytes whose first word is their XID, and expects RDMA_ERROR with ERR_CHUNK.
    void expect_refused(View bytes);
    void expect_refused(const Header &header, View payload = {});

    /// RDMA_ERROR with ERR_CHUNK for this XID comes, or the connection ends: no RPC reply is
    /// possible (RFC 8166 sections 4.5.3 and 4.5.4).
    void expect_no_reply(std::uint32_t xid);

    /// Nothing comes, and the connection lives.
    void expect_silence();

    /// The server may end the connection, or may not; nothing else.
    void let_it_end();

    /// What the last message granted.
    [[nodiscard]] std::uint32_t credits() const { return credits_; }

  private:
    Context *context_;
    std::unique_ptr<rpcrdma::Connection> connection_;
    std::uint32_t xid_;
    std::uint32_t credits_ = 1;
};

/// What a test works with.
class Context {
  public:
    Context(const Options &options, Outcome &outcome);

    [[nodiscard]] const Options &options() const { return *options_; }
    std::mt19937_64 &random() { return random_; }
    [[nodiscard]] lab::Deadline soon() const { return lab::Deadline::in(options_->timeout); }

    /// A new connection, whose messages are recorded.
    Client connect(rpcrdma::ConnectOptions with = {});
    lab::Result<std::unique_ptr<rpcrdma::Connection>>
    try_connect(rpcrdma::ConnectOptions with = {},
                rpcrdma::Stage until = rpcrdma::Stage::established);

  private:
    void record(bool sent, unsigned connection, View bytes);

    const Options *options_;
    Outcome *outcome_;
    std::mt19937_64 random_;
    unsigned connections_ = 0;
};

/// A NULL call of NFS version 3 as a payload.
Bytes null_call(std::uint32_t xid);

} // namespace conform
