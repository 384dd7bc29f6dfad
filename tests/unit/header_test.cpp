// SPDX-License-Identifier: GPL-2.0-only
// The transport header codec of the module, kmod/decode.c and kmod/encode.c: over the hand-made
// headers in headers/, over headers cut and bent in every place, and against a second
// implementation.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>

#include "header_model.h"

namespace {

using namespace header_model;

constexpr std::uint32_t kMessage = 1024 * 1024 + 4096;
constexpr rpcrdma_hdr_limits kLimits = {kMessage, 16, 4, 2, 16};
constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();
constexpr rpcrdma_hdr_limits kNoLimits = {kMax, kMax, kMax, kMax, kMax};

std::string name_of(rpcrdma_hdr_verdict verdict) {
    return rpcrdma_hdr_verdict_name(verdict);
}

std::string verdict_of(const Bytes &bytes, const rpcrdma_hdr_limits &limits = kLimits) {
    detail::Exact copy(bytes);
    rpcrdma_hdr hdr{};
    return name_of(
        rpcrdma_hdr_decode(copy.data(), static_cast<std::uint32_t>(bytes.size()), &limits, &hdr));
}

std::string verdict_of(const Message &m, const rpcrdma_hdr_limits &limits = kLimits) {
    return verdict_of(encode(m), limits);
}

/// A header that decodes, and the bytes it lies in.
class Decoded {
  public:
    explicit Decoded(const Message &m, const rpcrdma_hdr_limits &limits = kLimits)
        : bytes_(encode(m)) {
        const auto verdict = rpcrdma_hdr_decode(
            bytes_.data(), static_cast<std::uint32_t>(bytes_.size()), &limits, &hdr_);
        EXPECT_EQ(name_of(verdict), "ok");
    }

    const rpcrdma_hdr *operator->() const { return &hdr_; }
    const rpcrdma_hdr &hdr() const { return hdr_; }
    const std::uint8_t *data() const { return bytes_.data(); }

    /// The reply's header, in a buffer of exactly the size that the codec asks for.
    Bytes reply(const rpcrdma_hdr_answer &answer) const {
        return codec_reply(rpcrdma_hdr_reply_size(&hdr_), data(), hdr_, answer);
    }

  private:
    Bytes bytes_;
    rpcrdma_hdr hdr_{};
};

/// An RPC message of @p size bytes that begins with @p xid.
Bytes body(std::uint32_t xid, std::size_t size = 40) {
    Bytes bytes = Writer().word(xid).take();
    bytes.resize(size, 0x5a);
    return bytes;
}

Message call() {
    Message m;
    m.xid = 0x7a000001;
    m.credits = 32;
    m.body = body(m.xid);
    return m;
}

Message long_call(std::uint32_t length = 4096) {
    Message m;
    m.xid = 0x7a000001;
    m.proc = RPCRDMA_PROC_NOMSG;
    m.reads = {{0, {0x100, length, 0x1000}}};
    return m;
}

Chunk chunk(std::initializer_list<std::uint32_t> lengths) {
    Chunk c;
    for (const auto length : lengths)
        c.push_back({0x200 + static_cast<std::uint32_t>(c.size()), length, 0x123456789abcULL});
    return c;
}

/// What a file in headers/ says: hexadecimal words, and "# key: value" about them.
struct Golden {
    std::string name;
    Bytes bytes;
    std::map<std::string, std::string> says;
};

Golden load(const std::filesystem::path &path) {
    Golden golden;
    golden.name = path.stem().string();
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line)) {
        if (line.starts_with("# ")) {
            const auto colon = line.find(": ");
            if (colon != std::string::npos && line.find(' ', 2) == colon + 1)
                golden.says[line.substr(2, colon - 2)] = line.substr(colon + 2);
            continue;
        }
        std::istringstream words(line);
        for (std::string word; words >> word;)
            for (std::size_t i = 0; i + 1 < word.size(); i += 2)
                golden.bytes.push_back(
                    static_cast<std::uint8_t>(std::stoul(word.substr(i, 2), nullptr, 16)));
    }
    return golden;
}

