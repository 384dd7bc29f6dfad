// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "rpcrdma/memory.h"
#include "rpcrdma/xdr.h"
#include "util/deadline.h"
#include "util/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace rpcrdma {

/// Where a server listens for RPC-over-RDMA.
struct Target {
    std::string host; ///< name or address
    std::uint16_t port = 20049;

    /// "HOST", "HOST:PORT", "[V6]:PORT".
    static lab::Result<Target> parse(const std::string &text);
};

/// The eight bytes of RFC 8797 section 4.
struct PrivateMessage {
    std::uint8_t version = 1;
    std::uint8_t flags = 0;                       ///< bit 0: remote invalidation is supported
    std::uint8_t send_size = 3, receive_size = 3; ///< in KiB, less one

    [[nodiscard]] Bytes encode() const;

    /// The first one in the bytes, at any offset (RFC 8797 section 5.2). Sizes and flags are read
    /// whatever the version says.
    static std::optional<PrivateMessage> decode(View bytes);
};

struct ConnectOptions {
    /// Goes with the request to connect; none when empty.
    Bytes private_data = PrivateMessage().encode();
    unsigned receives = 64;          ///< Receives posted, and kept posted; may be 0
    std::size_t receive_size = 4096; ///< bytes of each
    /// How long the server's adapter should wait for what is not acknowledged, in the exponent of
    /// the InfiniBand specification: 4.096 us << ack_timeout; 0 leaves it to the kernel.
    std::uint8_t ack_timeout = 0;
    /// Sees every message: `sent` or received.
    std::function<void(bool sent, View message)> trace = {};
};

/// How far a connection is set up before it is left alone.
enum class Stage {
    requested,   ///< asked to connect; the answer is never looked at
    established, ///< usable
};

/// A message as it came in, and what its Receive said about remote invalidation.
struct Received {
    Bytes bytes;
    std::optional<std::uint32_t> invalidated; ///< the handle
};

/// A reliable connection to an RPC-over-RDMA server at the level of single messages: whatever
/// bytes are given to post() go out as one RDMA Send, whatever comes in is handed over as it is.
/// One thread at a time. The destructor disconnects.
class Connection {
  public:
    /// Sets a connection up to `until`. A server that refuses is Cause::lost, no answer is
    /// Cause::timeout.
    static lab::Result<std::unique_ptr<Connection>> open(const Target &target,
                                                         const ConnectOptions &options,
                                                         lab::Deadline deadline,
                                                         Stage until = Stage::established);

    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;
    virtual ~Connection() = default;

    /// Sends one message of at most max_send bytes. Returns as soon as it is posted, waiting
    /// only when all send buffers are in use.
    virtual lab::Result<void> post(View message) = 0;

    /// The next message from the server, in order. Cause::timeout when none came in time,
    /// Cause::lost when the connection is gone and no more will come.
    virtual lab::Result<Received> receive(lab::Deadline deadline) = 0;

    /// Waits until the server (or the adapter) has ended the connection; false if it has not
    /// by then. Messages that come meanwhile are kept for receive().
    virtual bool ended(lab::Deadline deadline) = 0;

    /// Why the connection is gone; empty while it is not.
    [[nodiscard]] virtual const std::string &why() const = 0;

    /// Memory that the server may read from or write to over this connection. Destroy it before
    /// the connection.
    virtual lab::Result<Memory> memory(std::size_t size, Access access) = 0;

    /// Binds a type 2 memory window to all of `memory`, for remote reading or writing, and
    /// returns its segment. Only a window can be invalidated by the server from user space. Lives
    /// as long as the connection. An adapter without windows is an error.
    virtual lab::Result<Segment> window(const Memory &memory, Access access) = 0;

    /// What the server sent with its acceptance, padding of the connection manager included.
    [[nodiscard]] virtual const Bytes &private_data() const = 0;

    /// Breaks off without a word: the queue pair goes into the error state and answers nothing.
    virtual void break_off() = 0;

    static constexpr std::size_t max_send = 8192;

  protected:
    Connection() = default;
};

} // namespace rpcrdma
