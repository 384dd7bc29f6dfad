// SPDX-License-Identifier: GPL-2.0-only
// Several data items in one COMPOUND of NFS version 4.1 (RFC 8267 section 6.4).
#include "session.h"

#include <algorithm>
#include <array>

namespace conform {

namespace nfs4 = rpcrdma::nfs4;
using nfs4::Op;

namespace {

// A READ whose data goes to a chunk takes a whole page, and there are two: Linux's nfsd misplaces
// the data of a third, and of one behind a part of a page, whatever the transport. A READ whose
// data stays inline must fit a message.
constexpr std::uint32_t page = 4096, small = 600;

/// A file, its handle in version 4, and a session to use it in.
struct Bench {
    Client client;
    Workspace workspace;
    Session session;
    Bytes data, handle;

    explicit Bench(Context &context)
        : client(context.connect()), workspace(context, client), session(client),
          data(random_bytes(context, 4 * page)) {
        workspace.file("data", data);
        handle = session.find(session.find(context, workspace), "data");
    }
};

/// READs of one COMPOUND, of one page of the file after the other. They take all of a page where
/// there is a Write chunk with room, and less where the chunk is empty or missing.
struct Plan {
    std::size_t reads;
    std::vector<bool> room; ///< of each Write chunk
    std::size_t first = 0;  ///< page

