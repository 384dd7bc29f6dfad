// SPDX-License-Identifier: GPL-2.0-only
// The protocol suite's transport headers against the module's own codec, kmod/decode.c and
// kmod/encode.c: each understands what the other one says. What the suite judges a server by would
// be worth nothing if both were wrong in the same way; header_test.cpp holds the module's against
// RFC 8166.
#include "rpcrdma/header.h"

#include "xdr_bytes.h"

extern "C" {
#include "header.h"
}

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace rpcrdma {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr rpcrdma_hdr_limits limits = {1024 * 1024 + 4096, 16, 4, 2, 16};

Bytes message(const Header &header, View payload) {
    auto bytes = header.encode();
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

/// The inline part of a call: it begins with the XID.
Bytes payload_of(std::uint32_t xid, std::size_t words = 10) {
    Words all(words, 0x5a5a5a5a);
    all[0] = xid;
    return bytes_of(all);
}

/// Every kind of chunk, and segments that differ in all they have.
Header full_header() {
    return {.xid = 0x7a000001,
            .credits = 32,
            .reads = {{.position = 8, .segment = {0x101, 5, 0x1122334455667788ULL}},
                      {.position = 8, .segment = {0x102, 7, 0x2000}},
                      {.position = 24, .segment = {0x103, 40, 0xffffffffffffffffULL}}},
            .writes = {{{0x201, 10, 0x3000}, {0x202, 0, 0x4000}, {0x203, 20, 0x5000}}, {}},
            .reply = Chunk{{0x301, 100, 0x6000}, {0x302, 100, 0x7000}}};
}

/// What the module made of a message, in the suite's words.
struct Understood {
    std::string verdict;
    Header header;
    Bytes payload;
};

Chunk segments_of(const std::uint8_t *bytes, const rpcrdma_hdr_write_chunk &chunk) {
    Chunk result;
    for (std::uint32_t i = 0; i < chunk.segments; i++) {
        rpcrdma_hdr_segment segment{};
        rpcrdma_hdr_write_segment(bytes, &chunk, i, &segment);
        result.push_back({segment.handle, segment.length, segment.offset});
    }
    return result;
}

Understood understand(View message) {
    const Guarded exact(message);
    const auto *bytes = exact.view().data();
    rpcrdma_hdr hdr{};
    const auto verdict =
        rpcrdma_hdr_decode(bytes, static_cast<std::uint32_t>(message.size()), &limits, &hdr);
    Understood result = {.verdict = rpcrdma_hdr_verdict_name(verdict)};
    result.header = {.xid = hdr.xid,
                     .vers = hdr.vers,
                     .credits = hdr.credits,
                     .proc = static_cast<Proc>(hdr.proc)};
    for (std::uint32_t i = 0; i < hdr.read_segments; i++) {
        rpcrdma_hdr_segment segment{};
        std::uint32_t position = 0;
        rpcrdma_hdr_read_segment(bytes, &hdr, i, &segment, &position);
        result.header.reads.push_back({position, {segment.handle, segment.length, segment.offset}});
    }
    for (rpcrdma_hdr_write_chunk chunk{}; rpcrdma_hdr_next_write_chunk(bytes, &hdr, &chunk);)
        result.header.writes.push_back(segments_of(bytes, chunk));
    if (hdr.has_reply)
        result.header.reply = segments_of(bytes, hdr.reply);
    const auto payload = message.subspan(hdr.length, hdr.inline_length);
    result.payload.assign(payload.begin(), payload.end());
    return result;
}

std::string verdict_of(const Header &header, View payload = {}) {
    return understand(message(header, payload)).verdict;
}

/// Of a Header or a Message.
template <typename A, typename B> void expect_same(const A &a, const B &b) {
    EXPECT_EQ(a.xid, b.xid);
    EXPECT_EQ(a.vers, b.vers);
    EXPECT_EQ(a.credits, b.credits);
    EXPECT_EQ(a.proc, b.proc);
    ASSERT_EQ(a.reads.size(), b.reads.size());
    for (std::size_t i = 0; i < a.reads.size(); i++) {
        EXPECT_EQ(a.reads[i].position, b.reads[i].position) << i;
        EXPECT_EQ(a.reads[i].segment, b.reads[i].segment) << i;
    }
    EXPECT_EQ(a.writes, b.writes);
    EXPECT_EQ(a.reply, b.reply);
}

TEST(SuiteHeader, IsUnderstoodByTheModule) {
    const auto header = full_header();
    const auto payload = payload_of(header.xid);
    const auto found = understand(message(header, payload));
    EXPECT_EQ(found.verdict, "ok");
    expect_same(found.header, header);
    EXPECT_EQ(found.payload, payload);
}

TEST(SuiteHeader, OfALongCallIsUnderstoodByTheModule) {
    const Header header = {
        .xid = 5, .proc = Proc::nomsg, .reads = {{0, {0x100, 4096, 0x1000}}, {40, {0x101, 8, 0}}}};
    const auto found = understand(header.encode());
    EXPECT_EQ(found.verdict, "ok");
    expect_same(found.header, header);
    EXPECT_THAT(found.payload, IsEmpty());
}

TEST(SuiteHeader, WithoutChunksIsAsLongAsAHeaderMustBe) {
    EXPECT_EQ(Header{}.encode().size(), header_min);
    EXPECT_EQ(header_min, std::size_t{RPCRDMA_HDR_MIN});
    EXPECT_EQ(verdict_of({.xid = 5}, payload_of(5)), "ok");
}

// An empty Reply chunk is not the same as none.
TEST(SuiteHeader, TellsAnEmptyChunkFromNone) {
    Header header = {.xid = 5};
    EXPECT_FALSE(understand(message(header, payload_of(5))).header.reply);
    header.reply = Chunk{};
    const auto found = understand(message(header, payload_of(5)));
    ASSERT_TRUE(found.header.reply);
    EXPECT_THAT(*found.header.reply, IsEmpty());
}

/// A header that the module has no reason to refuse.
Header random_header(std::mt19937 &random) {
    const auto below = [&](std::uint32_t bound) {
        return static_cast<std::uint32_t>(random() % bound);
    };
    const auto segment = [&] {
        const std::uint64_t high = random();
        return Segment{static_cast<std::uint32_t>(random()), below(1000), high << 32 | random()};
    };
    const auto chunk = [&] {
        Chunk result(below(5));
        for (auto &one : result)
            one = segment();
        return result;
    };
    Header header = {.xid = static_cast<std::uint32_t>(random()), .credits = below(1000)};
    for (std::uint32_t chunks = below(5), end = 4; chunks > 0; chunks--) {
        const auto position = end + 4 * below(2);
        std::uint32_t length = 0;
        for (auto segments = 1 + below(4); segments > 0; segments--) {
            header.reads.push_back({position, segment()});
            length += header.reads.back().segment.length;
        }
        end = position + length + static_cast<std::uint32_t>(padding(length));
    }
    for (auto chunks = below(3); chunks > 0; chunks--)
        header.writes.push_back(chunk());
    if (below(2) == 0)
        header.reply = chunk();
    return header;
}

TEST(SuiteHeader, AnyGoodOneIsUnderstoodByBoth) {
    std::mt19937 random(8166); // the same ones each time
    for (int i = 0; i < 500; i++) {
        SCOPED_TRACE(i);
        const auto header = random_header(random);
        const auto payload = payload_of(header.xid);
        const auto bytes = message(header, payload);
        const auto found = understand(bytes);
        EXPECT_EQ(found.verdict, "ok");
        expect_same(found.header, header);
        EXPECT_EQ(found.payload, payload);
        const auto decoded = decode_message(bytes);
        ASSERT_TRUE(decoded) << decoded.error().what;
        expect_same(*decoded, header);
        EXPECT_EQ(decoded->payload, payload);
    }
}

// The suite sends wrong ones on purpose: the module has to see what was meant.
TEST(SuiteHeader, IsAsWrongAsItIsMeantToBe) {
    EXPECT_EQ(verdict_of({.xid = 5, .vers = 2}, payload_of(5)), "bad_version");
    EXPECT_EQ(verdict_of({.xid = 5, .proc = Proc::msgp}, payload_of(5)), "bad_proc");
    EXPECT_EQ(verdict_of({.xid = 5, .proc = Proc::done}), "discard");
    EXPECT_EQ(verdict_of({.xid = 5, .proc = Proc::error}), "discard");
    EXPECT_EQ(verdict_of({.xid = 5, .proc = Proc::nomsg}), "no_message");
    EXPECT_EQ(verdict_of({.xid = 5}, payload_of(6)), "bad_xid");
    EXPECT_EQ(verdict_of({.xid = 5}), "truncated");
    EXPECT_EQ(verdict_of({.xid = 5, .reads = {{6, {1, 4, 0}}}}, payload_of(5)), "bad_position");
    EXPECT_EQ(verdict_of({.xid = 5, .writes = {{}, {}, {}}}, payload_of(5)), "too_many");
    EXPECT_EQ(verdict_of({.xid = 5, .reply = Chunk(17)}, payload_of(5)), "too_many");
}

/// What the module answers a call with, and the RPC reply behind it.
Bytes module_reply(const Header &call, std::span<const std::uint32_t> written,
                   std::uint32_t reply_written, View payload = {}) {
    const auto bytes = message(call, payload_of(call.xid));
    rpcrdma_hdr hdr{};
    EXPECT_EQ(
        rpcrdma_hdr_decode(bytes.data(), static_cast<std::uint32_t>(bytes.size()), &limits, &hdr),
        RPCRDMA_HDR_OK);
    Bytes reply(rpcrdma_hdr_reply_size(&hdr));
    const rpcrdma_hdr_answer answer = {7, written.data(), reply_written};
    EXPECT_EQ(rpcrdma_hdr_encode_reply(reply.data(), static_cast<std::uint32_t>(reply.size()),
                                       bytes.data(), &hdr, &answer),
              reply.size());
    reply.insert(reply.end(), payload.begin(), payload.end());
    return reply;
}

constexpr std::array<std::uint32_t, 2> eleven_and_none = {11, 0};

TEST(SuiteMessage, TellsWhatTheModuleWrote) {
    const auto call = full_header();
    const auto payload = payload_of(call.xid, 6);
    const auto reply = decode_message(module_reply(call, eleven_and_none, 0, payload));
    ASSERT_TRUE(reply) << reply.error().what;
    EXPECT_EQ(reply->xid, call.xid);
    EXPECT_EQ(reply->vers, 1U);
    EXPECT_EQ(reply->credits, 7U);
    EXPECT_EQ(reply->proc, Proc::msg);
    EXPECT_THAT(reply->reads, IsEmpty());
    EXPECT_EQ(
        reply->writes,
        (std::vector<Chunk>{{{0x201, 10, 0x3000}, {0x202, 0, 0x4000}, {0x203, 1, 0x5000}}, {}}));
    ASSERT_TRUE(reply->reply);
    EXPECT_EQ(chunk_length(*reply->reply), 0U);
    EXPECT_EQ(reply->payload, payload);
}

TEST(SuiteMessage, TellsOfALongReplyOfTheModule) {
    const auto call = full_header();
    const auto reply = decode_message(module_reply(call, eleven_and_none, 150));
    ASSERT_TRUE(reply) << reply.error().what;
    EXPECT_EQ(reply->proc, Proc::nomsg);
    EXPECT_EQ(reply->reply, (Chunk{{0x301, 100, 0x6000}, {0x302, 50, 0x7000}}));
    EXPECT_THAT(reply->payload, IsEmpty());
}

Bytes module_error(rpcrdma_hdr_verdict verdict, std::uint32_t vers = 1) {
    rpcrdma_hdr hdr{};
    hdr.xid = 0x7a000001;
    hdr.vers = vers;
    Bytes bytes(RPCRDMA_HDR_ERR_MAX);
    bytes.resize(rpcrdma_hdr_encode_error(bytes.data(), RPCRDMA_HDR_ERR_MAX, &hdr, 9, verdict));
    return bytes;
}

TEST(SuiteMessage, TellsWhatTheModuleRefuses) {
    const auto version = decode_message(module_error(RPCRDMA_HDR_BAD_VERSION, 77));
    ASSERT_TRUE(version) << version.error().what;
    EXPECT_EQ(version->xid, 0x7a000001U);
    EXPECT_EQ(version->vers, 77U);
    EXPECT_EQ(version->credits, 9U);
    EXPECT_EQ(version->proc, Proc::error);
    EXPECT_EQ(version->error, err_vers);
    EXPECT_EQ(version->version_low, 1U);
    EXPECT_EQ(version->version_high, 1U);
    for (int verdict = RPCRDMA_HDR_BAD_PROC; verdict < RPCRDMA_HDR_VERDICTS; verdict++) {
        const auto chunk = decode_message(module_error(static_cast<rpcrdma_hdr_verdict>(verdict)));
        ASSERT_TRUE(chunk) << chunk.error().what;
        EXPECT_EQ(chunk->proc, Proc::error);
        EXPECT_EQ(chunk->error, err_chunk);
    }
}

TEST(SuiteMessage, TellsWhatTheModuleCalls) {
    Bytes bytes(RPCRDMA_HDR_MIN);
    ASSERT_EQ(rpcrdma_hdr_encode_call(bytes.data(), RPCRDMA_HDR_MIN, 0x89abcdef, 0xfedcba98),
              bytes.size());
    const auto payload = payload_of(0x89abcdef);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    const auto call = decode_message(bytes);
    ASSERT_TRUE(call) << call.error().what;
    expect_same(*call, Header{.xid = 0x89abcdef, .credits = 0xfedcba98});
    EXPECT_EQ(call->payload, payload);
}

TEST(SuiteMessage, IsTruncatedAtEveryByteOfItsHeader) {
    const auto call = full_header();
    const std::vector<Bytes> all = {module_reply(call, eleven_and_none, 150), call.encode(),
                                    Header{}.encode(), module_error(RPCRDMA_HDR_BAD_VERSION),
                                    module_error(RPCRDMA_HDR_BAD_PROC)};
    for (const auto &bytes : all) {
        for (std::size_t size = 0; size < bytes.size(); size++) {
            const Guarded cut(View(bytes).first(size));
            EXPECT_FALSE(decode_message(cut.view())) << size << " of " << to_hex(bytes);
        }
        EXPECT_TRUE(decode_message(bytes)) << to_hex(bytes);
    }
}

std::string complaint(const Words &words) {
    const auto decoded = decode_message(bytes_of(words));
    return decoded ? "nothing is wrong" : decoded.error().what;
}

TEST(SuiteMessage, IsTakenAtItsWord) {
    EXPECT_EQ(complaint({5, 1, 9, 0, 0, 0, 0}), "nothing is wrong");
    EXPECT_EQ(complaint({5, 1, 9}), "12 bytes are no transport header");
    EXPECT_EQ(complaint({5, 1, 9, 2, 0, 0, 0}), "rdma_proc is 2, which nobody may send");
    EXPECT_EQ(complaint({5, 1, 9, 3}), "rdma_proc is 3, which nobody may send");
    EXPECT_EQ(complaint({5, 1, 9, 5, 0, 0, 0}), "rdma_proc is 5");
    EXPECT_EQ(complaint({5, 1, 9, 0, 2, 0, 0}), "the chunk lists are wrong at byte 20");
    EXPECT_EQ(complaint({5, 1, 9, 0, 0, 2, 0}), "the chunk lists are wrong at byte 24");
    EXPECT_EQ(complaint({5, 1, 9, 0, 0, 0, 2}), "the chunk lists are wrong at byte 28");
    EXPECT_EQ(complaint({5, 1, 9, 1, 0, 0, 0, 5}), "4 bytes follow an RDMA_NOMSG header");
    EXPECT_EQ(complaint({5, 1, 9, 4, 2}), "nothing is wrong");
    EXPECT_EQ(complaint({5, 1, 9, 4, 2, 0}), "4 bytes follow the RDMA_ERROR message");
    EXPECT_EQ(complaint({5, 1, 9, 4, 1, 1}), "the RDMA_ERROR message is truncated");
    EXPECT_EQ(complaint({5, 1, 9, 4, 3}), "rdma_err is 3");
}

TEST(SuiteMessage, DoesNotBelieveInCountsThatCannotBe) {
    // A Write chunk, then a Reply chunk, of 4 billion segments of which one is there.
    EXPECT_THAT(complaint({5, 1, 9, 0, 0, 1, 0xffffffff, 1, 2, 3, 4}), HasSubstr("chunk lists"));
    EXPECT_THAT(complaint({5, 1, 9, 0, 0, 0, 1, 0xffffffff, 1, 2, 3, 4}), HasSubstr("chunk lists"));
}

TEST(SuiteChunk, LengthsAddUpBeyond32Bits) {
    EXPECT_EQ(chunk_length({}), 0U);
    EXPECT_EQ(chunk_length({{1, 0xffffffff, 0}, {2, 0xffffffff, 0}, {3, 2, 0}}), 0x200000000ULL);
}

} // namespace
} // namespace rpcrdma
