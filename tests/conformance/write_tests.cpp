// SPDX-License-Identifier: GPL-2.0-only
// Results that the server has to place: the Write list (RFC 8166 sections 3.4.6 and 4.3.2).
#include "workspace.h"

#include <array>

namespace conform {

namespace nfs3 = rpcrdma::nfs3;

namespace {

constexpr std::uint8_t untouched = 0xa5;

/// What is asked for in one READ, and where to.
struct Reading {
    View data;             ///< what the file holds
    std::size_t count = 0; ///< bytes asked for
    std::size_t room = 0;  ///< bytes of the Write chunk
    std::size_t segments = 1;
};

/// The segments of `offered` must come back with the same handles and offsets, and with lengths
/// that say how `length` bytes filled them in order.
void expect_returned(const Chunk &returned, const Chunk &offered, std::size_t length) {
    check(returned.size() == offered.size(),
          fmt::format("{} of {} segments came back", returned.size(), offered.size()));
    std::size_t left = length;
    for (std::size_t i = 0; i < offered.size(); i++) {
        const auto filled = std::min<std::size_t>(left, offered[i].length);
        left -= filled;
        auto expected = offered[i];
        expected.length = static_cast<std::uint32_t>(filled);
        check(returned[i] == expected,
              fmt::format("segment {} came back as handle {:#x}, length {}, offset {:#x}; not as "
                          "{:#x}, {}, {:#x}",
                          i, returned[i].handle, returned[i].length, returned[i].offset,
                          expected.handle, expected.length, expected.offset));
    }
}

/// `data` was reduced out of a result, into the one Write chunk that was `offered` in `memory`.
void expect_reduced(const Answer &answer, const nfs3::ReadResult &result, const Memory &memory,
                    const Chunk &offered, View data) {
    check(result.length == data.size() && result.count == data.size(),
          fmt::format("{} bytes were returned, {} expected", result.length, data.size()));
    check(result.data.empty(),
          fmt::format("{} bytes follow the length of the reduced item", result.data.size()));
    check(answer.message.writes.size() == 1, "the Write list did not come back");
    expect_returned(answer.message.writes[0], offered, data.size());
    check(std::ranges::equal(memory.bytes().first(data.size()), data),
          "the Write chunk does not hold the data");
}

void read_to_chunk(Client &client, View handle, const Reading &reading) {
    const Step step(fmt::format("{} of {} bytes into {} in {} segments", reading.count,
                                reading.data.size(), reading.room, reading.segments));
    auto memory = client.memory(reading.room + 64, Access::write);
    std::ranges::fill(memory.bytes(), untouched);
    const auto offered = memory.split(0, reading.room, reading.segments);
    const auto answer =
        client.call(Header{.writes = {offered}}, nfs3::read,
                    nfs3::read_args(handle, 0, static_cast<std::uint32_t>(reading.count)));
    check(answer.message.proc == Proc::msg, "the READ was refused");
    const auto result = need(nfs3::read_result(answer.rpc), "READ");
    const auto length = std::min(reading.count, reading.data.size());
    expect_reduced(answer, result, memory, offered, reading.data.first(length));
    check(std::ranges::all_of(memory.bytes().subspan(length),
                              [](std::uint8_t byte) { return byte == untouched; }),
          "the server wrote behind the end of the data");
}

void sizes(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    const auto data = random_bytes(context, 9001);
    const auto handle = workspace.file("data", data);
    for (const std::size_t count : {1, 2, 3, 4, 4095, 4096, 4097, 9000, 9001})
        read_to_chunk(client, handle, {.data = data, .count = count, .room = count});
    read_to_chunk(client, handle, {.data = data, .count = 16384, .room = 16384});
    read_to_chunk(client, handle, {.data = data, .count = 65536, .room = 1048576});
}

void segments(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    const auto data = random_bytes(context, 9001);
    const auto handle = workspace.file("data", data);
    for (const std::size_t count : {2, 3, 7, 16}) {
        read_to_chunk(client, handle,
                      {.data = data, .count = 9001, .room = 9001, .segments = count});
        read_to_chunk(client, handle,
                      {.data = data, .count = 9001, .room = 65536, .segments = count});
        read_to_chunk(client, handle,
                      {.data = data, .count = 100, .room = 4000, .segments = count});
    }
}

void no_padding(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    for (const std::size_t length : {1, 2, 3, 5, 4097}) {
        const auto data = random_bytes(context, length);
        const auto handle = workspace.file(fmt::format("data-{}", length), data);
        read_to_chunk(client, handle, {.data = data, .count = length + 3, .room = length + 3});
    }
}

/// Every segment comes back, empty.
void expect_unused(const Answer &answer, const std::vector<Chunk> &offered) {
    check(answer.message.proc == Proc::msg, "the call was refused");
    check(answer.message.writes.size() == offered.size(),
          fmt::format("{} of {} Write chunks came back", answer.message.writes.size(),
                      offered.size()));
    for (std::size_t i = 0; i < offered.size(); i++)
        expect_returned(answer.message.writes[i], offered[i], 0);
}

void unused(Context &context) {
    auto client = context.connect();
    auto memory = client.memory(8192, Access::write);
    const std::vector<Chunk> offered = {memory.split(0, 8192, 3)};
    expect_unused(client.call(Header{.writes = offered}, nfs3::null), offered);

    Workspace workspace(context, client);
    const auto handle = workspace.file("data");
    {
        const Step step("READ of an empty file");
        expect_unused(
            client.call(Header{.writes = offered}, nfs3::read, nfs3::read_args(handle, 0, 8192)),
            offered);
    }
    const Step step("READ of a directory");
    const auto answer = client.call(Header{.writes = offered}, nfs3::read,
                                    nfs3::read_args(workspace.directory(), 0, 8192));
    check(!nfs3::read_result(answer.rpc), "a directory can be read");
    expect_unused(answer, offered);
}

void not_eligible(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    auto memory = client.memory(8192, Access::write);
    const std::vector<Chunk> offered = {{memory.segment()}};
    for (const auto &[procedure, arguments] :
         {std::pair{nfs3::getattr, nfs3::handle_args(workspace.directory())},
          {nfs3::readdir, nfs3::readdir_args(workspace.directory(), 512)}}) {
        const auto answer = client.call(Header{.writes = offered}, procedure, arguments);
        expect_unused(answer, offered);
        need(nfs3::status_only(answer.rpc));
    }
}

void empty_chunk(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    const auto data = random_bytes(context, 501);
    const auto handle = workspace.file("data", data);
    for (const std::size_t chunks : {0, 1}) {
        const Step step(chunks == 0 ? "no Write list" : "an empty Write chunk");
        const auto answer = client.call(Header{.writes = std::vector<Chunk>(chunks)}, nfs3::read,
                                        nfs3::read_args(handle, 0, 501));
        const auto result = need(nfs3::read_result(answer.rpc), "READ");
        check(result.data.size() == 504 && std::ranges::equal(View(result.data).first(501), data),
              "the data is not inline");
        check(answer.message.writes.size() == chunks, "the Write list did not come back");
        check(chunks == 0 || answer.message.writes[0].empty(), "the empty chunk is not empty");
    }
}

void readlink(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    const std::string target(901, 'x');
    const auto handle = workspace.symlink("link", target);
    auto memory = client.memory(4096, Access::write);
    const auto offered = memory.split(0, 4096, 2);
    const auto answer =
        client.call(Header{.writes = {offered}}, nfs3::readlink, nfs3::handle_args(handle));
    const auto result = need(nfs3::readlink_result(answer.rpc), "READLINK");
    expect_reduced(answer, result, memory, offered, Bytes(target.begin(), target.end()));
}

void too_small(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    const auto data = random_bytes(context, 2000);
    const auto handle = workspace.file("data", data);
    auto other = context.connect();
    auto memory = other.memory(2000, Access::write);
    std::ranges::fill(memory.bytes(), untouched);
    other.expect_alive();
    const Header header{.xid = other.next_xid(), .writes = {{memory.segment(0, 1999)}}};
    other.send(header,
               rpcrdma::encode_call(header.xid, nfs3::read, nfs3::read_args(handle, 0, 2000)));
    other.expect_no_reply(header.xid);
    check(memory.bytes()[1999] == untouched, "the server wrote beyond the Write chunk");
}

} // namespace

std::span<const Test> write_tests() {
    static const std::array tests = {
        Test{"write.sizes",
             {"8166-4.3.2-1", "8166-3.4.4.1-1", "8166-3.4.4.4-1", "8166-3.4.6-2"},
             "data of any length goes to the Write chunk, its count stays",
             sizes},
        Test{"write.segments",
             {"8166-3.4.6-2", "8267-6.4.2-2"},
             "Write chunks of up to 16 segments are filled in order, and returned as filled",
             segments},
        Test{"write.padding",
             {"8166-3.4.6.2-2", "8166-3.4.6.2-3", "8166-3.4.4.4-2"},
             "no padding is written, counted, or left inline",
             no_padding},
        Test{"write.unused",
             {"8166-4.3.2.2-3", "8166-3.4.6-2"},
             "a Write chunk without a result comes back with empty segments",
             unused},
        Test{"write.not-eligible",
             {"8166-3.4.2-1", "8166-6.1-1"},
             "results that are not DDP-eligible stay inline",
             not_eligible},
        Test{"write.empty",
             {"8166-4.3.2.3-1"},
             "an empty Write chunk leaves the data inline",
             empty_chunk},
        Test{"write.readlink",
             {"8166-4.3.2-1", "8166-3.4.6.2-3"},
             "a link's target goes to the Write chunk",
             readlink},
        Test{"write.too-small",
             {"8166-4.5.4-2"},
             "a Write chunk too small is refused with ERR_CHUNK, or ends the connection",
             too_small},
    };
    return tests;
}

} // namespace conform
