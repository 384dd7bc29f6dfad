// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// A slow, obvious second implementation of the transport header (RFC 8166), and the comparison
/// of the module's codec with it. It reads into vectors, assembles the message in its head, and
/// shares nothing with kmod/decode.c and kmod/encode.c but the names of the verdicts. Both the unit
/// tests and the fuzzer stand on it.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

extern "C" {
#include "header.h"
}

namespace header_model {

using Bytes = std::vector<std::uint8_t>;

struct Segment {
    std::uint32_t handle = 0;
    std::uint32_t length = 0;
    std::uint64_t offset = 0;
    bool operator==(const Segment &) const = default;
};

struct ReadSegment {
    std::uint32_t position = 0;
    Segment target;
    bool operator==(const ReadSegment &) const = default;
};

using Chunk = std::vector<Segment>;

/// Everything that one RPC-over-RDMA message says.
struct Message {
    std::uint32_t xid = 0;
    std::uint32_t vers = 1;
    std::uint32_t credits = 0;
    std::uint32_t proc = RPCRDMA_PROC_MSG;
    std::vector<ReadSegment> reads;
    std::vector<Chunk> writes;
    std::optional<Chunk> reply;
    Bytes body; ///< what follows the header
};

class Writer {
  public:
    Writer &word(std::uint32_t value) {
        for (int shift = 24; shift >= 0; shift -= 8)
            bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
        return *this;
    }

    Writer &segment(const Segment &s) {
        word(s.handle).word(s.length);
        return word(static_cast<std::uint32_t>(s.offset >> 32))
            .word(static_cast<std::uint32_t>(s.offset));
    }

    Writer &chunk(const Chunk &c) {
        word(static_cast<std::uint32_t>(c.size()));
        for (const auto &s : c)
            segment(s);
        return *this;
    }

    Bytes take() { return std::move(bytes_); }

  private:
    Bytes bytes_;
};

/// The header of @p m in XDR; its body is not appended.
inline Bytes encode_header(const Message &m) {
    Writer w;
    w.word(m.xid).word(m.vers).word(m.credits).word(m.proc);
    for (const auto &r : m.reads)
        w.word(1).word(r.position).segment(r.target);
    w.word(0);
    for (const auto &c : m.writes)
        w.word(1).chunk(c);
    w.word(0);
    if (m.reply)
        w.word(1).chunk(*m.reply);
    else
        w.word(0);
    return w.take();
}

inline Bytes encode(const Message &m) {
    Bytes bytes = encode_header(m);
    bytes.insert(bytes.end(), m.body.begin(), m.body.end());
    return bytes;
}

struct ReadChunk {
    std::uint32_t position = 0;
    std::uint64_t length = 0;
    std::uint32_t segments = 0;
    std::uint32_t first = 0;
};

/// What decoding should find. @p message is complete only with verdict RPCRDMA_HDR_OK.
struct Outcome {
    rpcrdma_hdr_verdict verdict = RPCRDMA_HDR_OK;
    Message message;
    std::size_t header_length = 0;
    bool is_reply = false;
    std::vector<ReadChunk> chunks;
    std::uint64_t read_length = 0;
    std::uint64_t message_length = 0;
};

namespace detail {

struct Fault {
    rpcrdma_hdr_verdict verdict;
};

inline void require(bool condition, rpcrdma_hdr_verdict otherwise) {
    if (!condition)
        throw Fault{otherwise};
}

class Reader {
  public:
    explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    std::uint32_t word() {
        require(bytes_.size() - at_ >= 4, RPCRDMA_HDR_TRUNCATED);
        std::uint32_t value = 0;
        for (int i = 0; i < 4; i++)
            value = value * 256 + bytes_[at_++];
        return value;
    }

    bool boolean() {
        const std::uint32_t value = word();
        require(value == 0 || value == 1, RPCRDMA_HDR_BAD_BOOL);
        return value == 1;
    }

    Segment segment() {
        Segment s;
        s.handle = word();
        s.length = word();
        s.offset = std::uint64_t{word()} << 32;
        s.offset += word();
        return s;
    }

    Chunk chunk(std::uint32_t limit) {
        const std::uint32_t count = word();
        require(count <= limit, RPCRDMA_HDR_TOO_MANY);
        Chunk c;
        for (std::uint32_t i = 0; i < count; i++)
            c.push_back(segment());
        return c;
    }

    std::size_t at() const { return at_; }

