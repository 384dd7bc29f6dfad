// SPDX-License-Identifier: GPL-2.0-only
// The private message of RFC 8797: eight bytes, version 1, sizes in KiB less one.
extern "C" {
#include "cm_private.h"
}

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace {

using Message = std::array<std::uint8_t, CM_PRIVATE_SIZE>;

/// The example to vary: remote invalidation, sends of 4 KiB, Receives of 8 KiB.
constexpr Message example = {0xf6, 0xab, 0x0e, 0x18, 1, 1, 3, 7};

struct Decoded {
    bool found;
    cm_private says;
};

Decoded decode(std::span<const std::uint8_t> bytes) {
    // What was there before must not show through.
    Decoded result = {false, {true, 0xdeadbeef, 0xdeadbeef}};
    result.found = cm_private_decode(bytes.data(), static_cast<u32>(bytes.size()), &result.says);
    return result;
}

void expect_default(const Decoded &result) {
    EXPECT_FALSE(result.found);
    EXPECT_FALSE(result.says.remote_invalidation);
    EXPECT_EQ(result.says.send_size, 1024U);
    EXPECT_EQ(result.says.recv_size, 1024U);
}

TEST(CmPrivate, DecodesAMessage) {
    const auto result = decode(example);
    EXPECT_TRUE(result.found);
    EXPECT_TRUE(result.says.remote_invalidation);
    EXPECT_EQ(result.says.send_size, 4096U);
    EXPECT_EQ(result.says.recv_size, 8192U);
}

TEST(CmPrivate, SizesReachFromOneToTwoHundredFiftySixKib) {
    auto message = example;
    message[6] = 0;
    message[7] = 255;
    const auto result = decode(message);
    EXPECT_EQ(result.says.send_size, 1024U);
    EXPECT_EQ(result.says.recv_size, 256U * 1024);
}

TEST(CmPrivate, OnlyTheLowestFlagMeansRemoteInvalidation) {
    auto message = example;
    message[5] = 0xfe; // reserved: ignored on reception
    const auto result = decode(message);
    EXPECT_TRUE(result.found);
    EXPECT_FALSE(result.says.remote_invalidation);
}

TEST(CmPrivate, PaddingBehindTheMessageIsAllowed) {
    std::array<std::uint8_t, 56> padded = {};
    std::ranges::copy(example, padded.begin());
    EXPECT_TRUE(decode(padded).found);
}

TEST(CmPrivate, IsFoundAtAnyOffset) {
    // As much as a connection event can carry, in memory that ends where it does.
    for (std::size_t at = 0; at + example.size() <= 255; at++)
        for (const std::size_t behind : {0U, 1U, 40U}) {
            std::vector<std::uint8_t> bytes(at + example.size() + behind, 0xf6);
            std::ranges::copy(example, bytes.begin() + static_cast<long>(at));
            const auto result = decode(bytes);
            ASSERT_TRUE(result.found) << at;
            EXPECT_EQ(result.says.recv_size, 8192U);
        }
}

TEST(CmPrivate, OneThatIsCutOffIsNoMessage) {
    for (std::size_t length = 1; length < example.size(); length++) {
        std::vector<std::uint8_t> bytes(11);
        bytes.insert(bytes.end(), example.begin(), example.begin() + static_cast<long>(length));
        expect_default(decode(bytes));
    }
}

TEST(CmPrivate, OneOfAnotherVersionHidesNone) {
    auto other = example;
    other[4] = 2;
    std::vector<std::uint8_t> bytes(other.begin(), other.end());
    expect_default(decode(bytes));
    bytes.insert(bytes.end(), example.begin(), example.end());
    EXPECT_TRUE(decode(bytes).found);
}

TEST(CmPrivate, TheFirstCounts) {
    auto second = example;
    second[7] = 0;
    std::vector<std::uint8_t> bytes(example.begin(), example.end());
    bytes.insert(bytes.end(), second.begin(), second.end());
    EXPECT_EQ(decode(bytes).says.recv_size, 8192U);
}

TEST(CmPrivate, EveryShorterLengthIsNoMessage) {
    for (std::size_t length = 0; length < example.size(); length++)
        expect_default(decode(std::span(example).first(length)));
    expect_default(decode({}));
}

TEST(CmPrivate, EveryWrongByteOfMagicOrVersionIsNoMessage) {
    for (std::size_t at = 0; at < 5; at++)
        for (int bit = 0; bit < 8; bit++) {
            auto message = example;
            message[at] ^= static_cast<std::uint8_t>(1 << bit);
            expect_default(decode(message));
        }
}

TEST(CmPrivate, EncodesWhatItDecodes) {
    Message message = {};
    const cm_private ours = {.remote_invalidation = true, .send_size = 4096, .recv_size = 8192};
    cm_private_encode(message.data(), &ours);
    EXPECT_EQ(message, example);
}

TEST(CmPrivate, RoundsSizesDown) {
    for (u32 kib = 1; kib <= 256; kib++)
        for (const u32 more : {0U, 1U, 1023U}) {
            const u32 size = std::min(kib * 1024 + more, 256U * 1024);
            Message message = {};
            const cm_private ours = {
                .remote_invalidation = false, .send_size = size, .recv_size = 1024};
            cm_private_encode(message.data(), &ours);
            const auto back = decode(message);
            ASSERT_TRUE(back.found);
            EXPECT_EQ(back.says.send_size, size / 1024 * 1024);
            EXPECT_EQ(back.says.recv_size, 1024U);
            EXPECT_FALSE(back.says.remote_invalidation);
        }
}

} // namespace
