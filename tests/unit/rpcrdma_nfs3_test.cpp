// SPDX-License-Identifier: GPL-2.0-only
// Arguments and results of NFS version 3 (RFC 1813) as the protocol suite writes and reads them.
#include "rpcrdma/nfs3.h"

#include "xdr_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rpcrdma::nfs3 {
namespace {

using testing::HasSubstr;

const Bytes handle = {1, 2, 3, 4, 5};

/// What is behind it, after the handle that all arguments begin with.
Words behind_handle(const Bytes &arguments) {
    const auto words = words_of(arguments);
    EXPECT_GE(words.size(), 3U);
    EXPECT_EQ((Words{words.begin(), words.begin() + 3}), (Words{5, 0x01020304, 0x05000000}));
    return {words.begin() + 3, words.end()};
}

/// `before`, the attributes of a file, and `after`, one behind the other.
Words with_attributes(const Words &before, const Words &after) {
    auto words = before;
    words.push_back(1);
    words.insert(words.end(), 21, 0x99999999);
    words.insert(words.end(), after.begin(), after.end());
    return words;
}

RpcReply reply_of(const Bytes &results) {
    return {.xid = 5, .results = results};
}

RpcReply reply_with(const Words &results) {
    return reply_of(bytes_of(results));
}

/// Results are refused wherever they are cut before `needed` bytes.
template <typename Decode>
void expect_needed(std::size_t needed, const Words &results, const Decode &decode) {
    const auto bytes = bytes_of(results);
    ASSERT_LE(needed, bytes.size());
    for (std::size_t size = 0; size < needed; size++)
        EXPECT_FALSE(decode(reply_of({bytes.data(), bytes.data() + size})))
            << size << " bytes of " << to_hex(bytes);
    EXPECT_TRUE(decode(reply_of(bytes))) << to_hex(bytes);
}

TEST(Nfs3Arguments, BeginWithTheHandle) {
    EXPECT_EQ(behind_handle(handle_args(handle)), Words{});
    EXPECT_EQ(behind_handle(name_args(handle, "name5")), (Words{5, text("name"), text("5")}));
}

TEST(Nfs3Arguments, OfWhatMakesFilesHaveAMode) {
    // A mode, and neither user, group, size nor times.
    EXPECT_EQ(behind_handle(create_args(handle, "name")),
              (Words{4, text("name"), 0, 1, 0644, 0, 0, 0, 0, 0}));
    EXPECT_EQ(behind_handle(mkdir_args(handle, "name")),
              (Words{4, text("name"), 1, 0755, 0, 0, 0, 0, 0}));
    EXPECT_EQ(behind_handle(symlink_args(handle, "name", "there")),
              (Words{4, text("name"), 1, 0777, 0, 0, 0, 0, 0, 5, text("ther"), text("e")}));
}

TEST(Nfs3Arguments, OfReadAndWriteHaveAPlaceAndALength) {
    EXPECT_EQ(behind_handle(read_args(handle, 0x1122334455667788ULL, 4096)),
              (Words{0x11223344, 0x55667788, 4096}));
    // Count, FILE_SYNC, and the length of the data that follows.
    EXPECT_EQ(behind_handle(write_args(handle, 0x1122334455667788ULL, 4095)),
              (Words{0x11223344, 0x55667788, 4095, 2, 4095}));
}

TEST(Nfs3Arguments, OfReaddirBeginWithTheFirstEntry) {
    EXPECT_EQ(behind_handle(readdir_args(handle, 512)), (Words{0, 0, 0, 0, 512}));
    EXPECT_EQ(behind_handle(readdirplus_args(handle, 512)), (Words{0, 0, 0, 0, 512, 512}));
}

TEST(Nfs3Results, AreOfACallThatWentWell) {
    EXPECT_TRUE(status_only(reply_with({0})));
    const auto wrong = status_only(reply_with({13}));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().what, "the NFS status is 13");
    const auto empty = status_only(reply_of({0, 0, 0}));
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().what, "the result is empty");
    auto refused = reply_with({0});
    refused.status = Accept::garbage_args;
    const auto answer = status_only(refused);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().what, "accept_stat is 4");
}

