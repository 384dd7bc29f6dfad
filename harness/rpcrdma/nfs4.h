// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "rpcrdma/rpc.h"

#include <array>
#include <cstdint>
#include <string_view>

/// Just enough of NFS version 4.1 (RFC 8881) to make compounds that carry data; some of it holds
/// for the other minor versions, too.
namespace rpcrdma::nfs4 {

constexpr Procedure compound = {program_nfs, 4, 1};

constexpr std::uint32_t ok = 0;

enum class Op : std::uint32_t {
    close = 4,
    delegreturn = 8,
    getattr = 9,
    getfh = 10,
    lookup = 15,
    open = 18,
    putfh = 22,
    putrootfh = 24,
    read = 25,
    readdir = 26,
    readlink = 27,
    write = 38,
    exchange_id = 42,
    create_session = 43,
    destroy_session = 44,
    sequence = 53,
    destroy_clientid = 57,
    reclaim_complete = 58,
    read_plus = 68,
    cb_recall = 4,
    cb_sequence = 11,
};

using SessionId = std::array<std::uint8_t, 16>;
using StateId = std::array<std::uint8_t, 16>;

/// Arguments of a COMPOUND, one operation after the other. Of version 4.1, unless told otherwise.
class Compound {
  public:
    Compound() = default;
    explicit Compound(std::uint32_t minor_version) : minor_version_(minor_version) {}

    /// Begins with SEQUENCE on slot 0; every request of a session takes the next sequence id.
    static Compound in(const SessionId &session, std::uint32_t sequence_id,
                       std::uint32_t minor_version = 1);

    Compound &exchange_id(std::string_view owner, std::uint64_t verifier);

    /// `back_channel` asks for callbacks on this connection, to program `callback_program`.
    Compound &create_session(std::uint64_t client_id, std::uint32_t sequence_id, bool back_channel,
                             std::uint32_t callback_program);
    Compound &destroy_session(const SessionId &session);
    Compound &destroy_clientid(std::uint64_t client_id);
    Compound &reclaim_complete();
    Compound &putrootfh();
    Compound &putfh(View handle);
    Compound &getfh();
    Compound &lookup(std::string_view name);
    Compound &readlink();

    /// Names, types and file ids.
    Compound &readdir(std::uint32_t count);

    /// With the anonymous state id, as READ.
    Compound &read(std::uint64_t offset, std::uint32_t count);

    /// Of version 4.2; with the anonymous state id.
    Compound &read_plus(std::uint64_t offset, std::uint32_t count);

    /// Up to and including the length of the data, which follows unless it is in a Read chunk.
    Compound &write_head(std::uint64_t offset, std::uint32_t count);
    Compound &raw(View bytes);

    /// Opens an existing file of the current directory for reading, wanting a delegation.
    Compound &open_read(std::uint64_t client_id, std::string_view owner, std::string_view name);
    Compound &delegreturn(const StateId &state);
    Compound &close(const StateId &state);

    /// Bytes from the beginning of the arguments to where the next operation begins, once tag,
    /// minor version and count are in front of it.
    [[nodiscard]] std::size_t size() const { return head + ops_.size(); }

    [[nodiscard]] Bytes bytes() const;

  private:
    static constexpr std::size_t head = 12;

    Compound &op(Op op);

    Encoder ops_;
    std::uint32_t minor_version_ = 1;
    std::uint32_t count_ = 0;
};

/// Walks over the results of a COMPOUND. Each call to an operation's method expects that it comes
/// next and went well; anything else is an error that says so.
class Results {
  public:
    /// `reply` must outlive it.
    static lab::Result<Results> of(const RpcReply &reply);

    [[nodiscard]] std::uint32_t status() const { return status_; }

    lab::Result<void> sequence();
    lab::Result<std::uint64_t> exchange_id(std::uint32_t *sequence_id);
    lab::Result<SessionId> create_session(bool *back_channel = nullptr);
    lab::Result<void> plain(Op op); ///< PUTFH, LOOKUP, ... : nothing behind the status
    lab::Result<Bytes> getfh();

    struct Data {
        bool eof = false;
        std::uint32_t length = 0;
        Bytes bytes; ///< empty when `reduced`
    };
    /// `reduced` says that the data is in a chunk and only its length is here.
    lab::Result<Data> read(bool reduced);
    lab::Result<Data> readlink(bool reduced);
    /// All of it here, holes filled with zeros.
    lab::Result<Data> read_plus();
    lab::Result<std::uint32_t> write();

    struct Opened {
        StateId state;
        bool delegated = false;
        StateId delegation = {};
    };
    lab::Result<Opened> open();

    /// Takes the next operation whatever became of it; its NFS status.
    lab::Result<std::uint32_t> status_of(Op op);

  private:
    explicit Results(View bytes) : in_(bytes) {}

    lab::Result<void> next(Op op);
    Data data(bool eof, bool reduced);

    Decoder in_;
    std::uint32_t status_ = ok;
};

/// A call back to us: CB_COMPOUND, as far as it is understood.
struct Callback {
    std::uint32_t xid = 0, program = 0, procedure = 0;
    SessionId session = {};
    std::uint32_t sequence_id = 0, slot = 0, highest_slot = 0;
    bool recalls = false; ///< a CB_RECALL follows
    StateId delegation = {};
};

lab::Result<Callback> decode_callback(View payload);

/// The RPC reply in which everything went well.
Bytes callback_reply(const Callback &callback);

} // namespace rpcrdma::nfs4
