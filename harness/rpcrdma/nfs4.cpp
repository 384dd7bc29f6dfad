// SPDX-License-Identifier: GPL-2.0-only
#include "rpcrdma/nfs4.h"

#include <fmt/format.h>

#include <algorithm>

namespace rpcrdma::nfs4 {

using lab::fail;
using lab::Result;

namespace {

constexpr std::uint32_t most_bytes = 1 << 20; // of a request and of a reply
constexpr StateId anonymous = {};

template <std::size_t size> std::array<std::uint8_t, size> take(Decoder &in) {
    std::array<std::uint8_t, size> bytes = {};
    std::ranges::copy(in.fixed(size), bytes.begin());
    return bytes;
}

void encode_channel(Encoder &out, std::uint32_t bytes) {
    // header padding, request, response, cached response, operations, requests, no RDMA ird
    out.u32(0).u32(bytes).u32(bytes).u32(4096).u32(16).u32(4).u32(0);
}

void skip_bitmap(Decoder &in) {
    for (auto words = in.u32(); words > 0 && in.good(); words--)
        in.u32();
}

void skip_entry(Decoder &in) {
    in.u32(); // type
    in.u32(); // flags
    in.u32(); // access mask
    in.opaque();
}

} // namespace

Compound &Compound::op(Op op) {
    ops_.u32(static_cast<std::uint32_t>(op));
    count_++;
    return *this;
}

Compound Compound::in(const SessionId &session, std::uint32_t sequence_id,
                      std::uint32_t minor_version) {
    Compound compound(minor_version);
    compound.op(Op::sequence);
    compound.ops_.fixed(session).u32(sequence_id).u32(0).u32(0).boolean(false);
    return compound;
}

Compound &Compound::exchange_id(std::string_view owner, std::uint64_t verifier) {
    op(Op::exchange_id);
    ops_.u64(verifier).string(owner).u32(0); // flags
    ops_.u32(0);                             // SP4_NONE
    ops_.u32(0);                             // no implementation id
    return *this;
}

Compound &Compound::create_session(std::uint64_t client_id, std::uint32_t sequence_id,
                                   bool back_channel, std::uint32_t callback_program) {
    constexpr std::uint32_t conn_back_chan = 2;
    op(Op::create_session);
    ops_.u64(client_id).u32(sequence_id).u32(back_channel ? conn_back_chan : 0);
    encode_channel(ops_, most_bytes);
    encode_channel(ops_, 4096);
    ops_.u32(callback_program);
    ops_.u32(1).u32(0); // callbacks with AUTH_NONE
    return *this;
}

Compound &Compound::destroy_session(const SessionId &session) {
    op(Op::destroy_session);
    ops_.fixed(session);
    return *this;
}

Compound &Compound::destroy_clientid(std::uint64_t client_id) {
    op(Op::destroy_clientid);
    ops_.u64(client_id);
    return *this;
}

Compound &Compound::reclaim_complete() {
    op(Op::reclaim_complete);
    ops_.boolean(false);
    return *this;
}

Compound &Compound::putrootfh() {
    return op(Op::putrootfh);
}

Compound &Compound::putfh(View handle) {
    op(Op::putfh);
    ops_.opaque(handle);
    return *this;
}

Compound &Compound::getfh() {
    return op(Op::getfh);
}

Compound &Compound::lookup(std::string_view name) {
    op(Op::lookup);
    ops_.string(name);
    return *this;
}

Compound &Compound::readlink() {
    return op(Op::readlink);
}

Compound &Compound::readdir(std::uint32_t count) {
    constexpr std::uint32_t type = 1 << 1, file_id = 1 << 20;
    op(Op::readdir);
    ops_.u64(0).u64(0).u32(count).u32(count); // cookie, verifier, bytes of names and of all
    ops_.u32(1).u32(type | file_id);
    return *this;
}

Compound &Compound::read(std::uint64_t offset, std::uint32_t count) {
    op(Op::read);
    ops_.fixed(anonymous).u64(offset).u32(count);
    return *this;
}

Compound &Compound::read_plus(std::uint64_t offset, std::uint32_t count) {
    op(Op::read_plus);
    ops_.fixed(anonymous).u64(offset).u32(count);
    return *this;
}

Compound &Compound::write_head(std::uint64_t offset, std::uint32_t count) {
    constexpr std::uint32_t file_sync = 2;
    op(Op::write);
    ops_.fixed(anonymous).u64(offset).u32(file_sync).u32(count);
    return *this;
}

Compound &Compound::raw(View bytes) {
    ops_.raw(bytes);
    return *this;
}

Compound &Compound::open_read(std::uint64_t client_id, std::string_view owner,
                              std::string_view name) {
    constexpr std::uint32_t access_read = 1, want_read_delegation = 0x100;
    op(Op::open);
    ops_.u32(0).u32(access_read | want_read_delegation).u32(0); // sequence id, access, deny none
    ops_.u64(client_id).string(owner);
    ops_.u32(0);              // OPEN4_NOCREATE
    ops_.u32(0).string(name); // CLAIM_NULL
    return *this;
}

Compound &Compound::delegreturn(const StateId &state) {
    op(Op::delegreturn);
    ops_.fixed(state);
    return *this;
}

Compound &Compound::close(const StateId &state) {
    op(Op::close);
    ops_.u32(0).fixed(state);
    return *this;
}

Bytes Compound::bytes() const {
    Encoder out;
    out.u32(0).u32(minor_version_).u32(count_).raw(ops_.bytes());
    return std::move(out).bytes();
}

Result<Results> Results::of(const RpcReply &reply) {
    if (reply.status != Accept::success)
        return fail(fmt::format("accept_stat is {}", static_cast<std::uint32_t>(reply.status)));
    Results results(reply.results);
    results.status_ = results.in_.u32();
    results.in_.opaque(); // tag
    results.in_.u32();    // count
    if (!results.in_.good())
        return fail("the COMPOUND's results are truncated");
    return results;
}

Result<std::uint32_t> Results::status_of(Op op) {
    const auto got = in_.u32();
    const auto status = in_.u32();
    if (!in_.good() || got != static_cast<std::uint32_t>(op))
        return fail(fmt::format("the COMPOUND (status {}) has no result for operation {}", status_,
                                static_cast<std::uint32_t>(op)));
    return status;
}

Result<void> Results::next(Op op) {
    const auto status = TRY(status_of(op));
    if (status != ok)
        return fail(fmt::format("operation {} ends with NFS status {}",
                                static_cast<std::uint32_t>(op), status));
    return {};
}

Result<void> Results::plain(Op op) {
    return next(op);
}

Result<void> Results::sequence() {
    TRY(next(Op::sequence));
    in_.skip(16);
    in_.skip(20); // sequence id, three slots, flags
    return {};
}

Result<std::uint64_t> Results::exchange_id(std::uint32_t *sequence_id) {
    TRY(next(Op::exchange_id));
    const auto client_id = in_.u64();
    *sequence_id = in_.u32();
    if (!in_.good())
        return fail("the result of EXCHANGE_ID is truncated");
    return client_id;
}

Result<SessionId> Results::create_session(bool *back_channel) {
    TRY(next(Op::create_session));
    const auto session = take<16>(in_);
    in_.u32(); // sequence id
    const auto flags = in_.u32();
    if (back_channel != nullptr)
        *back_channel = (flags & 2) != 0;
    if (!in_.good())
        return fail("the result of CREATE_SESSION is truncated");
    return session;
}

Result<Bytes> Results::getfh() {
    TRY(next(Op::getfh));
    const auto handle = in_.opaque();
    if (!in_.good())
        return fail("the result of GETFH is truncated");
    return Bytes(handle.begin(), handle.end());
}

Results::Data Results::data(bool eof, bool reduced) {
    Data data = {.eof = eof, .length = in_.u32()};
    if (!reduced) {
        const auto bytes = in_.fixed(data.length);
        data.bytes.assign(bytes.begin(), bytes.end());
    }
    return data;
}

Result<Results::Data> Results::read(bool reduced) {
    TRY(next(Op::read));
    const bool eof = in_.boolean();
    auto result = data(eof, reduced);
    if (!in_.good())
        return fail("the result of READ is truncated");
    return result;
}

Result<Results::Data> Results::readlink(bool reduced) {
    TRY(next(Op::readlink));
    auto result = data(true, reduced);
    if (!in_.good())
        return fail("the result of READLINK is truncated");
    return result;
}

Result<Results::Data> Results::read_plus() {
    constexpr std::uint32_t content_data = 0, content_hole = 1;
    constexpr std::uint64_t longest = 1 << 20;
    TRY(next(Op::read_plus));
    Data all = {.eof = in_.boolean()};
    for (auto pieces = in_.u32(); pieces > 0 && in_.good(); pieces--) {
        const auto kind = in_.u32();
        in_.u64(); // offset
        if (kind == content_data) {
            const auto piece = in_.opaque();
            all.bytes.insert(all.bytes.end(), piece.begin(), piece.end());
        } else if (kind == content_hole) {
            const auto length = in_.u64();
            if (length > longest - std::min<std::uint64_t>(longest, all.bytes.size()))
                return fail("the result of READ_PLUS is longer than was asked for");
            all.bytes.resize(all.bytes.size() + length);
        } else {
            return fail(fmt::format("the result of READ_PLUS has content of kind {}", kind));
        }
    }
    if (!in_.good())
        return fail("the result of READ_PLUS is truncated");
    all.length = static_cast<std::uint32_t>(all.bytes.size());
    return all;
}

Result<std::uint32_t> Results::write() {
    TRY(next(Op::write));
    const auto count = in_.u32();
    in_.skip(12); // committed, verifier
    if (!in_.good())
        return fail("the result of WRITE is truncated");
    return count;
}

Result<Results::Opened> Results::open() {
    constexpr std::uint32_t read_delegation = 1, write_delegation = 2;
    TRY(next(Op::open));
    Opened opened = {.state = take<16>(in_)};
    in_.skip(20); // change_info
    in_.u32();    // flags
    skip_bitmap(in_);
    const auto kind = in_.u32();
    if (kind == read_delegation || kind == write_delegation) {
        opened.delegated = true;
        opened.delegation = take<16>(in_);
        in_.boolean(); // recall
        if (kind == write_delegation)
            in_.skip(12); // space limit
        skip_entry(in_);
    }
    if (!in_.good())
        return fail("the result of OPEN is truncated");
    return opened;
}

Result<Callback> decode_callback(View payload) {
    Decoder in(payload);
    Callback callback;
    callback.xid = in.u32();
    if (in.u32() != 0)
        return fail("this is no call");
    in.u32(); // RPC version
    callback.program = in.u32();
    in.u32(); // its version
    callback.procedure = in.u32();
    in.u32(); // credentials
    in.opaque();
    in.u32(); // verifier
    in.opaque();
    in.opaque(); // tag
    in.u32();    // minor version
    in.u32();    // callback ident
    auto ops = in.u32();
    if (!in.good() || ops == 0 || in.u32() != static_cast<std::uint32_t>(Op::cb_sequence))
        return fail("a callback does not begin with CB_SEQUENCE");
    callback.session = take<16>(in);
    callback.sequence_id = in.u32();
    callback.slot = in.u32();
    callback.highest_slot = in.u32();
    in.boolean(); // cache this
    // Nobody refers to other sessions' calls unless several are in use.
    if (in.u32() != 0)
        return fail("a callback refers to calls of ours");
    if (--ops > 0 && in.u32() == static_cast<std::uint32_t>(Op::cb_recall)) {
        callback.recalls = true;
        callback.delegation = take<16>(in);
    }
    if (!in.good())
        return fail("a callback is truncated");
    return callback;
}

Bytes callback_reply(const Callback &callback) {
    Encoder out;
    out.u32(callback.xid).u32(1).u32(0).u32(0).u32(0).u32(0); // REPLY, accepted, success
    out.u32(ok).u32(0).u32(callback.recalls ? 2 : 1);
    out.u32(static_cast<std::uint32_t>(Op::cb_sequence)).u32(ok).fixed(callback.session);
    out.u32(callback.sequence_id).u32(callback.slot);
    out.u32(callback.highest_slot).u32(callback.highest_slot);
    if (callback.recalls)
        out.u32(static_cast<std::uint32_t>(Op::cb_recall)).u32(ok);
    return std::move(out).bytes();
}

} // namespace rpcrdma::nfs4