// Attributes or not: what follows is found.
TEST(Nfs3Results, OfReadHoldTheData) {
    const Words tail = {3, 1, 3, 0x61626300};
    for (const auto &words : {with_attributes({0}, tail), Words{0, 0, 3, 1, 3, 0x61626300}}) {
        const auto read = read_result(reply_with(words));
        ASSERT_TRUE(read) << read.error().what;
        EXPECT_EQ(read->count, 3U);
        EXPECT_TRUE(read->eof);
        EXPECT_EQ(read->length, 3U);
        EXPECT_EQ(read->data, (Bytes{'a', 'b', 'c', 0}));
        expect_needed(4 * (words.size() - 1), words, read_result);
    }
    const auto reduced = read_result(reply_with({0, 0, 4096, 0, 4096}));
    ASSERT_TRUE(reduced) << reduced.error().what;
    EXPECT_FALSE(reduced->eof);
    EXPECT_EQ(reduced->length, 4096U);
    EXPECT_TRUE(reduced->data.empty());
}

TEST(Nfs3Results, OfReadlinkHoldThePath) {
    const auto words = with_attributes({0}, {5, text("ther"), text("e")});
    const auto read = readlink_result(reply_with(words));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(read->count, 5U);
    EXPECT_EQ(read->length, 5U);
    EXPECT_EQ(read->data, bytes_of({text("ther"), text("e")}));
    expect_needed(4 * (words.size() - 2), words, readlink_result);
}

TEST(Nfs3Results, OfWriteCountBehindBothAttributes) {
    // Size and times from before, then attributes from after; each may be left out.
    const Words before = {0, 1, 9, 9, 9, 9, 9, 9};
    const Words tail = {4096, 2, 7, 7}; // count, committed, verifier
    const std::vector<Words> all = {with_attributes(before, tail),
                                    with_attributes({0, 0}, tail),
                                    {0, 1, 9, 9, 9, 9, 9, 9, 0, 4096, 2, 7, 7},
                                    {0, 0, 0, 4096, 2, 7, 7}};
    for (const auto &words : all) {
        const auto written = written_count(reply_with(words));
        ASSERT_TRUE(written) << written.error().what;
        EXPECT_EQ(*written, 4096U);
        expect_needed(4 * (words.size() - 3), words, written_count);
    }
}

TEST(Nfs3Results, OfCreateHoldTheHandle) {
    const Words words = {0, 1, 5, 0x01020304, 0x05000000};
    const auto created = created_handle(reply_with(words));
    ASSERT_TRUE(created) << created.error().what;
    EXPECT_EQ(*created, handle);
    expect_needed(4 * words.size(), words, created_handle);
    const auto none = created_handle(reply_with({0, 0, 0}));
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().what, "the server returns no file handle");
}

TEST(Nfs3Results, OfFsinfoTellTheLargestReadAndWrite) {
    // Each: at most, preferred, a multiple of.
    const auto words = with_attributes({0}, {1048576, 65536, 4096, 524288, 32768, 512});
    const auto largest = fsinfo_result(reply_with(words));
    ASSERT_TRUE(largest) << largest.error().what;
    EXPECT_EQ(largest->read, 1048576U);
    EXPECT_EQ(largest->write, 524288U);
    expect_needed(4 * (words.size() - 2), words, fsinfo_result);
}

TEST(Nfs3Results, OfReaddirAreCounted) {
    const Words entry = {1, 0, 77, 5, text("name"), text("5"), 0, 3}; // file id, name, cookie
    for (const std::uint32_t whole : {0U, 1U}) {
        for (const unsigned entries : {0U, 1U, 3U}) {
            Words list = {8, 8}; // verifier
            for (unsigned i = 0; i < entries; i++)
                list.insert(list.end(), entry.begin(), entry.end());
            list.insert(list.end(), {0, whole});
            const auto words = with_attributes({0}, list);
            const auto listing = readdir_result(reply_with(words));
            ASSERT_TRUE(listing) << listing.error().what;
            EXPECT_EQ(listing->entries, entries);
            EXPECT_EQ(listing->whole, whole == 1);
            expect_needed(4 * words.size(), words, readdir_result);
        }
    }
}

TEST(Nfs3Results, SayThatTheyAreTruncated) {
    const auto read = read_result(reply_with({0, 0, 3, 1}));
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().what, HasSubstr("truncated"));
    EXPECT_FALSE(read_result(reply_with({0, 2, 3, 1, 3}))) << "a discriminator is 0 or 1";
}

} // namespace
} // namespace rpcrdma::nfs3