    [[nodiscard]] bool reduced(std::size_t i) const { return i < room.size() && room[i]; }
    [[nodiscard]] std::uint32_t length(std::size_t i) const { return reduced(i) ? page : small; }
};

nfs4::Compound request(Bench &bench, const Plan &plan) {
    auto request = bench.session.compound().putfh(bench.handle);
    for (std::size_t i = 0; i < plan.reads; i++)
        request.read((plan.first + i) * page, plan.length(i));
    return request;
}

View expected(const Bench &bench, const Plan &plan, std::size_t i) {
    return View(bench.data).subspan((plan.first + i) * page, plan.length(i));
}

/// Whether such a COMPOUND over TCP returns other data than the file's: then it is not the
/// transport that gets it wrong. It READs other pages, because a server that sends what an earlier
/// reply left in its memory must not be right by chance.
bool wrong_over_tcp(Context &context, Bench &bench, Plan plan) {
    plan.first = plan.reads;
    const auto reply = rpcrdma::call_tcp(context.options().target.host, 2049, nfs4::compound,
                                         request(bench, plan).bytes(), context.soon());
    if (!reply)
        return false;
    auto results = nfs4::Results::of(*reply);
    if (!results || !results->sequence() || !results->plain(Op::putfh))
        return false;
    for (std::size_t i = 0; i < plan.reads; i++)
        if (const auto read = results->read(false);
            read && !std::ranges::equal(read->bytes, expected(bench, plan, i)))
            return true;
    return false;
}

/// What has a chunk with room must be there, all else inline.
void read_pieces(Context &context, const Plan &plan) {
    Bench bench(context);
    auto memory = bench.client.memory(4 * page, Access::write);
    Header header;
    for (std::size_t i = 0; i < plan.room.size(); i++)
        header.writes.push_back(plan.room[i] ? Chunk{memory.segment(i * page, page)} : Chunk{});
    const auto answer = bench.session.call(request(bench, plan), header);

    auto results = results_of(answer);
    need(results.plain(Op::putfh));
    check(answer.message.writes.size() == plan.room.size(), "the Write list did not come back");
    for (std::size_t i = 0; i < plan.reads; i++) {
        const Step step(fmt::format("READ {}", i));
        const bool reduced = plan.reduced(i);
        const auto read = need(results.read(reduced));
        check(read.length == plan.length(i), fmt::format("{} bytes were read", read.length));
        if (i < plan.room.size())
            check(rpcrdma::chunk_length(answer.message.writes[i]) == (reduced ? page : 0),
                  "the Write chunk came back with another length than that of its result");
        const auto got = reduced ? View(memory.bytes()).subspan(i * page, page) : View(read.bytes);
        if (std::ranges::equal(got, expected(bench, plan, i)))
            continue;
        if (wrong_over_tcp(context, bench, plan))
            throw NotApplicable{"the server returns wrong data for such a COMPOUND over TCP, too"};
        throw Failure{"the data is not where it belongs"};
    }
}

void in_order(Context &context) {
    read_pieces(context, {.reads = 2, .room = {true, true}});
}

void empty_among_others(Context &context) {
    read_pieces(context, {.reads = 1, .room = {false}});
    read_pieces(context, {.reads = 2, .room = {true, false}});
}

void more_reads_than_chunks(Context &context) {
    read_pieces(context, {.reads = 2, .room = {true}});
}

void no_data(Context &context) {
    Bench bench(context);
    auto memory = bench.client.memory(page, Access::write);
    const auto answer = bench.session.call(bench.session.compound().putrootfh().read(0, page),
                                           Header{.writes = {{memory.segment()}}});
    auto results = results_of(answer);
    need(results.plain(Op::putrootfh));
    check(need(results.status_of(Op::read)) != nfs4::ok, "a directory can be read");
    check(answer.message.writes.size() == 1 && rpcrdma::chunk_length(answer.message.writes[0]) == 0,
          "the Write chunk of a READ without data came back with a length");
}

/// A link's target that came back, and where to. All of it must be in the chunk, or inline.
void expect_target(nfs4::Results &results, const Chunk &returned, View chunk,
                   std::string_view target) {
    const auto in_chunk = rpcrdma::chunk_length(returned);
    const auto link = need(results.readlink(in_chunk != 0));
    check(link.length == target.size(),
          fmt::format("the target is said to be of {} bytes, and has {}", link.length,
                      target.size()));
    check(in_chunk == 0 || in_chunk == target.size(),
          fmt::format("{} of {} bytes are in the Write chunk", in_chunk, target.size()));
    const View got = in_chunk != 0 ? chunk.first(in_chunk) : View(link.bytes);
    check(std::ranges::equal(got, target),
          fmt::format("the target came back as {}", rpcrdma::to_hex(got, 32)));
}

void readlink(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    Session session(client);
    const auto directory = session.find(context, workspace);
    for (const std::size_t length : {1, 4, 5, 902})
        for (const std::size_t room : {length, 2 * length + 8}) {
            const Step step(fmt::format("{} bytes into {}", length, room));
            const std::string target(length, 'x');
            const auto name = fmt::format("link-{}-{}", length, room);
            workspace.symlink(name, target);
            const auto handle = session.find(directory, name);
            auto memory = client.memory(room + 8, Access::write);
            const auto answer = session.call(session.compound().putfh(handle).readlink().getfh(),
                                             Header{.writes = {memory.split(0, room, 1)}});
            auto results = results_of(answer);
            need(results.plain(Op::putfh));
            check(answer.message.writes.size() == 1, "the Write list did not come back");
            expect_target(results, answer.message.writes[0], memory.bytes(), target);
            check(need(results.getfh()) == handle, "the operation behind READLINK went wrong");
            check(std::ranges::all_of(memory.bytes().subspan(length),
                                      [](std::uint8_t byte) { return byte == 0; }),
                  "the server wrote behind the end of the target");
        }
}

/// Two READs and a READLINK, each with a chunk of its own, as in RFC 8267 section 6.4.3.
void reads_and_link(Context &context) {
    Bench bench(context);
    const std::string target(901, 'x');
    bench.workspace.symlink("link", target);
    const auto link = bench.session.find(bench.session.find(context, bench.workspace), "link");
    const auto request = [&](std::size_t first) {
        return bench.session.compound()
            .putfh(bench.handle)
            .read(first * page, page)
            .read((first + 1) * page, page)
            .putfh(link)
            .readlink();
    };
    // Whether all of it is right, `chunks` being where its data went.
    const auto look = [&](nfs4::Results &results, std::size_t first, const Answer *answer,
                          View chunks) {
        need(results.plain(Op::putfh));
        for (std::size_t i = 0; i < 2; i++) {
            const auto read = need(results.read(answer != nullptr));
            const auto got = answer != nullptr ? chunks.subspan(i * page, page) : View(read.bytes);
            check(std::ranges::equal(got, View(bench.data).subspan((first + i) * page, page)),
                  fmt::format("the data of READ {} is not where it belongs", i));
        }
        need(results.plain(Op::putfh));
        expect_target(results, answer != nullptr ? answer->message.writes[2] : Chunk{},
                      chunks.subspan(2 * page), target);
    };
    auto memory = bench.client.memory(3 * page, Access::write);
    Header header;
    for (std::size_t i = 0; i < 3; i++)
        header.writes.push_back({memory.segment(i * page, page)});
    const auto answer = bench.session.call(request(0), header);
    check(answer.message.writes.size() == 3, "the Write list did not come back");
    auto results = results_of(answer);
    try {
        look(results, 0, &answer, memory.bytes());
    } catch (const Failure &) {
        // Other pages, so that nothing is right by chance.
        const auto reply = rpcrdma::call_tcp(context.options().target.host, 2049, nfs4::compound,
                                             request(2).bytes(), context.soon());
        if (!reply)
            throw;
        try {
            auto over_tcp = need(nfs4::Results::of(*reply));
            need(over_tcp.sequence());
            look(over_tcp, 2, nullptr, memory.bytes());
        } catch (const Failure &failure) {
            throw NotApplicable{"over TCP, too: " + failure.what};
        }
        throw;
    }
}

/// READ_PLUS has no item that may be reduced: its data is inline, its turn in the Write list
/// nobody's.
void read_plus(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    const auto data = random_bytes(context, page);
    workspace.file("data", data);
    Session session(client, false, 2);
    const auto handle = session.find(session.find(context, workspace), "data");
    auto memory = client.memory(page, Access::write);
    for (const std::uint32_t length : {1U, 599U, 2000U}) {
        const Step step(fmt::format("{} bytes", length));
        const auto answer =
            session.call(session.compound().putfh(handle).read_plus(0, length).getfh(),
                         Header{.writes = {{memory.segment()}}});
        auto results = results_of(answer);
        need(results.plain(Op::putfh));
        const auto read = need(results.read_plus());
        check(std::ranges::equal(read.bytes, View(data).first(length)),
              fmt::format("{} bytes are inline, and not the file's", read.bytes.size()));
        check(need(results.getfh()) == handle, "the operation behind READ_PLUS went wrong");
        check(answer.message.writes.size() == 1 &&
                  rpcrdma::chunk_length(answer.message.writes[0]) == 0,
              "the Write chunk came back with a length");
        check(std::ranges::all_of(memory.bytes(), [](std::uint8_t byte) { return byte == 0; }),
              "the server wrote to a chunk that is not for READ_PLUS");
    }
}

/// WRITE through a Read chunk with another operation behind it.
void in_the_middle(Context &context) {
    Bench bench(context);
    for (const std::uint32_t length : {1U, 599U, 2000U}) {
        const Step step(fmt::format("{} bytes", length));
        const auto data = random_bytes(context, length);
        auto memory = bench.client.memory(length, Access::read);
        std::ranges::copy(data, memory.bytes().begin());
        auto request = bench.session.compound().putfh(bench.handle).write_head(0, length);
        const auto before = rpcrdma::encode_call(0, nfs4::compound).size() + request.size();
        request.getfh();
        const auto answer = bench.session.call(
            request, Header{.reads = {{.position = static_cast<std::uint32_t>(before),
                                       .segment = memory.segment()}}});
        auto results = results_of(answer);
        need(results.plain(Op::putfh));
        check(need(results.write()) == length, "less was written than was sent");
        check(need(results.getfh()) == bench.handle, "the operation behind WRITE went wrong");
        const auto content = bench.workspace.content(bench.workspace.handle("data"), length);
        check(content.size() >= length && std::ranges::equal(View(content).first(length), data),
              "the file does not hold what was written");
    }
}

/// Answered, or refused as a server may that has its limits.
void answered_or_refused(const Answer &answer) {
    if (answer.message.proc == Proc::error) {
        check(answer.message.error == rpcrdma::err_chunk, "refused with another error");
        return;
    }
    check(answer.rpc.status == rpcrdma::Accept::success ||
              answer.rpc.status == rpcrdma::Accept::garbage_args,
          "neither answered, nor refused with ERR_CHUNK or GARBAGE_ARGS");
}

void too_complex(Context &context) {
    auto client = context.connect();
    client.expect_alive();
    auto memory = client.memory(4096, Access::write);
    auto source = client.memory(4096, Access::read);
    {
        const Step step("150 segments in a Reply chunk");
        answered_or_refused(
            client.call(Header{.reply = memory.split(0, 4096, 150)}, rpcrdma::nfs3::null));
    }
    {
        const Step step("100 Write chunks");
        answered_or_refused(
            client.call(Header{.writes = std::vector<Chunk>(100, Chunk{memory.segment()})},
                        rpcrdma::nfs3::null));
    }
    const Step step("a Long Call of 120 segments");
    const auto call = null_call(client.next_xid());
    std::ranges::copy(call, source.bytes().begin());
    Header header{.xid = rpcrdma::Decoder(call).u32(), .proc = Proc::nomsg};
    header.reads.push_back({.position = 0, .segment = source.segment(0, call.size())});
    for (int i = 0; i < 119; i++)
        header.reads.push_back({.position = 0, .segment = source.segment(call.size(), 0)});
    client.send(header);
    answered_or_refused(client.answer(header.xid));
}

} // namespace

std::span<const Test> compound_tests() {
    static const std::array tests = {
        Test{"compound.in-order",
             {"8267-6.4.1-1", "8267-6.4.1-2", "8166-4.3.2-1"},
             "each READ uses the Write chunk of its turn",
             in_order},
        Test{"compound.empty-chunk",
             {"8267-6.4.1-3", "8166-4.3.2.3-1"},
             "a READ whose Write chunk is empty returns its data inline",
             empty_among_others},
        Test{"compound.fewer-chunks",
             {"8267-6.4.1-5"},
             "READs without a Write chunk return their data inline",
             more_reads_than_chunks},
        Test{"compound.no-data",
             {"8267-6.4.1-4", "8166-4.3.2.2-3"},
             "the Write chunk of a READ that fails comes back with nothing in it",
             no_data},
        Test{"compound.readlink",
             {"8166-3.4.4.1-1", "8166-3.4.6.2-3"},
             "a link's target is whole, in its Write chunk or inline",
             readlink},
        Test{"compound.reads-and-link",
             {"8267-6.4.1-1", "8267-6.4.1-2"},
             "two READs and a READLINK use the Write chunks of their turns",
             reads_and_link},
        Test{"compound.read-plus",
             {"8166-3.4.2-1", "8166-6.1-1"},
             "the data of READ_PLUS stays inline",
             read_plus},
        Test{"compound.middle",
             {"8166-3.4.5-1"},
             "a Read chunk belongs at its position, also in the middle of a call",
             in_the_middle},
        Test{"compound.too-complex",
             {"8267-6.4.2-3"},
             "very many chunks and segments are taken, or refused in the proper way",
             too_complex},
    };
    return tests;
}

} // namespace conform
