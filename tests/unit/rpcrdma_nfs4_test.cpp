// SPDX-License-Identifier: GPL-2.0-only
// Compounds and callbacks of NFS version 4.1 (RFC 8881) as the protocol suite writes and reads
// them.
#include "rpcrdma/nfs4.h"

#include "xdr_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace rpcrdma::nfs4 {
namespace {

using testing::HasSubstr;

constexpr SessionId session = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4};
constexpr StateId state = {5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8};
constexpr std::uint64_t client_id = 0x1122334455667788ULL;

Words operator+(Words words, const Words &more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

const Words session_words = {0x01010101, 0x02020202, 0x03030303, 0x04040404};
const Words state_words = {0x05050505, 0x06060606, 0x07070707, 0x08080808};
const Words anonymous = {0, 0, 0, 0};
const Words id_words = {0x11223344, 0x55667788};

/// One operation, of a compound that holds nothing else.
Words operation(const Compound &compound) {
    const auto words = words_of(compound.bytes());
    EXPECT_EQ(compound.size(), 4 * words.size());
    EXPECT_GE(words.size(), 3U);
    EXPECT_EQ((Words{words.begin(), words.begin() + 3}), (Words{0, 1, 1})) << "tag, minor, count";
    return {words.begin() + 3, words.end()};
}

TEST(Nfs4Compound, CountsItsOperations) {
    auto compound = Compound::in(session, 7);
    EXPECT_EQ(words_of(compound.bytes()), (Words{0, 1, 1, 53} + session_words + Words{7, 0, 0, 0}));
    compound.putrootfh().lookup("export").getfh();
    EXPECT_EQ(words_of(compound.bytes()),
              (Words{0, 1, 4, 53} + session_words +
               Words{7, 0, 0, 0, 24, 15, 6, text("expo"), text("rt"), 10}));
    EXPECT_EQ(compound.size(), compound.bytes().size()) << "where the next operation begins";
}

TEST(Nfs4Compound, IsOfAnyMinorVersion) {
    EXPECT_EQ(words_of(Compound(0).bytes()), (Words{0, 0, 0}));
    EXPECT_EQ(words_of(Compound::in(session, 7, 2).bytes()),
              (Words{0, 2, 1, 53} + session_words + Words{7, 0, 0, 0}));
}

TEST(Nfs4Compound, BeginsAndEndsASession) {
    EXPECT_EQ(operation(Compound().exchange_id("owner", client_id)),
              (Words{42} + id_words + Words{5, text("owne"), text("r"), 0, 0, 0}));
    // Header padding, request, response, cached response, operations, requests, no RDMA ird: first
    // of the fore channel, then of the back channel. Callbacks with AUTH_NONE.
    const Words fore = {0, 1048576, 1048576, 4096, 16, 4, 0};
    const Words back = {0, 4096, 4096, 4096, 16, 4, 0};
    EXPECT_EQ(operation(Compound().create_session(client_id, 9, true, 0x40000000)),
              (Words{43} + id_words + Words{9, 2} + fore + back + Words{0x40000000, 1, 0}));
    EXPECT_EQ(operation(Compound().create_session(client_id, 9, false, 0x40000000)),
              (Words{43} + id_words + Words{9, 0} + fore + back + Words{0x40000000, 1, 0}));
    EXPECT_EQ(operation(Compound().reclaim_complete()), (Words{58, 0}));
    EXPECT_EQ(operation(Compound().destroy_session(session)), Words{44} + session_words);
    EXPECT_EQ(operation(Compound().destroy_clientid(client_id)), Words{57} + id_words);
}

TEST(Nfs4Compound, GoesToFiles) {
    EXPECT_EQ(operation(Compound().putfh(Bytes{1, 2, 3, 4, 5})),
              (Words{22, 5, 0x01020304, 0x05000000}));
    EXPECT_EQ(operation(Compound().readlink()), Words{27});
    // Cookie, verifier, bytes of names and of all, then the bits of type and file id.
    EXPECT_EQ(operation(Compound().readdir(512)), (Words{26, 0, 0, 0, 0, 512, 512, 1, 0x00100002}));
}

TEST(Nfs4Compound, MovesData) {
    EXPECT_EQ(operation(Compound().read(client_id, 4096)),
              (Words{25} + anonymous + id_words + Words{4096}));
    EXPECT_EQ(operation(Compound().read_plus(client_id, 4096)),
              (Words{68} + anonymous + id_words + Words{4096}));
    // FILE_SYNC, then the length, and whatever is put behind it.
    EXPECT_EQ(operation(Compound().write_head(client_id, 3).raw(Bytes{'a', 'b', 'c', 0})),
              (Words{38} + anonymous + id_words + Words{2, 3, text("abc")}));
}

TEST(Nfs4Compound, OpensAndCloses) {
    // Sequence id, read with a wish for a delegation, deny nothing; no creation, by name.
    EXPECT_EQ(operation(Compound().open_read(client_id, "own", "name")),
              (Words{18, 0, 0x101, 0} + id_words + Words{3, text("own"), 0, 0, 4, text("name")}));
    EXPECT_EQ(operation(Compound().delegreturn(state)), Words{8} + state_words);
    EXPECT_EQ(operation(Compound().close(state)), (Words{4, 0} + state_words));
}

/// The results of operations, behind status, tag and count.
RpcReply reply_with(const Words &operations) {
    return {.xid = 5, .results = bytes_of(Words{0, 0, 1} + operations)};
}

/// What `decode` makes of the one result of `operations`.
template <typename Decode> auto decoded(const Words &operations, const Decode &decode) {
    const auto reply = reply_with(operations);
    auto results = Results::of(reply);
    EXPECT_TRUE(results) << results.error().what;
    return decode(*results);
}

template <typename Decode> std::string complaint(const Words &operations, const Decode &decode) {
    const auto result = decoded(operations, decode);
    return result ? "nothing is wrong" : result.error().what;
}

/// A result is refused wherever it is cut before its last `spare` words.
template <typename Decode>
void expect_needed(const Words &operations, const Decode &decode, std::size_t spare = 0) {
    const auto whole = reply_with(operations);
    for (std::size_t size = 0; size < whole.results.size() - 4 * spare; size++) {
        auto cut = whole;
        cut.results.resize(size);
        auto results = Results::of(cut);
        EXPECT_EQ(results.has_value(), size >= 12) << size;
        if (results) {
            EXPECT_FALSE(decode(*results)) << size << " bytes of " << to_hex(whole.results);
        }
    }
    EXPECT_TRUE(decoded(operations, decode)) << to_hex(whole.results);
}

TEST(Nfs4Results, AreWalkedOver) {
    const auto reply =
        reply_with(Words{53, 0} + session_words + Words{7, 0, 0, 0, 0} + Words{22, 0, 15, 2});
    auto results = Results::of(reply);
    ASSERT_TRUE(results) << results.error().what;
    EXPECT_TRUE(results->sequence());
    EXPECT_TRUE(results->plain(Op::putfh));
    const auto lookup = results->plain(Op::lookup);
    ASSERT_FALSE(lookup);
    EXPECT_EQ(lookup.error().what, "operation 15 ends with NFS status 2");
    EXPECT_FALSE(results->plain(Op::getfh)) << "there are no more";
}

TEST(Nfs4Results, AreOfACallThatWasUnderstood) {
    auto reply = reply_with({});
    reply.status = Accept::garbage_args;
    const auto results = Results::of(reply);
    ASSERT_FALSE(results);
    EXPECT_EQ(results.error().what, "accept_stat is 4");
}

// The compound's status is that of its last operation, which a test may look for.
TEST(Nfs4Results, TellTheStatusOfAnOperation) {
    const RpcReply reply = {.xid = 5, .results = bytes_of({21, 3, text("tag"), 1, 25, 21})};
    auto results = Results::of(reply);
    ASSERT_TRUE(results) << results.error().what;
    EXPECT_EQ(results->status(), 21U);
    const auto status = results->status_of(Op::read);
    ASSERT_TRUE(status) << status.error().what;
    EXPECT_EQ(*status, 21U);
}

TEST(Nfs4Results, AreOfTheOperationThatIsNext) {
    EXPECT_EQ(complaint({22, 0}, [](Results &results) { return results.plain(Op::lookup); }),
              "the COMPOUND (status 0) has no result for operation 15");
}

TEST(Nfs4Results, OfExchangeIdHoldTheClient) {
    std::uint32_t sequence_id = 0;
    const auto decode = [&](Results &results) { return results.exchange_id(&sequence_id); };
    const auto words = Words{42, 0} + id_words + Words{9};
    EXPECT_EQ(decoded(words, decode).value_or(0), client_id);
    EXPECT_EQ(sequence_id, 9U);
    expect_needed(words, decode);
}

TEST(Nfs4Results, OfCreateSessionHoldTheSession) {
    bool back_channel = false;
    const auto decode = [&](Results &results) { return results.create_session(&back_channel); };
    const auto words = Words{43, 0} + session_words + Words{9, 2};
    EXPECT_EQ(decoded(words, decode).value_or(SessionId()), session);
    EXPECT_TRUE(back_channel);
    expect_needed(words, decode);
    EXPECT_TRUE(decoded(Words{43, 0} + session_words + Words{9, 1}, decode));
    EXPECT_FALSE(back_channel) << "the session persists, but that is another flag";
    EXPECT_TRUE(decoded(words, [](Results &results) { return results.create_session(); }));
}

TEST(Nfs4Results, OfGetfhHoldTheHandle) {
    const auto decode = [](Results &results) { return results.getfh(); };
    const Words words = {10, 0, 5, 0x01020304, 0x05000000};
    EXPECT_EQ(decoded(words, decode).value_or(Bytes()), (Bytes{1, 2, 3, 4, 5}));
    expect_needed(words, decode);
}

TEST(Nfs4Results, OfSequenceAreWhole) {
    expect_needed(Words{53, 0} + session_words + Words{7, 0, 0, 0, 0, 22, 0},
                  [](Results &results) -> lab::Result<void> {
                      TRY(results.sequence());
                      return results.plain(Op::putfh);
                  });
}

TEST(Nfs4Results, OfReadHoldTheData) {
    const auto here = [](Results &results) { return results.read(false); };
    const Words words = {25, 0, 1, 3, text("abc")};
    const auto read = decoded(words, here);
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_TRUE(read->eof);
    EXPECT_EQ(read->length, 3U);
    EXPECT_EQ(read->bytes, (Bytes{'a', 'b', 'c'}));
    expect_needed(words, here);

    const auto elsewhere = [](Results &results) { return results.read(true); };
    const auto reduced = decoded({25, 0, 0, 4096}, elsewhere);
    ASSERT_TRUE(reduced) << reduced.error().what;
    EXPECT_FALSE(reduced->eof);
    EXPECT_EQ(reduced->length, 4096U);
    EXPECT_TRUE(reduced->bytes.empty());
    EXPECT_EQ(complaint({25, 0, 0, 4096}, here), "the result of READ is truncated");
}

TEST(Nfs4Results, OfReadlinkHoldThePath) {
    const auto here = [](Results &results) { return results.readlink(false); };
    const Words words = {27, 0, 5, text("ther"), text("e")};
    const auto read = decoded(words, here);
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(read->bytes, (Bytes{'t', 'h', 'e', 'r', 'e'}));
    expect_needed(words, here);
    const auto reduced =
        decoded({27, 0, 5}, [](Results &results) { return results.readlink(true); });
    ASSERT_TRUE(reduced) << reduced.error().what;
    EXPECT_EQ(reduced->length, 5U);
}

TEST(Nfs4Results, OfReadPlusHaveTheirHolesFilled) {
    const auto decode = [](Results &results) { return results.read_plus(); };
    // Data at 0, a hole of 2 bytes, data again.
    const Words words = {68, 0, 1, 3, 0, 0, 0, 3, text("abc"), 1,
                         0,  3, 0, 2, 0, 0, 5, 1, text("d")};
    const auto read = decoded(words, decode);
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_TRUE(read->eof);
    EXPECT_EQ(read->bytes, (Bytes{'a', 'b', 'c', 0, 0, 'd'}));
    EXPECT_EQ(read->length, 6U);
    expect_needed(words, decode);
    EXPECT_THAT(complaint({68, 0, 1, 1, 1, 0, 0, 1, 0}, decode), HasSubstr("longer than"));
    // Nor are several holes together, however many a reply names.
    EXPECT_THAT(complaint({68, 0, 1, 2, 1, 0, 0, 0, 1 << 20, 1, 0, 0, 0, 1}, decode),
                HasSubstr("longer than"));
    EXPECT_THAT(complaint({68, 0, 1, 1, 2, 0, 0, 0, 0}, decode), HasSubstr("content of kind 2"));
    EXPECT_THAT(complaint({68, 0, 1, 0xffffffff}, decode), HasSubstr("truncated"));
}

TEST(Nfs4Results, OfWriteTellTheCount) {
    const auto decode = [](Results &results) { return results.write(); };
    const Words words = {38, 0, 4096, 2, 7, 7};
    EXPECT_EQ(decoded(words, decode).value_or(0), 4096U);
    expect_needed(words, decode);
}

TEST(Nfs4Results, OfOpenHoldTheState) {
    const auto decode = [](Results &results) { return results.open(); };
    // State, change info, flags, a bitmap of two words: what every OPEN returns.
    const auto head = Words{18, 0} + state_words + Words{1, 0, 8, 0, 9, 4, 2, 0xf, 0xf};
    const auto plain = decoded(head + Words{0}, decode);
    ASSERT_TRUE(plain) << plain.error().what;
    EXPECT_EQ(plain->state, state);
    EXPECT_FALSE(plain->delegated);
    expect_needed(head + Words{0}, decode);

    // Whom it is for: type, flags, mask, name. To write there is a space limit before that.
    const Words whom = {0, 0, 1, 3, text("who")};
    const std::vector<Words> delegations = {Words{1} + session_words + Words{0} + whom,
                                            Words{2} + session_words + Words{0, 1, 0, 99} + whom};
    for (const auto &delegation : delegations) {
        const auto opened = decoded(head + delegation, decode);
        ASSERT_TRUE(opened) << opened.error().what;
        EXPECT_EQ(opened->state, state);
        EXPECT_TRUE(opened->delegated);
        EXPECT_EQ(opened->delegation, session) << "any 16 bytes";
        expect_needed(head + delegation, decode);
        // Another operation follows.
        EXPECT_TRUE(decoded(head + delegation + Words{10, 0, 0},
                            [](Results &results) -> lab::Result<Bytes> {
                                TRY(results.open());
                                return results.getfh();
                            }));
    }
}

/// A CB_COMPOUND as a server calls it, with AUTH_SYS credentials of 5 bytes: `ops` operations, of
/// which the first is a CB_SEQUENCE that refers to `referring` calls.
Words callback(std::uint32_t ops, std::uint32_t referring = 0) {
    return Words{5, 0, 2, 0x40000000, 1, 1, 1, 5, 0x01020304, 0x05000000, 0, 0} +
           Words{3, text("tag"), 1, 0, ops, 11} + session_words + Words{7, 2, 3, 0, referring};
}

const Words recall = Words{4} + state_words + Words{0, 1, 0x0a000000};

TEST(Nfs4Callback, IsASequenceAndPerhapsARecall) {
    for (const bool recalls : {false, true}) {
        const auto words = recalls ? callback(2) + recall : callback(1);
        const auto found = decode_callback(bytes_of(words));
        ASSERT_TRUE(found) << found.error().what;
        EXPECT_EQ(found->xid, 5U);
        EXPECT_EQ(found->program, 0x40000000U);
        EXPECT_EQ(found->procedure, 1U);
        EXPECT_EQ(found->session, session);
        EXPECT_EQ(found->sequence_id, 7U);
        EXPECT_EQ(found->slot, 2U);
        EXPECT_EQ(found->highest_slot, 3U);
        EXPECT_EQ(found->recalls, recalls);
        EXPECT_EQ(found->delegation, recalls ? state : StateId());
    }
    const auto other = decode_callback(bytes_of(callback(2) + Words{5, 0}));
    ASSERT_TRUE(other) << other.error().what;
    EXPECT_FALSE(other->recalls) << "CB_LAYOUTRECALL is another";
}

TEST(Nfs4Callback, IsRefusedWhenItIsCut) {
    const auto with_recall = callback(2) + recall;
    for (const auto &[words, spare] : {std::pair(callback(1), 0U), std::pair(with_recall, 3U)}) {
        const auto bytes = bytes_of(words);
        for (std::size_t size = 0; size < bytes.size() - 4 * spare; size++) {
            const Guarded cut(View(bytes).first(size));
            EXPECT_FALSE(decode_callback(cut.view())) << size << " of " << to_hex(bytes);
        }
        EXPECT_TRUE(decode_callback(bytes));
    }
}

TEST(Nfs4Callback, IsRefusedWhenItIsNotUnderstood) {
    const auto wrong = [](const Words &words) {
        const auto found = decode_callback(bytes_of(words));
        return found ? "nothing is wrong" : found.error().what;
    };
    auto reply = callback(1);
    reply[1] = 1;
    EXPECT_EQ(wrong(reply), "this is no call");
    EXPECT_EQ(wrong(callback(1, 1)), "a callback refers to calls of ours");
    EXPECT_EQ(wrong(callback(0)), "a callback does not begin with CB_SEQUENCE");
    auto other = callback(1);
    other[17] = 3; // CB_GETATTR
    EXPECT_EQ(wrong(other), "a callback does not begin with CB_SEQUENCE");
}

TEST(Nfs4Callback, IsAnsweredAsASuccess) {
    auto call = decode_callback(bytes_of(callback(2) + recall));
    ASSERT_TRUE(call) << call.error().what;
    const auto sequence = Words{11, 0} + session_words + Words{7, 2, 3, 3};
    const auto message = callback_reply(*call);
    EXPECT_EQ(words_of(message),
              (Words{5, 1, 0, 0, 0, 0} + Words{0, 0, 2} + sequence + Words{4, 0}));
    const auto reply = decode_reply(message);
    ASSERT_TRUE(reply) << reply.error().what;
    EXPECT_EQ(reply->status, Accept::success);
    call->recalls = false;
    EXPECT_EQ(words_of(callback_reply(*call)),
              (Words{5, 1, 0, 0, 0, 0} + Words{0, 0, 1} + sequence));
}

} // namespace
} // namespace rpcrdma::nfs4