std::vector<Golden> golden_headers() {
    std::vector<Golden> all;
    const auto directory = std::filesystem::path(__FILE__).parent_path() / "headers";
    std::error_code missing; // then HeaderGolden fails, and not the loading of all unit tests
    for (const auto &entry : std::filesystem::directory_iterator(directory, missing))
        if (entry.path().extension() == ".hex")
            all.push_back(load(entry.path()));
    std::ranges::sort(all, {}, &Golden::name);
    return all;
}

// Every kind of header that is valid, for the tests that take them apart.
std::vector<Golden> valid_headers() {
    auto all = golden_headers();
    std::erase_if(all, [](const Golden &g) { return g.says.at("verdict") != "ok"; });
    return all;
}

class GoldenHeader : public testing::TestWithParam<Golden> {};

TEST_P(GoldenHeader, DecodesAsItsCommentSays) {
    const Golden &golden = GetParam();
    ASSERT_TRUE(golden.says.contains("verdict"));

    detail::Exact copy(golden.bytes);
    rpcrdma_hdr hdr{};
    const auto verdict = rpcrdma_hdr_decode(
        copy.data(), static_cast<std::uint32_t>(golden.bytes.size()), &kLimits, &hdr);

    const std::map<std::string, std::string> found = {
        {"verdict", name_of(verdict)},
        {"length", std::to_string(hdr.length)},
        {"inline_length", std::to_string(hdr.inline_length)},
        {"read_segments", std::to_string(hdr.read_segments)},
        {"read_chunks", std::to_string(hdr.read_chunks)},
        {"read_length", std::to_string(hdr.read_length)},
        {"message_length", std::to_string(hdr.message_length)},
        {"write_chunks", std::to_string(hdr.write_chunks)},
        {"reply_segments", std::to_string(hdr.reply.segments)},
        {"invalidate", std::to_string(rpcrdma_hdr_invalidate_handle(copy.data(), &hdr))},
    };
    for (const auto &[key, value] : golden.says) {
        ASSERT_TRUE(found.contains(key)) << "unknown key " << key;
        EXPECT_EQ(found.at(key), value) << key;
    }
}

TEST_P(GoldenHeader, DecodesAsTheModelDoes) {
    EXPECT_EQ(differences(GetParam().bytes, kLimits), "");
    EXPECT_EQ(differences(GetParam().bytes, kNoLimits), "");
}

