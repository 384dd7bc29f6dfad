// SPDX-License-Identifier: GPL-2.0-only
// ONC RPC messages (RFC 5531) as the protocol suite writes and reads them.
#include "rpcrdma/rpc.h"

#include "xdr_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rpcrdma {
namespace {

using testing::HasSubstr;

TEST(RpcCall, IsFromRootUnlessToldOtherwise) {
    const auto arguments = bytes_of({0xa1a2a3a4, 0xb1b2b3b4});
    EXPECT_EQ(words_of(encode_call(0x7a000001, {program_nfs, 3, 6}, arguments)),
              (Words{0x7a000001, 0, 2, 100003, 3, 6,                  // call, RPC version
                     1, 28, 0, 7, text("conf"), text("orm"), 0, 0, 0, // AUTH_SYS, user and group 0
                     0, 0,                                            // no verifier
                     0xa1a2a3a4, 0xb1b2b3b4}));
    EXPECT_EQ(words_of(encode_call(5, {program_nfs, 3, 0, Flavor::none})),
              (Words{5, 0, 2, 100003, 3, 0, 0, 0, 0, 0}));
}

TEST(RpcCall, TakesAnyCredentialAndVerifier) {
    const auto arguments = bytes_of({9});
    EXPECT_EQ(words_of(encode_call(5, {1, 2, 3}, {Flavor::gss, {1, 2, 3, 4, 5}}, {Flavor::sys, {6}},
                                   arguments)),
              (Words{5, 0, 2, 1, 2, 3, 6, 5, 0x01020304, 0x05000000, 1, 1, 0x06000000, 9}));
}

TEST(RpcReplyMessage, HasItsResultsBehindTheVerifier) {
    const auto message = bytes_of({5, 1, 0, 6, 3, 0x01020300, 0, 0xa1a2a3a4, 0xb1b2b3b4});
    const auto reply = decode_reply(message);
    ASSERT_TRUE(reply) << reply.error().what;
    EXPECT_EQ(reply->xid, 5U);
    EXPECT_EQ(reply->status, Accept::success);
    EXPECT_EQ(reply->results_at, 28U);
    EXPECT_EQ(reply->results, bytes_of({0xa1a2a3a4, 0xb1b2b3b4}));
}

TEST(RpcReplyMessage, TellsWhatBecameOfTheCall) {
    for (std::uint32_t status = 0; status <= 5; status++) {
        const auto reply = decode_reply(bytes_of({5, 1, 0, 0, 0, status}));
        ASSERT_TRUE(reply) << status;
        EXPECT_EQ(static_cast<std::uint32_t>(reply->status), status);
    }
    EXPECT_FALSE(decode_reply(bytes_of({5, 1, 0, 0, 0, 6}))) << "no such accept_stat";
}

TEST(RpcReplyMessage, TellsWhyTheCallWasDenied) {
    const auto reply = decode_reply(bytes_of({5, 1, 1, 1, 13}));
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().what, "the call was denied: reason 1, 13") << "AUTH_ERROR first";
}

TEST(RpcReplyMessage, IsNoCall) {
    const auto reply = decode_reply(encode_call(5, {program_nfs, 3, 0}));
    ASSERT_FALSE(reply);
    EXPECT_THAT(reply.error().what, HasSubstr("no RPC reply"));
}

TEST(RpcReplyMessage, IsRefusedWhenItEndsBeforeItsResults) {
    const auto message = bytes_of({5, 1, 0, 6, 3, 0x01020300, 0});
    for (std::size_t size = 0; size < message.size(); size++) {
        const Guarded cut(View(message).first(size));
        EXPECT_FALSE(decode_reply(cut.view())) << size;
    }
    EXPECT_TRUE(decode_reply(message));
    EXPECT_FALSE(decode_reply(bytes_of({5, 1, 0, 6, 0xfffffffd, 0, 0, 0})));
}

} // namespace
} // namespace rpcrdma
