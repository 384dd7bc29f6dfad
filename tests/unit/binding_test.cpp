// SPDX-License-Identifier: GPL-2.0-only
// Which arguments and which results may be reduced (RFC 8267).
extern "C" {
#include "binding.h"
}

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace {

constexpr std::uint32_t program_nfs = 100003, auth_sys = 1, rpcsec_gss = 6;

using Words = std::vector<std::uint32_t>;

/// Words as they travel, behind one byte that puts every one of them out of alignment.
std::vector<std::uint8_t> encoded(const Words &words) {
    std::vector<std::uint8_t> bytes(1);
    for (const auto word : words)
        for (int shift = 24; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<std::uint8_t>(word >> shift));
    return bytes;
}

/// A call's header: a credential of so many words, and a verifier.
Words call(std::uint32_t program, std::uint32_t version, std::uint32_t procedure,
           std::uint32_t flavor = auth_sys, const Words &cred = {1, 2, 3, 4, 5},
           const Words &verifier = {}) {
    Words words = {0x7a000001U, 0,         2,      program,
                   version,     procedure, flavor, static_cast<std::uint32_t>(4 * cred.size())};
    words.insert(words.end(), cred.begin(), cred.end());
    words.insert(words.end(), {0, static_cast<std::uint32_t>(4 * verifier.size())});
    words.insert(words.end(), verifier.begin(), verifier.end());
    return words;
}

u32 reducible_from(const Words &words) {
    const auto bytes = encoded(words);
    return binding_reducible_from(bytes.data() + 1, static_cast<u32>(bytes.size() - 1));
}

TEST(Binding, OnlyFileDataAndLinkTargetsMayBeReduced) {
    std::set<std::pair<std::uint32_t, std::uint32_t>> reducible;
    for (std::uint32_t version = 0; version < 7; version++)
        for (std::uint32_t procedure = 0; procedure < 30; procedure++)
            if (reducible_from(call(program_nfs, version, procedure)) != 0)
                reducible.emplace(version, procedure);
    // WRITE and SYMLINK of RFC 1094 and RFC 1813, COMPOUND of RFC 8881.
    EXPECT_EQ(reducible, (decltype(reducible){{2, 8}, {2, 13}, {3, 7}, {3, 10}, {4, 1}}));
}

TEST(Binding, OtherProgramsHaveNothingToReduce) {
    // rpcbind, MOUNT, NLM, NSM, NFSACL, and one off
    for (const std::uint32_t program :
         {100000U, 100005U, 100021U, 100024U, 100227U, program_nfs + 1, 0U, 0xffffffffU})
        for (const auto &[version, procedure] :
             {std::pair{2U, 8U}, {2U, 13U}, {3U, 7U}, {3U, 10U}, {4U, 1U}})
            EXPECT_EQ(reducible_from(call(program, version, procedure)), 0U) << program;
}

TEST(Binding, EveryByteOfTheNumbersCounts) {
    const auto whole = encoded(call(program_nfs, 3, 7));
    for (std::size_t at = 13; at < 1 + BINDING_CALL_SIZE; at++) {
        auto bytes = whole;
        bytes[at] ^= 0x40;
        EXPECT_EQ(binding_reducible_from(bytes.data() + 1, static_cast<u32>(bytes.size() - 1)), 0U)
            << at;
    }
}

// Credential and verifier belong to the header, whatever they hold: what may be reduced begins
// behind them.
TEST(Binding, ArgumentsBeginBehindTheHeader) {
    for (const std::size_t cred : {0, 1, 7, 100})
        for (const std::size_t verifier : {0, 1, 9, 100}) {
            const auto words =
                call(program_nfs, 3, 7, auth_sys, Words(cred, 9), Words(verifier, 8));
            EXPECT_EQ(reducible_from(words), 4 * words.size()) << cred << ' ' << verifier;
        }
}

// An odd length is rounded up.
TEST(Binding, AHeadersOpaquesArePadded) {
    auto words = call(program_nfs, 3, 7, auth_sys, Words(5, 9));
    words[7] = 17;
    EXPECT_EQ(reducible_from(words), 4 * words.size());
}

TEST(Binding, AHeaderThatIsNotCompleteHasNothingBehindIt) {
    const auto bytes = encoded(call(program_nfs, 3, 7, auth_sys, {1, 2, 3}, {4, 5}));
    for (u32 length = 0; length < bytes.size() - 1; length++) {
        const std::vector<std::uint8_t> part(bytes.begin(), bytes.begin() + 1 + length);
        EXPECT_EQ(binding_reducible_from(part.data() + 1, length), 0U) << length;
    }
}

// RFC 5531 allows 400 bytes. Larger lengths must not wrap around either.
TEST(Binding, ACredentialHasABound) {
    EXPECT_NE(reducible_from(call(program_nfs, 3, 7, auth_sys, Words(100))), 0U);
    EXPECT_EQ(reducible_from(call(program_nfs, 3, 7, auth_sys, Words(101))), 0U);
    for (const std::uint32_t length : {0x7fffffffU, 0xfffffff0U, 0xffffffffU}) {
        auto words = call(program_nfs, 3, 7);
        words[7] = length;
        EXPECT_EQ(reducible_from(words), 0U) << length;
    }
}

// RFC 2203: version, procedure, sequence number, service, handle. Of the services only the first
// leaves the arguments as they are.
TEST(Binding, WrappedArgumentsAreNotReduced) {
    const auto with_service = [](std::uint32_t service) {
        return call(program_nfs, 3, 7, rpcsec_gss, {1, 0, 77, service, 0}, {1, 2});
    };
    EXPECT_NE(reducible_from(with_service(1)), 0U);
    for (const std::uint32_t service : {0U, 2U, 3U, 4U, 0xffffffffU})
        EXPECT_EQ(reducible_from(with_service(service)), 0U) << service;
    for (std::size_t length = 0; length < 4; length++)
        EXPECT_EQ(reducible_from(call(program_nfs, 3, 7, rpcsec_gss, Words(length, 1))), 0U)
            << length;
}

TEST(Binding, AChunkHoldsItsOpaqueAndAtMostItsPadding) {
    for (u32 opaque = 0; opaque < 20; opaque++)
        for (u32 chunk = 0; chunk < 30; chunk++)
            EXPECT_EQ(binding_fits(opaque, chunk), chunk >= opaque && chunk <= (opaque + 3) / 4 * 4)
                << opaque << ' ' << chunk;
    EXPECT_FALSE(binding_fits(0xffffffffU, 0));
    EXPECT_FALSE(binding_fits(0, 0xffffffffU));
    EXPECT_TRUE(binding_fits(0xfffffffdU, 0xffffffffU));
}

bool is_nfs4_data(const Words &before, u32 length) {
    const auto bytes = encoded(before);
    return binding_is_nfs4_data(bytes.data() + 1, length);
}

// What stands in front: READ 25, READLINK 27, both with status 0.
TEST(Binding, OnlyReadAndReadlinkHaveResultsToPlace) {
    EXPECT_TRUE(is_nfs4_data({25, 0, 0, 100}, 100));
    EXPECT_TRUE(is_nfs4_data({25, 0, 1, 100}, 100));
    EXPECT_TRUE(is_nfs4_data({25, 0, 1, 0}, 0));
    EXPECT_TRUE(is_nfs4_data({4711, 27, 0, 100}, 100));
    EXPECT_FALSE(is_nfs4_data({25, 0, 2, 100}, 100));
    EXPECT_FALSE(is_nfs4_data({25, 5, 0, 100}, 100));
    EXPECT_FALSE(is_nfs4_data({4711, 27, 5, 100}, 100));
    EXPECT_FALSE(is_nfs4_data({25, 0, 0, 99}, 100));
    // READ_PLUS: the kind of content, an offset of 64 bits, a length.
    EXPECT_FALSE(is_nfs4_data({0, 25, 0, 100}, 100));
    EXPECT_FALSE(is_nfs4_data({0, 0, 27, 100}, 100));
}

} // namespace
