// SPDX-License-Identifier: GPL-2.0-only
// What no client should do. The server may answer, refuse or end the connection; it must go on
// serving everybody else (the runner asks), and keep its memory to itself.
#include "expendable.h"
#include "workspace.h"

#include <array>
#include <chrono>
#include <limits>
#include <thread>

namespace conform {

namespace nfs3 = rpcrdma::nfs3;
using rpcrdma::ReadSegment;
using rpcrdma::Stage;

namespace {

constexpr std::uint32_t u32_max = std::numeric_limits<std::uint32_t>::max();

void truncated_at_bytes(Context &context) {
    auto client = context.connect();
    const Segment segment{.handle = 0x1234, .length = 64, .offset = 4096};
    const auto whole = Header{
        .reads = {{.position = 40, .segment = segment}},
        .writes = {{segment}, {segment, segment}},
        .reply =
            Chunk{segment}}.encode();
    for (std::size_t length = rpcrdma::header_min; length < whole.size(); length++) {
        const Step step(fmt::format("{} bytes", length));
        Encoder message;
        message.u32(client.next_xid()).raw(View(whole).subspan(4, length - 4));
        client.expect_refused(message.bytes());
    }
}

void extreme_positions(Context &context) {
    Expendable client(context);
    auto memory = client.client().memory(4096, Access::read);
    const auto piece = [&](std::uint32_t position, std::size_t length) {
        return ReadSegment{.position = position, .segment = memory.segment(0, length)};
    };
    const std::vector<std::vector<ReadSegment>> lists = {
        {piece(0, 64)},
        {piece(4, 64)},
        {piece(u32_max - 3, 64)},
        {piece(0x80000000, 64)},
        {piece(44, 64), piece(40, 64)},
        {piece(40, 64), piece(44, 64)},
        {piece(40, 64), piece(0, 64)},
        {piece(40, 64), piece(44, 64), piece(40, 64)},
        {piece(4000, 64)},
    };
    for (const auto &reads : lists) {
        client.send_null({.reads = reads});
        client.send_null({.proc = Proc::nomsg, .reads = reads});
    }
}

void wrong_keys(Context &context) {
    auto owner = context.connect();
    auto foreign = owner.memory(4096, Access::write);
    auto stranger = owner.memory(4096, Access::read);
    Workspace workspace(context, owner);
    const auto handle = workspace.file("data", random_bytes(context, 2048));

    const auto attack = [&](std::string_view what, const Header &header,
                            const rpcrdma::Procedure &procedure, const Bytes &arguments,
                            Client &client) {
        const Step step{std::string(what)};
        Header message = header;
        message.xid = client.next_xid();
        client.send(message, rpcrdma::encode_call(message.xid, procedure, arguments));
        client.expect_no_reply(message.xid);
    };
    const auto read = nfs3::read_args(handle, 0, 2048);
    const auto write = nfs3::write_args(handle, 0, 2048);
    const auto position =
        static_cast<std::uint32_t>(rpcrdma::encode_call(0, nfs3::write, write).size());
    {
        auto client = context.connect();
        auto memory = client.memory(4096, Access::write);
        const Header header{.writes = {{memory.segment()}}};
        memory.invalidate();
        attack("a stale key in a Write chunk", header, nfs3::read, read, client);
    }
    {
        auto client = context.connect();
        attack("another connection's key in a Write chunk", {.writes = {{foreign.segment()}}},
               nfs3::read, read, client);
    }
    {
        auto client = context.connect();
        auto memory = client.memory(4096, Access::read);
        attack("memory not to be written in a Write chunk", {.writes = {{memory.segment()}}},
               nfs3::read, read, client);
    }
    {
        auto client = context.connect();
        attack("another connection's key in a Read chunk",
               {.reads = {{.position = position, .segment = stranger.segment(0, 2048)}}},
               nfs3::write, write, client);
    }
    {
        auto client = context.connect();
        auto memory = client.memory(4096, Access::write);
        attack("memory not to be read in a Read chunk",
               {.reads = {{.position = position, .segment = memory.segment(0, 2048)}}}, nfs3::write,
               write, client);
    }
    {
        auto client = context.connect();
        auto memory = client.memory(1024, Access::read);
        attack("a Read chunk longer than its memory",
               {.reads = {{.position = position, .segment = memory.segment(0, 2048)}}}, nfs3::write,
               write, client);
    }
    check(std::ranges::all_of(foreign.bytes(), [](std::uint8_t byte) { return byte == 0; }),
          "the server wrote to another connection's memory");
}

void too_many_calls(Context &context) {
    auto client = context.connect({.receives = 256});
    client.expect_alive();
    for (int call = 0; call < 250; call++) {
        const Header header{.xid = client.next_xid(), .credits = 1};
        if (!client.connection().post([&] {
                auto bytes = header.encode();
                const auto payload = null_call(header.xid);
                bytes.insert(bytes.end(), payload.begin(), payload.end());
                return bytes;
            }()))
            break;
    }
    expect_anything(context, client);
}

void too_long(Context &context) {
    for (const std::size_t length : {4097, 8192}) {
        auto client = context.connect();
        const Header header{.xid = client.next_xid()};
        auto bytes = header.encode();
        const auto payload = null_call(header.xid);
        bytes.insert(bytes.end(), payload.begin(), payload.end());
        bytes.resize(length);
        client.send(bytes);
        expect_anything(context, client);
    }
}

void never_receives(Context &context) {
    std::vector<Client> clients;
    for (int i = 0; i < 4; i++) {
        clients.push_back(context.connect({.receives = 0}));
        for (int call = 0; call < 8; call++) {
            const Header header{.xid = clients.back().next_xid()};
            clients.back().send(header, null_call(header.xid));
        }
    }
    clients.front().let_it_end();
}

/// More calls than a server has threads and room for replies, and no Receive for any of them.
void takes_no_reply(Context &context) {
    constexpr int enough = 4000, between = 64;
    auto other = context.connect();
    auto client = context.connect({.receives = 0});
    for (int call = 0; call < enough; call++) {
        const Header header{.xid = client.next_xid()};
        auto bytes = header.encode();
        const auto payload = null_call(header.xid);
        bytes.insert(bytes.end(), payload.begin(), payload.end());
        // The server takes no more, or has ended the connection.
        if (!client.connection().post(bytes))
            break;
        const Step step(fmt::format("somebody else, after {} calls", call + 1));
        if (call % between == between - 1)
            other.expect_alive();
    }
}

void never_sends(Context &context) {
    std::vector<Client> clients;
    for (int i = 0; i < 20; i++)
        clients.push_back(context.connect({.receives = 1}));
    clients.front().expect_silence();
}

void never_establishes(Context &context) {
    std::vector<std::unique_ptr<rpcrdma::Connection>> half;
    for (int i = 0; i < 20; i++)
        half.push_back(need(context.try_connect({.receives = 1}, Stage::requested)));
    auto client = context.connect();
    client.expect_alive();
}

/// 200 connections, dropped at every stage.
void dropped(Context &context) {
    for (int round = 0; round < 40; round++) {
        need(context.try_connect({.receives = 1}, Stage::requested));
        need(context.try_connect({.receives = 1}));
        {
            auto client = context.connect({.receives = 1});
            const Header header{.xid = client.next_xid()};
            client.send(header, null_call(header.xid));
        }
        {
            auto client = context.connect({.receives = 1});
            const Header header{.xid = client.next_xid()};
            client.send(header, null_call(header.xid));
            client.connection().break_off();
        }
        {
            auto client = context.connect({.receives = 1});
            auto memory = client.memory(65536, Access::read);
            client.send(Header{.xid = client.next_xid(),
                               .proc = Proc::nomsg,
                               .reads = {{.position = 0, .segment = memory.segment()}}});
            client.connection().break_off();
        }
    }
}

void invalidated_meanwhile(Context &context) {
    auto owner = context.connect();
    Workspace workspace(context, owner);
    const auto handle = workspace.file("data");
    constexpr std::size_t length = 524288;
    const auto write = nfs3::write_args(handle, 0, length);
    const auto position =
        static_cast<std::uint32_t>(rpcrdma::encode_call(0, nfs3::write, write).size());
    for (int round = 0; round < 6; round++) {
        auto client = context.connect();
        client.expect_alive();
        auto memory = client.memory(length, Access::read);
        Header header{.xid = client.next_xid()};
        for (const auto &segment : memory.split(0, length, 16))
            header.reads.push_back({.position = position, .segment = segment});
        client.send(header, rpcrdma::encode_call(header.xid, nfs3::write, write));
        std::this_thread::sleep_for(std::chrono::milliseconds(3 * round));
        memory.invalidate();
        expect_anything(context, client);
    }
}

} // namespace

std::span<const Test> hostile_tests() {
    constexpr auto hostile = Kind::hostile;
    static const std::vector<Test> tests = {
        {"hostile.truncated",
         {"8166-4.5.2-1"},
         "a header cut off at any byte",
         truncated_at_bytes,
         hostile},
        {"hostile.positions",
         {"8166-8.1-1"},
         "Read chunks unsorted, overlapping, and outside of the message",
         extreme_positions,
         hostile},
        {"hostile.keys",
         {"8166-8.1-1", "8166-4.5.4-2"},
         "keys that are wrong, stale or somebody else's",
         wrong_keys,
         hostile},
        {"hostile.credits", {"8166-8.1-1"}, "250 calls at once", too_many_calls, hostile},
        {"hostile.too-long",
         {"8166-8.1-1"},
         "messages longer than the server's Receives",
         too_long,
         hostile},
        {"hostile.never-receives",
         {"8166-8.1-1"},
         "connections without a Receive",
         never_receives,
         hostile},
        {"hostile.takes-no-reply",
         {"8166-8.1-1"},
         "as many calls as the server takes, on a connection without a Receive",
         takes_no_reply,
         hostile},
        {"hostile.never-sends",
         {"8166-8.1-1"},
         "20 connections that do nothing",
         never_sends,
         hostile},
        {"hostile.never-establishes",
         {"8166-8.1-1"},
         "20 connections that are asked for and never finished",
         never_establishes,
         hostile},
        {"hostile.dropped",
         {"8166-8.1-1"},
         "200 connections dropped at every stage",
         dropped,
         hostile},
        {"hostile.invalidated",
         {"8166-8.1-1", "8166-4.5.4-2"},
         "memory that becomes invalid while the server reads it",
         invalidated_meanwhile,
         hostile},
    };
    return tests;
}

} // namespace conform
