// SPDX-License-Identifier: GPL-2.0-only
// Calls from the server to the client (RFC 8167), and what the server takes for a reply to one.
#include "session.h"

#include <array>
#include <chrono>
#include <thread>

namespace conform {

namespace nfs3 = rpcrdma::nfs3;
namespace nfs4 = rpcrdma::nfs4;
using nfs4::Op;

namespace {

void give_back(Session &session, View handle, const nfs4::Results::Opened &opened) {
    if (opened.delegated) {
        const auto answer =
            session.call(session.compound().putfh(handle).delegreturn(opened.delegation));
        auto results = results_of(answer);
        need(results.plain(Op::putfh));
        need(results.plain(Op::delegreturn));
    }
    const auto answer = session.call(session.compound().putfh(handle).close(opened.state));
    auto results = results_of(answer);
    need(results.plain(Op::putfh));
    need(results.plain(Op::close));
}

/// Opens the file "data" for reading, and would take a delegation.
nfs4::Results::Opened open_once(Session &session, View directory) {
    const auto answer = session.call(
        session.compound().putfh(directory).open_read(session.client_id(), "owner", "data"));
    auto results = results_of(answer);
    need(results.plain(Op::putfh));
    return need(results.open());
}

/// The same until a delegation comes with it; else the test is not applicable.
nfs4::Results::Opened open_delegated(Session &session, View directory) {
    // A server may first want to see that the client answers callbacks, and that whoever wrote to
    // the file has closed it: neither is finished when the calls that began it are answered.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (;;) {
        const auto opened = open_once(session, directory);
        if (opened.delegated)
            return opened;
        give_back(session, session.find(directory, "data"), opened);
        if (std::chrono::steady_clock::now() > deadline)
            throw NotApplicable{"the server gives no delegation"};
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
}

/// Begins a write from another connection, which is what a delegation forbids.
std::uint32_t write_from(Client &other, View handle) {
    const Header header{.xid = other.next_xid()};
    Encoder arguments;
    arguments.raw(nfs3::write_args(handle, 0, 4)).u32(0);
    other.send(header, rpcrdma::encode_call(header.xid, nfs3::write, arguments.bytes()));
    return header.xid;
}

/// A client with a session and a file, and somebody else who may write to it.
struct Bench {
    Client client, other;
    Workspace workspace;
    Bytes handle; ///< of version 3
    Session session;
    Bytes directory;

    Bench(Context &context, bool back_channel)
        : client(context.connect()), other(context.connect()), workspace(context, client),
          handle(workspace.file("data")), session(client, back_channel),
          directory(session.find(context, workspace)) {
        other.expect_alive();
    }

