// SPDX-License-Identifier: GPL-2.0-only
// Transport headers that must be refused or discarded (RFC 8166 sections 4.2.4, 4.5 and 4.6).
#include "context.h"

#include <array>

namespace conform {

namespace {

constexpr std::array<std::uint32_t, 5> other_values = {5, 6, 0x10000, 0x80000000, 0xffffffff};

/// A NULL call with this much wrong in its header.
void expect_null_refused(Client &client, Header header) {
    header.xid = client.next_xid();
    client.expect_refused(header, null_call(header.xid));
}

/// Replaces the 32-bit word at `word` (counted from 0).
void set_word(Bytes &bytes, std::size_t word, std::uint32_t value) {
    const auto encoded = Encoder().u32(value).bytes();
    std::ranges::copy(encoded, bytes.begin() + static_cast<long>(4 * word));
}

void version(Context &context) {
    auto client = context.connect();
    for (const std::uint32_t vers : {0U, 2U, 3U, 0x01000000U, 0x80000001U, 0xffffffffU}) {
        const Header header{.xid = client.next_xid(), .vers = vers};
        client.send(header, null_call(header.xid));
        const auto message = client.receive();
        check(message.proc == Proc::error && message.error == rpcrdma::err_vers,
              fmt::format("version {} is not answered with ERR_VERS", vers));
        check(message.xid == header.xid, "the error has another XID than the call");
        check(message.vers == vers,
              fmt::format("the error's rdma_vers is {}, the call's {}", message.vers, vers));
        check(message.version_low <= 1 && message.version_high >= 1,
              fmt::format("versions {} to {} are offered", message.version_low,
                          message.version_high));
    }
    client.expect_alive();
}

void shorter_than_header(Context &context) {
    auto client = context.connect();
    const auto whole = Header{.xid = client.next_xid()}.encode();
    for (std::size_t length = 1; length < rpcrdma::header_min; length++)
        client.send(View(whole).first(length));
    client.expect_silence();
    client.expect_alive();
}

void empty_message(Context &context) {
    auto client = context.connect();
    client.send(View{});
    client.expect_silence();
    client.expect_alive();
}

void done(Context &context) {
    auto client = context.connect();
    const Header header{.xid = client.next_xid(), .proc = Proc::done};
    client.send(header);
    client.send(header, null_call(header.xid));
    client.expect_silence();
    client.expect_alive();
}

void error(Context &context) {
    auto client = context.connect();
    for (const std::uint32_t kind : {rpcrdma::err_vers, rpcrdma::err_chunk, 77U}) {
        Encoder message;
        message.u32(client.next_xid()).u32(1).u32(1).u32(4).u32(kind).u32(1).u32(1);
        client.send(message.bytes());
    }
    client.expect_silence();
    client.expect_alive();
}

void msgp(Context &context) {
    auto client = context.connect();
    // RFC 5666: alignment and threshold stand in front of the chunk lists.
    const auto xid = client.next_xid();
    Encoder message;
    message.u32(xid).u32(1).u32(1).u32(2).u32(0).u32(0).u32(0).u32(0).u32(0);
    message.raw(null_call(xid));
    client.expect_refused(message.bytes());
    client.expect_alive();
}

void other_procedures(Context &context) {
    auto client = context.connect();
    for (const auto proc : other_values)
        expect_null_refused(client, Header{.proc = static_cast<Proc>(proc)});
    client.expect_alive();
}

void nothing_at_all(Context &context) {
    auto client = context.connect();
    client.expect_refused(Header{.xid = client.next_xid(), .proc = Proc::nomsg});
    client.expect_alive();
}

void no_payload(Context &context) {
    auto client = context.connect();
    client.expect_refused(Header{.xid = client.next_xid()});
    client.expect_alive();
}

void other_xid(Context &context) {
    auto client = context.connect();
    const Header header{.xid = client.next_xid()};
    client.send(header, null_call(client.next_xid()));
    const auto message = client.receive(); // checks that the reply agrees with itself
    check(message.xid == header.xid, "answered for another XID than the header's");
    check(message.proc != Proc::error || message.error == rpcrdma::err_chunk,
          "answered with an error other than ERR_CHUNK");
    client.expect_alive();
}

void list_discriminators(Context &context) {
    auto client = context.connect();
    for (const std::size_t list : {4, 5, 6})
        for (const std::uint32_t value : {2U, 0x01000000U, 0x80000000U, 0xffffffffU}) {
            const Header header{.xid = client.next_xid()};
            auto bytes = header.encode();
            set_word(bytes, list, value);
            const auto payload = null_call(header.xid);
            bytes.insert(bytes.end(), payload.begin(), payload.end());
            client.expect_refused(bytes);
        }
    client.expect_alive();
}

/// Every list in use: cut anywhere, one of them does not end.
Header full_header(Client &client) {
    const Segment segment{.handle = 0x1234, .length = 64, .offset = 4096};
    return {.xid = client.next_xid(),
            .reads = {{.position = 40, .segment = segment}, {.position = 40, .segment = segment}},
            .writes = {{segment, segment}, {segment}},
            .reply = Chunk{segment, segment}};
}

void truncated_at_words(Context &context) {
    auto client = context.connect();
    const auto whole = full_header(client).encode();
    for (std::size_t length = rpcrdma::header_min; length < whole.size(); length += 4) {
        auto bytes = Bytes(whole.begin(), whole.begin() + static_cast<long>(length));
        set_word(bytes, 0, client.next_xid());
        client.expect_refused(bytes);
    }
    client.expect_alive();
}

void segment_counts(Context &context) {
    auto client = context.connect();
    const Header with_write{.writes = {Chunk(1)}};
    const Header with_reply{.reply = Chunk(1)};
    // The count is behind the discriminator of its list.
    for (const auto &[header, word] : {std::pair{with_write, 6}, {with_reply, 7}})
        for (const std::uint32_t count :
             {2U, 1000U, 0x0fffffffU, 0x10000000U, 0x80000000U, 0xffffffffU}) {
            auto bytes = header.encode();
            set_word(bytes, 0, client.next_xid());
            set_word(bytes, static_cast<std::size_t>(word), count);
            client.expect_refused(bytes);
        }
    client.expect_alive();
}

void unaligned_position(Context &context) {
    auto client = context.connect();
    auto memory = client.memory(64, Access::read);
    for (const std::uint32_t position : {1U, 2U, 39U, 0xffffffffU})
        expect_null_refused(client,
                            Header{.reads = {{.position = position, .segment = memory.segment()}}});
    client.expect_alive();
}

void unknown_program(Context &context) {
    auto client = context.connect();
    const auto answer = client.call({.program = 0x20000099, .version = 1, .procedure = 0});
    check(answer.message.proc == Proc::msg && answer.rpc.status == rpcrdma::Accept::prog_unavail,
          "an unknown RPC program is not answered with PROG_UNAVAIL");
    client.expect_alive();
}

void garbage_arguments(Context &context) {
    auto client = context.connect();
    // A file handle that announces more bytes than there are.
    const auto answer = client.call(rpcrdma::nfs3::getattr, Encoder().u32(60).u32(0).bytes());
    check(answer.message.proc == Proc::msg, "the call is not answered with RDMA_MSG");
    check(answer.rpc.status == rpcrdma::Accept::garbage_args,
          fmt::format("accept_stat is {}, not GARBAGE_ARGS",
                      static_cast<std::uint32_t>(answer.rpc.status)));
    client.expect_alive();
}

} // namespace

std::span<const Test> error_tests() {
    static const std::array tests = {
        Test{"error.version",
             {"8166-4.5-2", "8166-4.5-3", "8166-4.5-4", "8166-4.5-5", "8166-4.5.1-1"},
             "another version is refused with ERR_VERS",
             version},
        Test{"error.short",
             {"8166-4.5-1"},
             "messages of 1 to 27 bytes are discarded silently",
             shorter_than_header},
        Test{"error.empty",
             {"8166-4.5-1"},
             "a message of no bytes is discarded silently",
             empty_message},
        Test{"error.done", {"8166-4.6.2-2"}, "RDMA_DONE is discarded silently", done},
        Test{"error.error",
             {"8166-4.2.4-3", "8166-4.5-6"},
             "RDMA_ERROR is discarded silently, also one that makes no sense",
             error},
        Test{"error.msgp", {"8166-4.6.1-2"}, "RDMA_MSGP is refused with ERR_CHUNK", msgp},
        Test{"error.procedure",
             {"8166-4.5.2-1", "8166-4.5-2", "8166-4.5-3", "8166-4.5-4", "8166-4.5-5"},
             "an rdma_proc out of range is refused with ERR_CHUNK",
             other_procedures},
        Test{"error.nothing",
             {"8166-4.5.2-1", "8166-4.2.4-1"},
             "an RDMA_NOMSG without any chunk is refused with ERR_CHUNK",
             nothing_at_all},
        Test{"error.no-payload",
             {"8166-4.5.2-1"},
             "an RDMA_MSG without a message is refused with ERR_CHUNK",
             no_payload},
        Test{"error.xid",
             {"8166-4.5.2-1", "8166-4.2.1-1"},
             "a message whose two XIDs differ is refused, or answered with one XID",
             other_xid},
        Test{"error.discriminator",
             {"8166-4.5.2-1", "8166-4-1"},
             "list discriminators other than 0 and 1 are refused with ERR_CHUNK",
             list_discriminators},
        Test{"error.truncated",
             {"8166-4.5.2-1", "8166-4.5-2"},
             "a header cut off at any word is refused with ERR_CHUNK",
             truncated_at_words},
        Test{"error.counts",
             {"8166-4.5.2-1"},
             "segment counts beyond the message are refused with ERR_CHUNK",
             segment_counts},
        Test{"error.position",
             {"8166-3.4.5-2", "8166-4.5.2-1"},
             "a position that is no multiple of four is refused with ERR_CHUNK",
             unaligned_position},
        Test{"error.program",
             {"8166-4.5.2-2"},
             "an unknown RPC program is answered by the RPC layer",
             unknown_program},
        Test{"error.garbage",
             {"8166-4.5.2-2"},
             "arguments that make no sense are answered with GARBAGE_ARGS",
             garbage_arguments},
    };
    return tests;
}

} // namespace conform