  private:
    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

inline std::uint64_t padded(std::uint64_t length) {
    return (length + 3) / 4 * 4;
}

inline void place(Outcome &o, const rpcrdma_hdr_limits &limits) {
    std::uint32_t index = 0;
    for (const auto &r : o.message.reads) {
        if (o.chunks.empty() || o.chunks.back().position != r.position)
            o.chunks.push_back({r.position, 0, 0, index});
        o.chunks.back().length += r.target.length;
        o.chunks.back().segments++;
        index++;
    }

    // Copies the message together, counting instead of copying: "stream" is what the sender left
    // unreduced, "built" the message so far.
    const bool longCall = o.message.proc == RPCRDMA_PROC_NOMSG;
    std::uint64_t stream = longCall ? 0 : o.message.body.size();
    std::uint64_t used = 0;
    std::uint64_t built = 0;
    std::uint64_t total = stream;
    for (std::size_t i = 0; i < o.chunks.size(); i++) {
        const ReadChunk &c = o.chunks[i];
        require(i < limits.max_read_chunks, RPCRDMA_HDR_TOO_MANY);
        if (longCall && i == 0) {
            require(c.position == 0, RPCRDMA_HDR_NO_MESSAGE);
            stream = c.length;
            total = c.length;
        } else {
            require(c.position != 0 && c.position % 4 == 0, RPCRDMA_HDR_BAD_POSITION);
            require(c.position >= built, RPCRDMA_HDR_BAD_POSITION);
            used += c.position - built;
            require(used <= stream, RPCRDMA_HDR_BAD_POSITION);
            built = c.position + padded(c.length);
            total += padded(c.length);
        }
        o.read_length += c.length;
        require(total <= limits.max_message, RPCRDMA_HDR_TOO_LONG);
    }
    require(total >= 4, RPCRDMA_HDR_NO_MESSAGE);
    require(total <= limits.max_message, RPCRDMA_HDR_TOO_LONG);
    o.message_length = total;
}

inline void read(Outcome &o, std::span<const std::uint8_t> bytes,
                 const rpcrdma_hdr_limits &limits) {
    require(bytes.size() >= 28, RPCRDMA_HDR_SHORT);
    Reader r(bytes);
    Message &m = o.message;
    m.xid = r.word();
    m.vers = r.word();
    m.credits = r.word();
    m.proc = r.word();
    require(m.proc != 4, RPCRDMA_HDR_DISCARD);
    require(m.vers == 1, RPCRDMA_HDR_BAD_VERSION);
    require(m.proc != 3, RPCRDMA_HDR_DISCARD);
    require(m.proc < 2, RPCRDMA_HDR_BAD_PROC);

    while (r.boolean()) {
        require(m.reads.size() < limits.max_read_segments, RPCRDMA_HDR_TOO_MANY);
        ReadSegment s;
        s.position = r.word();
        s.target = r.segment();
        m.reads.push_back(s);
    }
    while (r.boolean()) {
        require(m.writes.size() < limits.max_write_chunks, RPCRDMA_HDR_TOO_MANY);
        m.writes.push_back(r.chunk(limits.max_segments));
    }
    if (r.boolean())
        m.reply = r.chunk(limits.max_segments);

    o.header_length = r.at();
    m.body.assign(bytes.begin() + static_cast<std::ptrdiff_t>(r.at()), bytes.end());
    // Behind the XID: 0 for a call, 1 for a reply.
    o.is_reply =
        m.proc == 0 && m.body.size() >= 8 && Reader(std::span(m.body).subspan(4)).word() == 1;
    if (m.proc == 0)
        require(r.word() == m.xid, RPCRDMA_HDR_BAD_XID);
    place(o, limits);
}

/// A copy that ends where its memory ends, so that a sanitizer sees the first byte too far. The
/// one byte in front makes every word of the header unaligned.
class Exact {
  public:
    explicit Exact(std::span<const std::uint8_t> bytes) : Exact(bytes.size()) {
        std::ranges::copy(bytes, data());
    }
    explicit Exact(std::size_t size) : memory_(size + 1) {}

    std::uint8_t *data() { return memory_.data() + 1; }