    void close(const nfs4::Results::Opened &opened) {
        give_back(session, session.find(directory, "data"), opened);
    }
};

void recall(Context &context) {
    Bench bench(context, true);
    auto &client = bench.client;
    if (!bench.session.back_channel())
        throw NotApplicable{"the server makes no calls over this connection"};
    const auto opened = open_delegated(bench.session, bench.directory);
    const auto write = write_from(bench.other, bench.handle);

    const auto message = client.receive(); // checks version and XID
    check(message.proc == Proc::msg, "the callback is not an RDMA_MSG");
    check(message.writes.empty() && !message.reply,
          "the callback has chunks, though the client takes no long ones");
    const auto callback = need(nfs4::decode_callback(message.payload), "the callback");
    check(callback.xid == message.xid, "the callback has two XIDs");
    check(callback.program == Session::callback_program,
          fmt::format("the callback is for program {:#x}", callback.program));
    check(callback.recalls && callback.delegation == opened.delegation,
          "the callback does not recall the delegation");
    client.send(Header{.xid = callback.xid}, nfs4::callback_reply(callback));

    bench.close(opened);
    bench.other.answer(write);
}

/// Answers a recall, which has to come next, for a delegation of one session or of the other.
void answer_recall(Client &client, const nfs4::Results::Opened &opened) {
    const auto message = client.receive();
    check(message.proc == Proc::msg, "the callback is not an RDMA_MSG");
    const auto callback = need(nfs4::decode_callback(message.payload), "the callback");
    check(callback.xid == message.xid, "the callback has two XIDs");
    check(callback.recalls && callback.delegation == opened.delegation,
          "the callback does not recall the delegation");
    client.send(Header{.xid = callback.xid}, nfs4::callback_reply(callback));
}

/// Two clients share a connection, as far as the server can tell, and it calls both back over it.
void two_clients(Context &context) {
    auto client = context.connect(), other = context.connect();
    const auto [first, second] = Session::two(client);
    if (!first->back_channel() || !second->back_channel())
        throw NotApplicable{"the server makes no calls over this connection"};
    other.expect_alive();
    for (auto *session : {first.get(), second.get()}) {
        // A server may withhold delegations of a file for a while after it has recalled one.
        Workspace workspace(context, client);
        const auto handle = workspace.file("data");
        const auto directory = session->find(context, workspace);
        const auto opened = open_delegated(*session, directory);
        const auto write = write_from(other, handle);
        answer_recall(client, opened);
        give_back(*session, session->find(directory, "data"), opened);
        other.answer(write);
    }
}

void not_asked_for(Context &context) {
    Bench bench(context, false);
    const auto opened = open_once(bench.session, bench.directory);
    const auto write = write_from(bench.other, bench.handle);
    bench.client.expect_silence();
    bench.close(opened);
    bench.other.answer(write);
}

Bytes reply_to(std::uint32_t xid) {
    return Encoder().u32(xid).u32(1).u32(0).u32(0).u32(0).u32(0).bytes();
}

/// Replies to calls that the server never made: it has no use for them, and no answer.
void stray_replies(Context &context) {
    auto client = context.connect();
    client.expect_alive();
    for (int i = 0; i < 8; i++) {
        const Header header{.xid = client.next_xid()};
        client.send(header, reply_to(header.xid));
    }
    client.expect_silence();
    client.expect_alive();
}

/// Replies that come with a transport header as no reply may have. Whoever receives a reply is the
/// Requester, and has nobody to tell.
void malformed_replies(Context &context) {
    auto client = context.connect();
    client.expect_alive();
    auto memory = client.memory(4096, Access::read);
    const auto ours = memory.segment(0, 64);
    const Segment nobodys = {.handle = 0x1234, .length = 64, .offset = 4096};
    auto endless = nobodys;
    endless.length = 0x7fffffff;
    const auto headers = std::to_array<std::pair<std::string_view, Header>>({
        {"a Read chunk", {.reads = {{24, ours}}}},
        {"a Read chunk of memory that is not there", {.reads = {{24, nobodys}}}},
        {"a Read chunk inside the RPC header", {.reads = {{12, ours}}}},
        {"a Read chunk at no multiple of four", {.reads = {{22, nobodys}}}},
        {"a Read chunk behind the message", {.reads = {{4000, nobodys}}}},
        {"Read chunks in the wrong order", {.reads = {{24, nobodys}, {12, nobodys}}}},
        {"a Read chunk longer than any message", {.reads = {{24, endless}}}},
        {"a Write chunk", {.writes = {{ours}}}},
        {"an empty Write chunk", {.writes = {{}}}},
        {"a Reply chunk", {.reply = Chunk{ours}}},
    });
    const auto send = [&](std::string_view what, Header header, std::uint32_t other_xid) {
        const Step step{std::string(what)};
        header.xid = client.next_xid();
        auto reply = reply_to(header.xid + other_xid);
        if (header.proc == Proc::nomsg) {
            std::ranges::copy(reply, memory.bytes().begin());
            reply.clear();
        }
        client.send(header, reply);
        client.expect_alive();
    };
    for (const auto &[what, header] : headers)
        send(what, header, 0);
    send("another XID", {}, 1000);
    const Header long_reply = {.proc = Proc::nomsg, .reads = {{0, memory.segment(0, 24)}}};
    send("a Position Zero Read chunk", long_reply, 0);
    send("a Position Zero Read chunk with another XID", long_reply, 1000);
    client.expect_silence();
}

} // namespace

std::span<const Test> reverse_tests() {
    static const std::array tests = {
        Test{"reverse.recall",
             {"8167-5.1-1", "8167-5.1-2", "8267-6.5.2-1", "8267-6.5.2-2"},
             "a delegation is recalled by a short call over the same connection",
             recall},
        Test{"reverse.two-clients",
             {"8267-6.5.2-1"},
             "two clients that ask for it at once are called back over one connection",
             two_clients},
        Test{"reverse.not-asked-for",
             {"8167-6-1"},
             "no call comes to a client that did not ask for any",
             not_asked_for},
        Test{"reverse.stray-replies",
             {"8166-8.1-1"},
             "replies to calls that were never made do no harm",
             stray_replies},
        Test{"reverse.malformed",
             {"8166-4.5-7"},
             "replies with chunks, or with a header that is wrong, are discarded in silence",
             malformed_replies},
    };
    return tests;
}

} // namespace conform
