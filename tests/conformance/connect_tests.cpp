// SPDX-License-Identifier: GPL-2.0-only
// How a connection begins: private messages (RFC 8797) and first credits (RFC 8166 section 3.3).
#include "context.h"

#include <array>

namespace conform {

using rpcrdma::PrivateMessage;

namespace {

Bytes altered(std::size_t at, std::uint8_t value) {
    auto bytes = PrivateMessage().encode();
    bytes[at] = value;
    return bytes;
}

/// Connects with these bytes for a private message, and is served.
void expect_served_with(Context &context, const Bytes &private_data) {
    auto client = context.connect({.private_data = private_data});
    client.expect_alive();
    client.expect_alive();
}

void without_message(Context &context) {
    expect_served_with(context, {});
}

void with_message(Context &context) {
    expect_served_with(context, PrivateMessage().encode());
}

void with_other_identifier(Context &context) {
    for (std::size_t byte = 0; byte < 4; byte++)
        expect_served_with(context, altered(byte, 0));
}

void with_other_version(Context &context) {
    for (const std::uint8_t version : {0, 2, 255})
        expect_served_with(context, altered(4, version));
}

void with_reserved_bits(Context &context) {
    expect_served_with(context, altered(5, 0xfe));
}

void with_wrong_length(Context &context) {
    auto bytes = PrivateMessage().encode();
    for (const std::size_t length : {1, 4, 7}) {
        bytes.resize(length);
        expect_served_with(context, bytes);
    }
    bytes = PrivateMessage().encode();
    bytes.resize(40, 0xff);
    expect_served_with(context, bytes);
}

void with_extreme_sizes(Context &context) {
    for (const std::uint8_t size : {0, 255})
        expect_served_with(context,
                           PrivateMessage{.send_size = size, .receive_size = size}.encode());
}

void server_message(Context &context) {
    auto client = context.connect();
    const auto message = PrivateMessage::decode(client.connection().private_data());
    if (!message)
        throw NotApplicable{"the server sends no private message"};
    check(message->version == 1, fmt::format("its version is {}", message->version));
    check((message->flags & 0xfe) == 0,
          fmt::format("reserved bits are set: flags {:#x}", message->flags));
}

void first_credit(Context &context) {
    // One Receive is all that the first reply may count on.
    auto client = context.connect({.receives = 1, .receive_size = 1024});
    for (int call = 0; call < 4; call++)
        client.expect_alive();
}

void requested_credits(Context &context) {
    auto client = context.connect();
    for (const std::uint32_t credits : {0U, 1U, 1000U, 0xffffffffU}) {
        const auto answer = client.call(Header{.credits = credits}, rpcrdma::nfs3::null);
        check(answer.message.proc == Proc::msg, "the call was not answered");
    }
}

void all_credits(Context &context) {
    auto client = context.connect({.receives = 512});
    client.expect_alive();
    // What is granted may be used at once, and grows by being used.
    for (int round = 0; round < 4; round++) {
        const auto granted = std::min(client.credits(), 500U);
        std::vector<std::uint32_t> waiting;
        for (std::uint32_t call = 0; call < granted; call++) {
            Header header{.xid = client.next_xid(), .credits = 500};
            client.send(header, null_call(header.xid));
            waiting.push_back(header.xid);
        }
        while (!waiting.empty()) {
            const auto message = client.receive();
            check(std::erase(waiting, message.xid) == 1,
                  fmt::format("a reply to XID {:#x}, which is not outstanding", message.xid));
            check(message.proc == Proc::msg, "a call was refused");
        }
    }
}

/// A private message from the server says "R" only; without ours nothing may be invalidated.
void no_invalidation(Context &context) {
    auto client = context.connect();
    auto memory = client.memory(8192, Access::write);
    const auto answer = client.call(Header{.reply = Chunk{memory.segment()}}, rpcrdma::nfs3::null);
    check(!answer.invalidated, "the server invalidates a handle, though this was not offered");
}

} // namespace

std::span<const Test> connect_tests() {
    static const std::array tests = {
        Test{"connect.without-message",
             {"8166-3.3.3-2", "8166-3.3.3-3", "8797-5.1-1"},
             "a connection without a private message is served",
             without_message},
        Test{"connect.with-message",
             {"8166-3.3.3-2", "8166-4.2.2-1", "8166-4.3.1-1", "8166-4.6.1-1", "8166-4.6.2-1"},
             "a connection with a private message is served",
             with_message},
        Test{"connect.other-identifier",
             {"8797-5.2-1", "8797-5.1-1"},
             "a private message with another format identifier is ignored",
             with_other_identifier},
        Test{"connect.other-version",
             {"8797-5.1-1"},
             "a private message of an unknown version is ignored",
             with_other_version},
        Test{"connect.reserved-bits",
             {"8797-4-3"},
             "reserved bits of a private message are ignored",
             with_reserved_bits},
        Test{"connect.wrong-length",
             {"8797-5.1-1"},
             "a private message too short or too long does no harm",
             with_wrong_length},
        Test{"connect.extreme-sizes",
             {"8166-3.3.3-2"},
             "advertised sizes of 1 KiB and 256 KiB are taken",
             with_extreme_sizes},
        Test{"connect.server-message",
             {"8797-4-2"},
             "the server's private message has no reserved bits set",
             server_message},
        Test{"connect.no-invalidation",
             {"8797-4.1-2"},
             "no remote invalidation unless it was offered",
             no_invalidation},
        Test{"credits.first",
             {"8166-3.3.1-2", "8166-3.3.3-2"},
             "a client with one Receive of 1024 bytes is served",
             first_credit},
        Test{"credits.requested",
             {"8166-3.3.1-2"},
             "any requested credit value is answered with a grant of at least 1",
             requested_credits},
        Test{"credits.all",
             {"8166-3.3.1-3"},
             "as many calls as were granted are taken at once",
             all_credits},
    };
    return tests;
}

} // namespace conform
