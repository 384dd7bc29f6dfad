// SPDX-License-Identifier: GPL-2.0-only
// Which calls may have a reduced argument (RFC 8267).
extern "C" {
#include "binding.h"
}

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace {

constexpr std::uint32_t program_nfs = 100003;

/// An RPC call up to its procedure, behind one byte that puts every word out of alignment.
std::vector<std::uint8_t> call(std::uint32_t program, std::uint32_t version,
                               std::uint32_t procedure) {
    std::vector<std::uint8_t> bytes(1);
    for (const std::uint32_t word : {0x7a000001U, 0U, 2U, program, version, procedure})
        for (int shift = 24; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<std::uint8_t>(word >> shift));
    return bytes;
}

bool may_reduce(std::uint32_t program, std::uint32_t version, std::uint32_t procedure) {
    const auto bytes = call(program, version, procedure);
    return binding_may_reduce(bytes.data() + 1, static_cast<u32>(bytes.size() - 1));
}

TEST(Binding, OnlyFileDataAndLinkTargetsMayBeReduced) {
    std::set<std::pair<std::uint32_t, std::uint32_t>> reducible;
    for (std::uint32_t version = 0; version < 7; version++)
        for (std::uint32_t procedure = 0; procedure < 30; procedure++)
            if (may_reduce(program_nfs, version, procedure))
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
            EXPECT_FALSE(may_reduce(program, version, procedure)) << program;
}

TEST(Binding, EveryByteOfTheNumbersCounts) {
    const auto whole = call(program_nfs, 3, 7);
    for (std::size_t at = 13; at < whole.size(); at++) {
        auto bytes = whole;
        bytes[at] ^= 0x40;
        EXPECT_FALSE(binding_may_reduce(bytes.data() + 1, BINDING_CALL_SIZE)) << at;
    }
}

TEST(Binding, AMessageThatEndsBeforeItsProcedureHasNothingToReduce) {
    for (u32 length = 0; length < BINDING_CALL_SIZE; length++) {
        auto bytes = call(program_nfs, 3, 7);
        bytes.resize(1 + length);
        EXPECT_FALSE(binding_may_reduce(bytes.data() + 1, length)) << length;
    }
    EXPECT_TRUE(may_reduce(program_nfs, 3, 7));
}

} // namespace