INSTANTIATE_TEST_SUITE_P(Headers, GoldenHeader, testing::ValuesIn(golden_headers()),
                         [](const auto &info) {
                             std::string name = info.param.name;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

TEST(HeaderGolden, EveryVerdictHasAnExample) {
    std::set<std::string> seen;
    for (const auto &golden : golden_headers())
        seen.insert(golden.says.at("verdict"));
    EXPECT_EQ(seen.size(), std::size_t{RPCRDMA_HDR_VERDICTS});
}

TEST(HeaderGolden, TheModelEncodesWhatItDecoded) {
    for (const auto &golden : valid_headers())
        EXPECT_EQ(encode(decode(golden.bytes, kLimits).message), golden.bytes) << golden.name;
}

TEST(HeaderTruncation, IsFoundAtEveryByte) {
    for (const auto &golden : valid_headers()) {
        const Outcome whole = decode(golden.bytes, kLimits);
        const std::size_t xid = whole.message.proc == RPCRDMA_PROC_MSG ? 4 : 0;
        for (std::size_t size = 0; size < golden.bytes.size(); size++) {
            SCOPED_TRACE(golden.name + " cut to " + std::to_string(size));
            const Bytes cut(golden.bytes.begin(),
                            golden.bytes.begin() + static_cast<std::ptrdiff_t>(size));
            if (size < whole.header_length + xid) {
                EXPECT_EQ(verdict_of(cut), size < 28 ? "short" : "truncated");
            }
            EXPECT_EQ(differences(cut, kLimits), "");
        }
    }
}

TEST(HeaderHostile, EveryWordTakesEveryExtreme) {
    const std::vector<std::uint32_t> extremes = {0,          1,
                                                 2,          3,
                                                 4,          5,
                                                 7,          15,
                                                 16,         17,
                                                 39,         40,
                                                 41,         kMessage - 1,
                                                 kMessage,   kMessage + 1,
                                                 0x0fffffff, 0x10000000,
                                                 0x10000001, 0x7fffffff,
                                                 0x80000000, 0x80000001,
                                                 0xfffffffc, 0xfffffffd,
                                                 kMax};
    for (const auto &golden : golden_headers()) {
        for (std::size_t at = 0; at + 4 <= golden.bytes.size(); at += 4) {
            for (const auto extreme : extremes) {
                Bytes bent = golden.bytes;
                std::ranges::copy(Writer().word(extreme).take(),
                                  bent.begin() + static_cast<std::ptrdiff_t>(at));
                SCOPED_TRACE(golden.name + " with " + std::to_string(extreme) + " at " +
                             std::to_string(at));
                EXPECT_EQ(differences(bent, kLimits), "");
                EXPECT_EQ(differences(bent, kNoLimits), "");
            }
        }
    }
}

TEST(HeaderHostile, NothingIsLeftToFollowAfterARefusal) {
    Message m = call();
    m.reads = {{4, {1, 4, 0}}};
    m.writes = {chunk({4096})};
    m.reply = chunk({4096});
    m.body = body(m.xid + 1);
    const Bytes bytes = encode(m);

    rpcrdma_hdr hdr;
    std::memset(&hdr, 0xff, sizeof(hdr));
    ASSERT_EQ(
        rpcrdma_hdr_decode(bytes.data(), static_cast<std::uint32_t>(bytes.size()), &kLimits, &hdr),
        RPCRDMA_HDR_BAD_XID);
    EXPECT_EQ(hdr.xid, m.xid);
    EXPECT_EQ(hdr.vers, 1U);
    EXPECT_EQ(hdr.credits, m.credits);
    EXPECT_EQ(hdr.read_segments, 0U);
    EXPECT_FALSE(hdr.has_reply);
    rpcrdma_hdr_read_chunk read{};
    EXPECT_FALSE(rpcrdma_hdr_next_read_chunk(bytes.data(), &hdr, &read));
    rpcrdma_hdr_write_chunk write{};
    EXPECT_FALSE(rpcrdma_hdr_next_write_chunk(bytes.data(), &hdr, &write));
    EXPECT_EQ(rpcrdma_hdr_invalidate_handle(bytes.data(), &hdr), 0U);
}

TEST(HeaderProcedure, IsRefusedUnlessItCarriesAMessage) {
    const std::map<std::uint32_t, std::string> expected = {
        {0, "ok"},         {1, "no_message"}, {2, "bad_proc"},          {3, "discard"},
        {4, "discard"},    {5, "bad_proc"},   {0x80000000, "bad_proc"}, {kMax, "bad_proc"},
        {256, "bad_proc"},
    };
    for (const auto &[proc, verdict] : expected) {
        Message m = call();
        m.proc = proc;
        EXPECT_EQ(verdict_of(m), verdict) << proc;
    }
}

TEST(HeaderVersion, IsOneAndOnlyErrorsAreOlderThanThat) {
    for (const std::uint32_t vers : {0U, 2U, 0x01000000U, 0x80000001U, kMax}) {
        for (std::uint32_t proc = 0; proc < 6; proc++) {
            Message m = call();
            m.vers = vers;
            m.proc = proc;
            EXPECT_EQ(verdict_of(m), proc == RPCRDMA_PROC_ERROR ? "discard" : "bad_version");
        }
    }
}

TEST(HeaderLimits, CountsAreAcceptedUpToThem) {
    for (const std::uint32_t limit : {0U, 1U, 2U, 7U}) {
        for (const std::uint32_t count : {0U, 1U, limit, limit + 1}) {
            SCOPED_TRACE(std::to_string(count) + " of " + std::to_string(limit));
            const std::string expected = count <= limit ? "ok" : "too_many";

            rpcrdma_hdr_limits limits = kNoLimits;
            limits.max_read_segments = limit;
            Message m = call();
            m.reads.assign(count, {40, {1, 4, 0}});
            EXPECT_EQ(verdict_of(m, limits), expected) << "Read segments";

            limits = kNoLimits;
            limits.max_read_chunks = limit;
            m = call();
            for (std::uint32_t i = 0; i < count; i++)
                m.reads.push_back({4 + 8 * i, {1, 4, 0}});
            EXPECT_EQ(verdict_of(m, limits), expected) << "Read chunks";

            limits = kNoLimits;
            limits.max_write_chunks = limit;
            m = call();
            m.writes.assign(count, chunk({1}));
            EXPECT_EQ(verdict_of(m, limits), expected) << "Write chunks";

            limits = kNoLimits;
            limits.max_segments = limit;
            m = call();
            m.writes = {Chunk(count)};
            EXPECT_EQ(verdict_of(m, limits), expected) << "Write segments";
            m = call();
            m.reply = Chunk(count);
            EXPECT_EQ(verdict_of(m, limits), expected) << "Reply segments";
        }
    }
}

TEST(HeaderLimits, AMessageMayBeExactlyAsLongAsTheLimit) {
    for (const std::uint32_t limit : {64U, 4096U, kMessage, 0x80000000U, 0xfffffffcU}) {
        rpcrdma_hdr_limits limits = kNoLimits;
        limits.max_message = limit;
        SCOPED_TRACE(limit);

        Message m = call();
        m.reads = {{40, {1, limit - 40, 0}}};
        EXPECT_EQ(verdict_of(m, limits), "ok");
        m.reads = {{40, {1, limit - 43, 0}}};
        EXPECT_EQ(verdict_of(m, limits), "ok") << "unpadded";
        m.reads = {{40, {1, limit - 39, 0}}};
        EXPECT_EQ(verdict_of(m, limits), "too_long");
        m.reads = {{40, {1, limit - 40, 0}}, {40, {1, 1, 0}}};
        EXPECT_EQ(verdict_of(m, limits), "too_long") << "by a segment";
        m.reads = {{20, {1, limit - 40, 0}}, {limit, {1, 1, 0}}};
        EXPECT_EQ(verdict_of(m, limits), "too_long") << "by a chunk";
        m.reads = {{20, {1, limit - 44, 0}}, {limit - 4, {1, 1, 0}}};
        EXPECT_EQ(verdict_of(m, limits), "ok") << "by a chunk's padding";

        EXPECT_EQ(verdict_of(long_call(limit), limits), "ok");
        EXPECT_EQ(verdict_of(long_call(limit + 1), limits), "too_long");
    }
    EXPECT_EQ(verdict_of(long_call(kMax), kNoLimits), "ok");
}

TEST(HeaderLimits, InlineBytesAloneCanBeTooMany) {
    rpcrdma_hdr_limits limits = kNoLimits;
    limits.max_message = 40;
    EXPECT_EQ(verdict_of(call(), limits), "ok");
    limits.max_message = 39;
    EXPECT_EQ(verdict_of(call(), limits), "too_long");
}

TEST(HeaderLimits, SumsDoNotWrap) {
    for (const std::uint32_t length : {0x40000000U, 0x80000000U, 0xfffffffcU, 0xfffffffdU, kMax}) {
        for (const std::size_t count : {4U, 8U, 16U}) {
            Message m = call();
            m.reads.assign(count, {40, {1, length, 0}});
            m.reads.push_back({40, {1, 16, 0}});
            EXPECT_EQ(verdict_of(m, kNoLimits), "too_long") << length << " times " << count;
            m = long_call(length);
            m.reads.assign(count, {0, {1, length, 0}});
            m.reads.push_back({0, {1, 16, 0}});
            EXPECT_EQ(verdict_of(m, kNoLimits), "too_long") << length << " times " << count;
        }
    }
}

TEST(HeaderLimits, WriteChunksMayBeLongerThanAnyAnswer) {
    Message m = call();
    m.writes = {chunk({kMax, kMax, kMax})};
    const Decoded hdr(m);
    rpcrdma_hdr_write_chunk c{};
    ASSERT_TRUE(rpcrdma_hdr_next_write_chunk(hdr.data(), &hdr.hdr(), &c));
    EXPECT_EQ(c.length, 3 * std::uint64_t{kMax});
}

TEST(HeaderPosition, LiesWithinWhatTheMessageHas) {
    for (std::uint32_t position = 0; position < 60; position++) {
        Message m = call();
        m.reads = {{position, {1, 9, 0}}};
        const bool fits = position != 0 && position % 4 == 0 && position <= 40;
        EXPECT_EQ(verdict_of(m), fits ? "ok" : "bad_position") << position;

        // Behind a chunk of 9 bytes at 8, which takes 12.
        m.reads = {{8, {1, 9, 0}}, {position, {1, 1, 0}}};
        const bool follows = position % 4 == 0 && position >= 20 && position <= 52;
        EXPECT_EQ(verdict_of(m), follows || position == 8 ? "ok" : "bad_position") << position;

        // Inside a Position Zero Read chunk of 40 bytes.
        m = long_call(40);
        m.reads.push_back({position, {1, 9, 0}});
        EXPECT_EQ(verdict_of(m), position % 4 == 0 && position <= 40 ? "ok" : "bad_position")
            << position;
    }
    for (const std::uint32_t position : {0x80000000U, 0xfffffffcU, kMax}) {
        Message m = call();
        m.reads = {{position, {1, 4, 0}}};
        EXPECT_EQ(verdict_of(m, kNoLimits), "bad_position") << position;
    }
}

TEST(HeaderPosition, AnEmptyChunkHoldsItsPlaceOnly) {
    Message m = call();
    m.reads = {{8, {1, 0, 0}}, {12, {1, 0, 0}}, {40, {1, 0, 0}}};
    const Decoded hdr(m);
    EXPECT_EQ(hdr->read_chunks, 3U);
    EXPECT_EQ(hdr->read_length, 0U);
    EXPECT_EQ(hdr->message_length, 40U);
}

TEST(HeaderXid, IsComparedWithTheMessage) {
    for (int byte = 0; byte < 4; byte++) {
        Message m = call();
        m.body[static_cast<std::size_t>(byte)] ^= 1;
        EXPECT_EQ(verdict_of(m), "bad_xid");
    }
    for (std::size_t size = 0; size < 4; size++) {
        Message m = call();
        m.body.resize(size);
        EXPECT_EQ(verdict_of(m), "truncated");
    }
    Message m = call();
    m.body.resize(4);
    EXPECT_EQ(verdict_of(m), "ok");
}

// Whatever else is wrong with it, as long as the message can be found.
TEST(HeaderReply, IsRecognised) {
    const auto is_reply = [](const Message &m) {
        const auto bytes = encode(m);
        rpcrdma_hdr hdr{};
        (void)rpcrdma_hdr_decode(bytes.data(), static_cast<u32>(bytes.size()), &kLimits, &hdr);
        return hdr.is_reply;
    };
    Message m = call();
    m.body.resize(8);
    std::fill(m.body.begin() + 4, m.body.end(), std::uint8_t{0});
    EXPECT_FALSE(is_reply(m));
    m.body[7] = 1;
    EXPECT_TRUE(is_reply(m));
    m.body[0] ^= 1; // another XID than the header's
    EXPECT_TRUE(is_reply(m));
    m.body[7] = 2;
    EXPECT_FALSE(is_reply(m));
    m.body.resize(7);
    EXPECT_FALSE(is_reply(m));
}

TEST(HeaderInvalidate, TakesTheFirstHandleThatStandsForMemory) {
    const Segment none{0x11, 0, 0};
    const Segment null{0, 4, 0};
    const auto handle_of = [](const Message &m) {
        const Decoded hdr(m);
        return rpcrdma_hdr_invalidate_handle(hdr.data(), &hdr.hdr());
    };
    Message m = call();
    EXPECT_EQ(handle_of(m), 0U);
    m.reads = {{8, none}, {8, null}};
    m.writes = {{none, null}, {}};
    m.reply = Chunk{none, null};
    EXPECT_EQ(handle_of(m), 0U);
    m.reply->push_back({0x33, 1, 0});
    EXPECT_EQ(handle_of(m), 0x33U);
    m.writes[1] = {none, {0x22, 1, 0}};
    EXPECT_EQ(handle_of(m), 0x22U);
    m.reads.push_back({8, {0x44, 1, 0}});
    EXPECT_EQ(handle_of(m), 0x44U);
}

TEST(HeaderReply, CopiesEachChunkWithWhatWasWritten) {
    Message m = call();
    m.reads = {{8, {1, 4, 0}}};
    m.writes = {chunk({10, 0, 20}), chunk({5})};
    m.reply = chunk({100, 100});
    const Decoded hdr(m);

    const std::vector<std::uint32_t> written = {11, 0};
    const Message got = decode(hdr.reply({7, written.data(), 150}), kNoLimits).message;
    EXPECT_EQ(got.xid, m.xid);
    EXPECT_EQ(got.vers, 1U);
    EXPECT_EQ(got.credits, 7U);
    EXPECT_EQ(got.proc, RPCRDMA_PROC_NOMSG);
    EXPECT_TRUE(got.reads.empty());
    ASSERT_EQ(got.writes.size(), 2U);
    EXPECT_EQ(got.writes[0], chunk({10, 0, 1}));
    EXPECT_EQ(got.writes[1], chunk({0}));
    EXPECT_EQ(got.reply, chunk({100, 50}));
}

TEST(HeaderReply, ReturnsAReplyChunkThatWasNotUsed) {
    Message m = call();
    m.reply = chunk({100, 100});
    const Message got = decode(Decoded(m).reply({1, nullptr, 0}), kNoLimits).message;
    EXPECT_EQ(got.proc, RPCRDMA_PROC_MSG);
    EXPECT_EQ(got.reply, chunk({0, 0}));
}

TEST(HeaderReply, NeedsNoListOfWhatWasNotWritten) {
    Message m = call();
    m.writes = {chunk({10}), {}};
    const Message got = decode(Decoded(m).reply({1, nullptr, 0}), kNoLimits).message;
    ASSERT_EQ(got.writes.size(), 2U);
    EXPECT_EQ(got.writes[0], chunk({0}));
    EXPECT_TRUE(got.writes[1].empty());
}

TEST(HeaderReply, RefusesMoreThanAChunkHolds) {
    Message m = call();
    m.writes = {chunk({10, 10}), {}};
    const Decoded hdr(m);
    std::vector<std::uint32_t> written = {20, 0};
    EXPECT_FALSE(hdr.reply({1, written.data(), 0}).empty());
    written = {21, 0};
    EXPECT_TRUE(hdr.reply({1, written.data(), 0}).empty());
    written = {kMax, 0};
    EXPECT_TRUE(hdr.reply({1, written.data(), 0}).empty());
    written = {0, 1};
    EXPECT_TRUE(hdr.reply({1, written.data(), 0}).empty()) << "an empty Write chunk";
    written = {0, 0};
    EXPECT_TRUE(hdr.reply({1, written.data(), 1}).empty()) << "no Reply chunk";

    m.reply = chunk({10});
    const Decoded with(m);
    EXPECT_FALSE(with.reply({1, written.data(), 10}).empty());
    EXPECT_TRUE(with.reply({1, written.data(), 11}).empty());
    m.reply = Chunk{};
    EXPECT_TRUE(Decoded(m).reply({1, written.data(), 1}).empty()) << "an empty Reply chunk";
}

TEST(HeaderReply, FitsInWhatItAsksForAndInNothingLess) {
    for (const auto &golden : valid_headers()) {
        SCOPED_TRACE(golden.name);
        const Decoded hdr(decode(golden.bytes, kLimits).message);
        const std::uint32_t needed = rpcrdma_hdr_reply_size(&hdr.hdr());
        const rpcrdma_hdr_answer answer = {1, nullptr, 0};
        for (std::uint32_t size = 0; size < needed; size++)
            EXPECT_TRUE(codec_reply(size, hdr.data(), hdr.hdr(), answer).empty()) << size;
        EXPECT_EQ(codec_reply(needed, hdr.data(), hdr.hdr(), answer).size(), needed);
        EXPECT_EQ(codec_reply(needed + 100, hdr.data(), hdr.hdr(), answer).size(), needed);
    }
}

Bytes encode_error(std::size_t size, rpcrdma_hdr_verdict verdict, std::uint32_t vers = 1) {
    rpcrdma_hdr hdr{};
    hdr.xid = 0x7a000001;
    hdr.vers = vers;
    detail::Exact out(size);
    const std::uint32_t encoded =
        rpcrdma_hdr_encode_error(out.data(), static_cast<std::uint32_t>(size), &hdr, 9, verdict);
    return {out.data(), out.data() + encoded};
}

TEST(HeaderError, NamesTheVersionItSupports) {
    EXPECT_EQ(encode_error(RPCRDMA_HDR_ERR_MAX, RPCRDMA_HDR_BAD_VERSION, 77),
              Writer().word(0x7a000001).word(77).word(9).word(4).word(1).word(1).word(1).take());
    for (std::size_t size = 0; size < 28; size++)
        EXPECT_TRUE(encode_error(size, RPCRDMA_HDR_BAD_VERSION).empty()) << size;
}

TEST(HeaderError, BlamesTheChunksOtherwise) {
    for (int verdict = RPCRDMA_HDR_BAD_PROC; verdict < RPCRDMA_HDR_VERDICTS; verdict++) {
        const auto v = static_cast<rpcrdma_hdr_verdict>(verdict);
        EXPECT_EQ(encode_error(RPCRDMA_HDR_ERR_MAX, v),
                  Writer().word(0x7a000001).word(1).word(9).word(4).word(2).take());
        for (std::size_t size = 0; size < 20; size++)
            EXPECT_TRUE(encode_error(size, v).empty()) << size;
        EXPECT_EQ(encode_error(20, v).size(), 20U);
    }
    EXPECT_EQ(encode_error(20, RPCRDMA_HDR_OK).size(), 20U) << "an operational error";
}

TEST(HeaderError, DoesNotAnswerWhatIsToBeDiscarded) {
    EXPECT_TRUE(encode_error(100, RPCRDMA_HDR_SHORT).empty());
    EXPECT_TRUE(encode_error(100, RPCRDMA_HDR_DISCARD).empty());
}

TEST(HeaderCall, IsAnRdmaMsgWithoutChunks) {
    for (std::size_t size = 0; size < 40; size++) {
        detail::Exact out(size);
        const std::uint32_t encoded = rpcrdma_hdr_encode_call(
            out.data(), static_cast<std::uint32_t>(size), 0x89abcdef, 0xfedcba98);
        ASSERT_EQ(encoded, size < 28 ? 0U : 28U) << size;
        if (encoded == 0)
            continue;
        Message m;
        m.xid = 0x89abcdef;
        m.credits = 0xfedcba98;
        EXPECT_EQ(Bytes(out.data(), out.data() + encoded), encode(m));
    }
}

TEST(HeaderVerdict, HasANameOfItsOwn) {
    std::set<std::string> names;
    for (int verdict = 0; verdict < RPCRDMA_HDR_VERDICTS; verdict++)
        names.insert(name_of(static_cast<rpcrdma_hdr_verdict>(verdict)));
    EXPECT_EQ(names.size(), std::size_t{RPCRDMA_HDR_VERDICTS});
    EXPECT_FALSE(names.contains("unknown"));
    EXPECT_EQ(name_of(RPCRDMA_HDR_VERDICTS), "unknown");
}

/// Makes messages that are mostly valid, so that each rule gets its turn to be the broken one.
class Generator {
  public:
    explicit Generator(std::uint32_t seed) : random_(seed) {}

    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>(random_() % bound);
    }
    bool one_in(std::uint32_t n) { return below(n) == 0; }

    std::uint32_t length() {
        switch (below(12)) {
        case 0:
            return 0;
        case 1:
            return static_cast<std::uint32_t>(random_());
        case 2:
            return kMessage - below(100);
        default:
            return below(200);
        }
    }

    Segment segment() { return {below(4), length(), random_()}; }

    Chunk chunk() {
        Chunk c(below(one_in(20) ? 20 : 5));
        for (auto &s : c)
            s = segment();
        return c;
    }

    Message message() {
        Message m;
        m.xid = static_cast<std::uint32_t>(random_());
        m.credits = below(256);
        m.proc = one_in(3) ? RPCRDMA_PROC_NOMSG : RPCRDMA_PROC_MSG;
        if (one_in(30))
            m.proc = below(7);
        if (one_in(50))
            m.vers = below(4);
        std::uint64_t have = 0;
        if (m.proc == RPCRDMA_PROC_MSG || one_in(10)) {
            m.body = body(one_in(50) ? 0 : m.xid, 4 + std::size_t{below(50)} * 4);
            have = m.body.size();
        }
        std::uint64_t end = m.proc == RPCRDMA_PROC_MSG ? 4 : 0;
        for (std::uint32_t chunks = below(5); chunks > 0; chunks--) {
            const bool base = m.reads.empty() && m.proc == RPCRDMA_PROC_NOMSG;
            std::uint64_t position = base ? 0 : end + std::uint64_t{below(10)} * 4;
            if (!base && position > have && !one_in(10))
                position = have;
            if (one_in(40))
                position = random_() % 300;
            std::uint64_t sum = 0;
            for (std::uint32_t segments = 1 + below(4); segments > 0; segments--) {
                m.reads.push_back({static_cast<std::uint32_t>(position), segment()});
                sum += m.reads.back().target.length;
            }
            const std::uint64_t rounded = (sum + 3) / 4 * 4;
            have = base ? sum : have + rounded;
            end = base ? 4 : position + rounded;
        }
        for (std::uint32_t chunks = below(one_in(20) ? 5 : 3); chunks > 0; chunks--)
            m.writes.push_back(chunk());
        if (one_in(3))
            m.reply = chunk();
        return m;
    }

    /// Overwrites a word, or a byte, or cuts, or appends.
    void bend(Bytes &bytes) {
        const auto size = static_cast<std::uint32_t>(bytes.size());
        switch (size < 4 ? 3 : below(4)) {
        case 0: {
            const std::vector<std::uint32_t> words = {0, 1, 2, 4, 0x80000000, kMax, length()};
            std::ranges::copy(Writer().word(words.at(below(7))).take(),
                              bytes.begin() + std::ptrdiff_t{4} * below(size / 4));
            break;
        }
        case 1:
            bytes[below(size)] = static_cast<std::uint8_t>(random_());
            break;
        case 2:
            bytes.resize(below(size));
            break;
        default:
            bytes.push_back(static_cast<std::uint8_t>(random_()));
        }
    }

  private:
    std::mt19937_64 random_;
};

TEST(HeaderModel, AgreesOnRandomMessages) {
    Generator generate(20170608);
    std::map<std::string, int> seen;
    for (int i = 0; i < 60000; i++) {
        Bytes bytes = encode(generate.message());
        while (generate.one_in(4))
            generate.bend(bytes);
        const std::string text = differences(bytes, kLimits);
        ASSERT_EQ(text, "") << "message " << i << " of " << bytes.size() << " bytes";
        seen[verdict_of(bytes)]++;
    }
    // A generator that lost touch with one of the rules would prove nothing about it.
    EXPECT_EQ(seen.size(), std::size_t{RPCRDMA_HDR_VERDICTS});
    EXPECT_GT(seen["ok"], 15000);
    for (const auto &[verdict, count] : seen)
        EXPECT_GT(count, 100) << verdict;
}

TEST(HeaderModel, AgreesOnNoise) {
    std::mt19937 random(8166);
    for (int i = 0; i < 20000; i++) {
        Bytes bytes(random() % 200);
        for (auto &b : bytes)
            b = static_cast<std::uint8_t>(random());
        ASSERT_EQ(differences(bytes, kLimits), "") << "noise " << i;
    }
}

// A 16 MiB header of as many chunks as there is room for. Code that walks the list once per chunk
// would be at it for hours.
TEST(HeaderCost, IsLinearInTheLength) {
    constexpr std::uint32_t kMany = 350000;
    Message reads = call();
    reads.body = body(reads.xid, std::size_t{8} * (kMany + 1));
    Message writes = call();
    for (std::uint32_t i = 0; i < kMany; i++) {
        reads.reads.push_back({8 + i * 8, {0, 4, 0}});
        writes.writes.push_back({{0, 4, 0}});
    }
    const auto start = std::chrono::steady_clock::now();
    for (const auto *m : {&reads, &writes}) {
        const Decoded hdr(*m, kNoLimits);
        rpcrdma_hdr_read_chunk read{};
        rpcrdma_hdr_write_chunk write{};
        std::uint32_t count = 0;
        while (rpcrdma_hdr_next_read_chunk(hdr.data(), &hdr.hdr(), &read) ||
               rpcrdma_hdr_next_write_chunk(hdr.data(), &hdr.hdr(), &write))
            count++;
        EXPECT_EQ(count, kMany);
        EXPECT_EQ(rpcrdma_hdr_invalidate_handle(hdr.data(), &hdr.hdr()), 0U);
        EXPECT_FALSE(hdr.reply({1, nullptr, 0}).empty());
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

} // namespace