  private:
    Bytes memory_;
};

/// Collects "NAME is A, not B".
class Differences {
  public:
    template <typename A, typename B> void compare(const char *name, const A &a, const B &b) {
        if (static_cast<std::uint64_t>(a) != static_cast<std::uint64_t>(b))
            text_ << name << " is " << static_cast<std::uint64_t>(a) << ", not "
                  << static_cast<std::uint64_t>(b) << "\n";
    }
    void compare(const char *name, const Segment &a, const Segment &b) {
        if (!(a == b))
            text_ << name << " differs\n";
    }
    std::string text() const { return text_.str(); }

  private:
    std::ostringstream text_;
};

inline Segment segment_of(const rpcrdma_hdr_segment &s) {
    return {s.handle, s.length, s.offset};
}

inline void compare_chunk(Differences &d, const std::uint8_t *bytes,
                          const rpcrdma_hdr_write_chunk &got, const Chunk &want) {
    d.compare("segments of a Write chunk", got.segments, want.size());
    std::uint64_t length = 0;
    for (std::uint32_t i = 0; i < want.size() && i < got.segments; i++) {
        rpcrdma_hdr_segment s{};
        rpcrdma_hdr_write_segment(bytes, &got, i, &s);
        d.compare("Write segment", segment_of(s), want[i]);
        length += want[i].length;
    }
    d.compare("length of a Write chunk", got.length, length);
}

inline std::uint32_t first_handle(const Chunk &chunk) {
    for (const auto &s : chunk)
        if (s.handle != 0 && s.length != 0)
            return s.handle;
    return 0;
}

inline std::uint32_t first_handle(const Message &m) {
    Chunk all;
    for (const auto &r : m.reads)
        all.push_back(r.target);
    for (const auto &c : m.writes)
        all.insert(all.end(), c.begin(), c.end());
    if (m.reply)
        all.insert(all.end(), m.reply->begin(), m.reply->end());
    return first_handle(all);
}

} // namespace detail

/// What kmod/decode.c should find in @p bytes.
inline Outcome decode(std::span<const std::uint8_t> bytes, const rpcrdma_hdr_limits &limits) {
    Outcome o;
    try {
        detail::read(o, bytes, limits);
    } catch (const detail::Fault &fault) {
        o.verdict = fault.verdict;
    }
    return o;
}

/// @p chunk after @p written bytes went into it, or nothing if it is too small for them.
inline std::optional<Chunk> filled(Chunk chunk, std::uint64_t written) {
    std::uint64_t start = 0;
    for (auto &s : chunk) {
        const std::uint64_t room = s.length;
        const std::uint64_t here = written > start ? std::min(room, written - start) : 0;
        s.length = static_cast<std::uint32_t>(here);
        start += room;
    }
    if (written > start)
        return std::nullopt;
    return chunk;
}

/// The header of the reply to @p call, or nothing if its chunks are too small.
inline std::optional<Bytes> encode_reply(const Message &call, std::uint32_t credits,
                                         const std::vector<std::uint32_t> &written,
                                         std::uint32_t replyWritten) {
    Message m;
    m.xid = call.xid;
    m.credits = credits;
    m.proc = replyWritten != 0 ? RPCRDMA_PROC_NOMSG : RPCRDMA_PROC_MSG;
    for (std::size_t i = 0; i < call.writes.size(); i++) {
        auto chunk = filled(call.writes[i], written.at(i));
        if (!chunk)
            return std::nullopt;
        m.writes.push_back(*chunk);
    }
    if (call.reply) {
        m.reply = filled(*call.reply, replyWritten);
        if (!m.reply)
            return std::nullopt;
    } else if (replyWritten != 0) {
        return std::nullopt;
    }
    return encode_header(m);
}

/// Encodes with kmod/encode.c into memory of exactly @p size bytes.
inline Bytes codec_reply(std::size_t size, const std::uint8_t *call, const rpcrdma_hdr &hdr,
                         const rpcrdma_hdr_answer &answer) {
    detail::Exact out(size);
    const std::uint32_t encoded =
        rpcrdma_hdr_encode_reply(out.data(), static_cast<std::uint32_t>(size), call, &hdr, &answer);
    return {out.data(), out.data() + std::min<std::size_t>(encoded, size)};
}

/// The RDMA_ERROR that answers @p verdict on a message that began like @p call, or nothing where
/// RFC 8166 section 4.5 wants it discarded.
inline std::optional<Bytes> encode_error(const Message &call, std::uint32_t credits,
                                         rpcrdma_hdr_verdict verdict) {
    if (verdict == RPCRDMA_HDR_SHORT || verdict == RPCRDMA_HDR_DISCARD)
        return std::nullopt;
    Writer w;
    w.word(call.xid).word(call.vers).word(credits).word(RPCRDMA_PROC_ERROR);
    if (verdict == RPCRDMA_HDR_BAD_VERSION)
        w.word(1).word(1).word(1);
    else
        w.word(2);
    return w.take();
}

namespace detail {

/// The verdict of kmod/decode.c on @p bytes.
inline rpcrdma_hdr_verdict codec_verdict(const Bytes &bytes, const rpcrdma_hdr_limits &limits) {
    Exact copy(bytes);
    rpcrdma_hdr hdr{};
    return rpcrdma_hdr_decode(copy.data(), static_cast<std::uint32_t>(bytes.size()), &limits, &hdr);
}

/// Refuses what led to @p verdict. The refusal needs the room it takes and no less, and nobody
/// who receives it may answer it in turn.
inline std::string refusal_differences(const rpcrdma_hdr &hdr, const Message &m,
                                       rpcrdma_hdr_verdict verdict,
                                       const rpcrdma_hdr_limits &limits) {
    const std::uint32_t credits = hdr.credits + 1;
    const auto codec = [&](std::size_t size) {
        Exact out(size);
        const std::uint32_t encoded = rpcrdma_hdr_encode_error(
            out.data(), static_cast<std::uint32_t>(size), &hdr, credits, verdict);
        return Bytes(out.data(), out.data() + std::min<std::size_t>(encoded, size));
    };
    const auto want = encode_error(m, credits, verdict);
    const Bytes refusal = codec(RPCRDMA_HDR_ERR_MAX);
    if (refusal != want.value_or(Bytes{}))
        return "the refusal differs\n";
    if (refusal.empty())
        return {};
    if (codec(refusal.size()) != refusal || !codec(refusal.size() - 1).empty())
        return "a refusal takes another room than its own\n";
    const auto answer = codec_verdict(refusal, limits);
    if (answer != RPCRDMA_HDR_SHORT && answer != RPCRDMA_HDR_DISCARD)
        return "a refusal would be answered\n";
    return {};
}

/// Calls the peer with the XID and credits of what it sent: what is encoded is the model's message
/// without chunks, and decodes as such.
inline std::string call_differences(const rpcrdma_hdr &hdr, const rpcrdma_hdr_limits &limits) {
    const auto codec = [&](std::size_t size) {
        Exact out(size);
        const std::uint32_t encoded = rpcrdma_hdr_encode_call(
            out.data(), static_cast<std::uint32_t>(size), hdr.xid, hdr.credits);
        return Bytes(out.data(), out.data() + std::min<std::size_t>(encoded, size));
    };
    Message call;
    call.xid = hdr.xid;
    call.credits = hdr.credits;
    call.body = Writer().word(hdr.xid).take();
    Bytes encoded = codec(RPCRDMA_HDR_MIN);
    if (!codec(RPCRDMA_HDR_MIN - 1).empty())
        return "a call fits where there is no room for it\n";
    encoded.insert(encoded.end(), call.body.begin(), call.body.end());
    if (encoded != encode(call))
        return "the call differs\n";
    const auto want = limits.max_message < 4 ? RPCRDMA_HDR_TOO_LONG : RPCRDMA_HDR_OK;
    return codec_verdict(encoded, limits) == want ? "" : "the call does not decode\n";
}

} // namespace detail

/// Decodes @p bytes with kmod/decode.c and with the model, follows every iterator, answers or
/// refuses the call, and says in words where the two differ: empty if nowhere.
inline std::string differences(std::span<const std::uint8_t> bytes,
                               const rpcrdma_hdr_limits &limits) {
    detail::Differences d;
    detail::Exact copy(bytes);
    const std::uint8_t *buf = copy.data();
    const Outcome want = decode(bytes, limits);
    const Message &m = want.message;

    rpcrdma_hdr hdr{};
    const rpcrdma_hdr_verdict verdict =
        rpcrdma_hdr_decode(buf, static_cast<std::uint32_t>(bytes.size()), &limits, &hdr);
    if (verdict != want.verdict)
        return std::string("verdict is ") + rpcrdma_hdr_verdict_name(verdict) + ", not " +
               rpcrdma_hdr_verdict_name(want.verdict) + "\n";

    d.compare("xid", hdr.xid, m.xid);
    d.compare("vers", hdr.vers, bytes.size() < 28 ? 0 : m.vers);
    d.compare("credits", hdr.credits, m.credits);
    d.compare("proc", hdr.proc, m.proc);
    d.compare("is_reply", hdr.is_reply, want.is_reply);

    const bool ok = verdict == RPCRDMA_HDR_OK;
    d.compare("read_segments", hdr.read_segments, ok ? m.reads.size() : 0);
    d.compare("read_chunks", hdr.read_chunks, ok ? want.chunks.size() : 0);
    d.compare("write_chunks", hdr.write_chunks, ok ? m.writes.size() : 0);
    d.compare("has_reply", hdr.has_reply, ok && m.reply.has_value());
    d.compare("length", hdr.length, ok ? want.header_length : 0);

    rpcrdma_hdr_read_chunk rc{};
    std::size_t count = 0;
    while (rpcrdma_hdr_next_read_chunk(buf, &hdr, &rc)) {
        if (!ok || count == want.chunks.size())
            return d.text() + "a Read chunk too many\n";
        const ReadChunk &c = want.chunks[count++];
        d.compare("position of a Read chunk", rc.position, c.position);
        d.compare("first of a Read chunk", rc.first, c.first);
        d.compare("segments of a Read chunk", rc.segments, c.segments);
        d.compare("length of a Read chunk", rc.length, c.length);
    }
    d.compare("Read chunks", count, ok ? want.chunks.size() : 0);

    rpcrdma_hdr_write_chunk wc{};
    count = 0;
    while (rpcrdma_hdr_next_write_chunk(buf, &hdr, &wc)) {
        if (!ok || count == m.writes.size())
            return d.text() + "a Write chunk too many\n";
        detail::compare_chunk(d, buf, wc, m.writes[count++]);
    }
    d.compare("Write chunks", count, ok ? m.writes.size() : 0);
    d.compare("handle to invalidate", rpcrdma_hdr_invalidate_handle(buf, &hdr),
              ok ? detail::first_handle(m) : 0);
    // A call that decodes can still turn out to have no answer, and is then refused.
    const std::string refusal = detail::refusal_differences(hdr, m, verdict, limits);
    if (!refusal.empty() || !ok)
        return d.text() + refusal;
    if (const std::string call = detail::call_differences(hdr, limits); !call.empty())
        return d.text() + call;

    d.compare("inline_length", hdr.inline_length, m.proc == RPCRDMA_PROC_MSG ? m.body.size() : 0);
    d.compare("read_length", hdr.read_length, want.read_length);
    d.compare("message_length", hdr.message_length, want.message_length);
    for (std::uint32_t i = 0; i < m.reads.size(); i++) {
        rpcrdma_hdr_segment s{};
        std::uint32_t position = 0;
        rpcrdma_hdr_read_segment(buf, &hdr, i, &s, &position);
        d.compare("position of a Read segment", position, m.reads[i].position);
        d.compare("Read segment", detail::segment_of(s), m.reads[i].target);
    }
    detail::compare_chunk(d, buf, hdr.reply, m.reply.value_or(Chunk{}));

    // Answers that write nothing, a part of every chunk, all of it, and a byte too many.
    for (std::size_t share = 0; share < 4; share++) {
        const auto part = [share](const Chunk &c) {
            std::uint64_t length = 0;
            for (const auto &s : c)
                length += s.length;
            const std::array<std::uint64_t, 4> shares = {0, length / 2 + length % 2, length,
                                                         length + 1};
            return static_cast<std::uint32_t>(
                std::min<std::uint64_t>(shares.at(share), 0xffffffff));
        };
        std::vector<std::uint32_t> written;
        for (const auto &c : m.writes)
            written.push_back(part(c));
        rpcrdma_hdr_answer answer{};
        answer.credits = hdr.credits + 1;
        answer.written = written.data();
        answer.reply_written = part(m.reply.value_or(Chunk{}));

        const auto reply = encode_reply(m, answer.credits, written, answer.reply_written);
        const std::uint32_t size = rpcrdma_hdr_reply_size(&hdr);
        if (reply)
            d.compare("size of the reply", size, reply->size());
        if (codec_reply(size, buf, hdr, answer) != reply.value_or(Bytes{}))
            return d.text() + "the reply differs\n";
        if (!codec_reply(size - 1, buf, hdr, answer).empty())
            return d.text() + "a reply fits where there is no room for it\n";
    }
    return d.text();
}

} // namespace header_model
