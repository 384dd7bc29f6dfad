// SPDX-License-Identifier: GPL-2.0-only
// XDR (RFC 4506) as the protocol suite writes and reads it.
#include "rpcrdma/xdr.h"

#include "xdr_bytes.h"

#include <gtest/gtest.h>

#include <limits>

namespace rpcrdma {
namespace {

const Bytes digits = {1, 2, 3, 4, 5, 6, 7, 8, 9};

TEST(XdrEncoder, WritesTheHighestByteFirst) {
    Encoder out;
    out.u32(0x01020304).u64(0x05060708090a0b0cULL).boolean(true).boolean(false);
    EXPECT_EQ(out.bytes(), (Bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 1, 0, 0, 0, 0}));
    EXPECT_EQ(out.size(), 20U);
}

TEST(XdrEncoder, PadsWithZerosToWords) {
    for (std::size_t length = 0; length <= digits.size(); length++) {
        SCOPED_TRACE(length);
        const auto item = View(digits).first(length);
        Bytes padded(item.begin(), item.end());
        while (padded.size() % 4 != 0)
            padded.push_back(0);
        EXPECT_EQ(padding(length), padded.size() - length);
        EXPECT_EQ(Encoder().fixed(item).bytes(), padded);
        auto counted = bytes_of({static_cast<std::uint32_t>(length)});
        counted.insert(counted.end(), padded.begin(), padded.end());
        EXPECT_EQ(Encoder().opaque(item).bytes(), counted);
        EXPECT_EQ(Encoder().raw(item).bytes(), Bytes(item.begin(), item.end()));
    }
    EXPECT_EQ(words_of(Encoder().string("hello").string("").bytes()),
              (Words{5, text("hell"), text("o"), 0}));
}

TEST(XdrDecoder, ReadsWhatTheEncoderWrote) {
    Encoder out;
    out.u32(0xfffefdfc).opaque(View(digits).first(5)).boolean(true).u64(0x8000000000000001ULL);
    out.fixed(View(digits).first(2)).string("").boolean(false).raw(digits);
    Decoder in(out.bytes());
    EXPECT_EQ(in.u32(), 0xfffefdfcU);
    const auto item = in.opaque();
    EXPECT_EQ(Bytes(item.begin(), item.end()), (Bytes{1, 2, 3, 4, 5})) << "without its padding";
    EXPECT_TRUE(in.boolean());
    EXPECT_EQ(in.u64(), 0x8000000000000001ULL);
    const auto fixed = in.fixed(2);
    EXPECT_EQ(Bytes(fixed.begin(), fixed.end()), (Bytes{1, 2}));
    EXPECT_TRUE(in.opaque().empty());
    EXPECT_FALSE(in.boolean());
    EXPECT_TRUE(in.good());
    EXPECT_EQ(in.left(), digits.size());
    EXPECT_EQ(in.at(), out.size() - digits.size());
    EXPECT_EQ(Bytes(in.rest().begin(), in.rest().end()), digits);
}

TEST(XdrDecoder, ReadsNothingBeyondTheEnd) {
    const auto whole = Encoder().u32(1).u64(2).boolean(true).opaque(digits).fixed(digits).bytes();
    for (std::size_t size = 0; size <= whole.size(); size++) {
        const Guarded cut(View(whole).first(size));
        Decoder in(cut.view());
        in.u32();
        in.u64();
        in.boolean();
        in.opaque();
        in.skip(digits.size());
        EXPECT_EQ(in.good(), size == whole.size()) << size;
        EXPECT_LE(in.at(), size);
    }
}

TEST(XdrDecoder, HasNothingMoreAfterAFault) {
    const auto bytes = bytes_of({100, 1, 1, 1});
    Decoder in(bytes);
    EXPECT_TRUE(in.opaque().empty()) << "100 bytes are not there";
    EXPECT_FALSE(in.good());
    EXPECT_EQ(in.u32(), 0U);
    EXPECT_EQ(in.u64(), 0U);
    EXPECT_FALSE(in.boolean());
    EXPECT_TRUE(in.fixed(4).empty());
    EXPECT_FALSE(in.good());
}

TEST(XdrDecoder, AnItemWithoutItsPaddingIsTruncated) {
    for (std::size_t length = 1; length <= 4; length++) {
        auto bytes = Encoder().opaque(View(digits).first(length)).bytes();
        Decoder whole(bytes);
        EXPECT_EQ(whole.opaque().size(), length);
        EXPECT_EQ(whole.left(), 0U);
        bytes.pop_back();
        Decoder cut(bytes);
        EXPECT_TRUE(cut.opaque().empty());
        EXPECT_FALSE(cut.good()) << length;
    }
}

TEST(XdrDecoder, LengthsDoNotWrap) {
    for (const std::uint32_t length : {9U, 0x7fffffffU, 0xfffffffcU, 0xfffffffdU, 0xffffffffU}) {
        const auto bytes = bytes_of({length, 1, 2});
        const Guarded exact(bytes);
        Decoder in(exact.view());
        EXPECT_TRUE(in.opaque().empty());
        EXPECT_FALSE(in.good()) << length;
    }
    const auto most = std::numeric_limits<std::size_t>::max();
    for (const auto length : {most, most - 1, most - 3, most / 2}) {
        const auto bytes = bytes_of({1, 2});
        Decoder in(bytes);
        in.skip(length);
        EXPECT_FALSE(in.good()) << length;
        EXPECT_EQ(in.at(), 0U);
    }
}

TEST(XdrDecoder, BooleansAreZeroOrOne) {
    for (const std::uint32_t value : {2U, 0x100U, 0x01000000U, 0xffffffffU}) {
        const auto bytes = bytes_of({value});
        Decoder in(bytes);
        EXPECT_FALSE(in.boolean());
        EXPECT_FALSE(in.good()) << value;
    }
}

TEST(XdrDecoder, ReadsFromNothing) {
    Decoder in(View{});
    EXPECT_TRUE(in.good());
    EXPECT_TRUE(in.fixed(0).empty());
    EXPECT_TRUE(in.good());
    EXPECT_EQ(in.u32(), 0U);
    EXPECT_FALSE(in.good());
}

TEST(XdrHex, IsShownInWords) {
    EXPECT_EQ(to_hex({}), "");
    EXPECT_EQ(to_hex(digits), "01020304 05060708 09");
    EXPECT_EQ(to_hex(digits, 9), "01020304 05060708 09");
    EXPECT_EQ(to_hex(digits, 5), "01020304 05 ... (9 bytes)");
    EXPECT_EQ(to_hex(Bytes{0xab, 0x00}), "ab00");
}

} // namespace
} // namespace rpcrdma
