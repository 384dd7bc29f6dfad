// SPDX-License-Identifier: GPL-2.0-only
// Replies too long for a Send: the Reply chunk (RFC 8166 sections 3.5.3 and 4.3.3).
#include "workspace.h"

#include <array>

namespace conform {

namespace nfs3 = rpcrdma::nfs3;
using rpcrdma::ConnectOptions;
using rpcrdma::PrivateMessage;

namespace {

constexpr unsigned files = 60;           // some 200 bytes each in a listing
constexpr std::uint32_t listing = 12000; // bytes that READDIR may return
constexpr std::size_t room = 16384;      // for the reply

/// A reply in the Reply chunk, put together.
struct LongReply {
    rpcrdma::RpcReply rpc;
    std::size_t length = 0;
};

/// The Reply chunk came back as it was offered, filled in order; the message is in it.
LongReply take_long(const Answer &answer, const Memory &memory, const Chunk &offered) {
    check(answer.message.proc == Proc::nomsg, "the reply is not an RDMA_NOMSG");
    check(answer.message.reply.has_value(), "the Reply chunk did not come back");
    const auto &returned = *answer.message.reply;
    check(returned.size() == offered.size(), "segments of the Reply chunk are missing");
    Bytes message;
    bool full = true;
    for (std::size_t i = 0; i < offered.size(); i++) {
        check(returned[i].handle == offered[i].handle && returned[i].offset == offered[i].offset,
              fmt::format("segment {} of the Reply chunk came back changed", i));
        check(returned[i].length <= offered[i].length,
              fmt::format("segment {} of the Reply chunk came back longer", i));
        check(full || returned[i].length == 0,
              fmt::format("segment {} is filled before those in front of it", i));
        full = returned[i].length == offered[i].length;
        const auto base = memory.segment().offset;
        const auto part = memory.bytes().subspan(offered[i].offset - base, returned[i].length);
        message.insert(message.end(), part.begin(), part.end());
    }
    check(message.size() % 4 == 0, "the message is not padded to a multiple of four");
    LongReply reply{.rpc = need(rpcrdma::decode_reply(message), "the message in the Reply chunk"),
                    .length = message.size()};
    check(reply.rpc.xid == answer.message.xid, "the message in the Reply chunk has another XID");
    return reply;
}

/// Lists the workspace with a Reply chunk of `length` bytes.
LongReply list_long(Client &client, Workspace &workspace, std::size_t length,
                    std::size_t segments = 1) {
    const Step step(fmt::format("a Reply chunk of {} bytes in {} segments", length, segments));
    auto memory = client.memory(length, Access::write);
    const auto offered = memory.split(0, length, segments);
    const auto answer = client.call(Header{.reply = offered}, nfs3::readdir,
                                    nfs3::readdir_args(workspace.directory(), listing));
    auto reply = take_long(answer, memory, offered);
    const auto list = need(nfs3::readdir_result(reply.rpc), "READDIR");
    check(list.entries > files / 2, fmt::format("{} entries were listed", list.entries));
    return reply;
}

void long_reply(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    workspace.many_files(files);
    for (const std::size_t segments : {1, 2, 3, 16})
        list_long(client, workspace, room, segments);
}

void exact(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    workspace.many_files(files);
    const auto length = list_long(client, workspace, room).length;
    list_long(client, workspace, length);
    list_long(client, workspace, length, 7);

    const Step step("one byte less");
    auto other = context.connect();
    other.expect_alive();
    auto memory = other.memory(length, Access::write);
    const Header header{.xid = other.next_xid(), .reply = Chunk{memory.segment(0, length - 1)}};
    other.send(header, rpcrdma::encode_call(header.xid, nfs3::readdir,
                                            nfs3::readdir_args(workspace.directory(), listing)));
    other.expect_no_reply(header.xid);
}

void none(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    workspace.many_files(files);
    auto other = context.connect();
    const Header header{.xid = other.next_xid()};
    other.send(header, rpcrdma::encode_call(header.xid, nfs3::readdir,
                                            nfs3::readdir_args(workspace.directory(), listing)));
    other.expect_no_reply(header.xid);
}

void not_needed(Context &context) {
    auto client = context.connect();
    auto memory = client.memory(room, Access::write);
    const auto offered = memory.split(0, room, 3);
    const auto answer = client.call(Header{.reply = offered}, rpcrdma::nfs3::null);
    if (answer.message.proc == Proc::nomsg) {
        take_long(answer, memory, offered);
        return;
    }
    check(answer.message.reply.has_value(), "the Reply chunk did not come back");
    const auto &returned = *answer.message.reply;
    check(returned.size() == offered.size(), "segments of the Reply chunk are missing");
    for (std::size_t i = 0; i < offered.size(); i++)
        check(returned[i].handle == offered[i].handle && returned[i].offset == offered[i].offset &&
                  returned[i].length == 0,
              fmt::format("segment {} of the unused Reply chunk is not empty", i));
}

void padded(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    const auto data = random_bytes(context, 5001);
    const auto handle = workspace.file("data", data);
    auto memory = client.memory(room, Access::write);
    const auto offered = memory.split(0, room, 1);
    const auto answer =
        client.call(Header{.reply = offered}, nfs3::read, nfs3::read_args(handle, 0, 5001));
    const auto reply = take_long(answer, memory, offered);
    const auto result = need(nfs3::read_result(reply.rpc), "READ");
    check(result.data.size() == 5004 && std::ranges::equal(View(result.data).first(5001), data),
          "the data is not in the Reply chunk");
}

void beside_write_list(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    workspace.many_files(files);
    auto memory = client.memory(2 * room, Access::write);
    const Chunk write = memory.split(room, room, 2);
    const auto offered = memory.split(0, room, 2);
    const auto answer = client.call(Header{.writes = {write}, .reply = offered}, nfs3::readdir,
                                    nfs3::readdir_args(workspace.directory(), listing));
    take_long(answer, memory, offered);
    check(answer.message.writes.size() == 1 && answer.message.writes[0].size() == write.size() &&
              rpcrdma::chunk_length(answer.message.writes[0]) == 0,
          "the Write chunk did not come back unused");
}

/// A reply that is longer than 1024 bytes and shorter than 4096, to a client that says what its
/// Receives hold, or does not. Whether it came inline.
bool list_within(Context &context, Workspace &workspace, const ConnectOptions &with) {
    auto client = context.connect(with);
    auto memory = client.memory(room, Access::write);
    const auto offered = memory.split(0, room, 1);
    // Too much for 1024 bytes, little enough for 4096. What is too long breaks the connection.
    const auto answer = client.call(Header{.reply = offered}, nfs3::readdir,
                                    nfs3::readdir_args(workspace.directory(), 2600));
    if (answer.message.proc == Proc::nomsg) {
        take_long(answer, memory, offered);
        return false;
    }
    check(answer.message.proc == Proc::msg && with.receive_size >= 4096,
          "the reply is longer than the Receive buffers");
    return true;
}

void thresholds(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    workspace.many_files(20);
    const auto said = [](std::uint8_t kib) {
        return PrivateMessage{.send_size = kib, .receive_size = kib}.encode();
    };
    auto unknown = said(3);
    unknown[4] = 2;
    const std::array<std::pair<std::string_view, ConnectOptions>, 5> cases = {{
        {"nothing said", {.private_data = {}, .receive_size = 1024}},
        {"unknown version", {.private_data = unknown, .receive_size = 1024}},
        {"1 KiB said", {.private_data = said(0), .receive_size = 1024}},
        {"4 KiB said", {.private_data = said(3), .receive_size = 4096}},
        {"1 KiB said again", {.private_data = said(0), .receive_size = 1024}},
    }};
    for (const auto &[name, with] : cases) {
        const Step step{std::string(name)};
        list_within(context, workspace, with);
    }
}

/// What stands in front of a private message makes no difference to what the server takes from it.
void behind_other_data(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    workspace.many_files(20);
    const auto said = PrivateMessage{.send_size = 3, .receive_size = 3}.encode();
    const bool inline_reply =
        list_within(context, workspace, {.private_data = said, .receive_size = 4096});
    for (const std::size_t offset : {1, 2, 3, 4, 17, 40}) {
        const Step step(fmt::format("at offset {}", offset));
        Bytes bytes(offset, 0xf6); // which is how the identifier begins
        bytes.insert(bytes.end(), said.begin(), said.end());
        check(list_within(context, workspace, {.private_data = bytes, .receive_size = 4096}) ==
                  inline_reply,
              "the private message is not found, and is at offset 0");
    }
}

/// The handle of a memory window: user space has nothing else that a server may invalidate.
void invalidation(Context &context) {
    auto client = context.connect({.private_data = PrivateMessage{.flags = 1}.encode()});
    const auto said = PrivateMessage::decode(client.connection().private_data());
    Workspace workspace(context, client);
    const auto data = random_bytes(context, 4096);
    const auto handle = workspace.file("data", data);
    for (int round = 0; round < 3; round++) {
        auto memory = client.memory(4096, Access::window);
        const auto window = client.connection().window(memory, Access::write);
        if (!window)
            throw NotApplicable{window.error().what};
        const auto answer = client.call(Header{.writes = {{*window}}}, nfs3::read,
                                        nfs3::read_args(handle, 0, 4096));
        check(std::ranges::equal(memory.bytes(), data), "the data did not arrive");
        if (!answer.invalidated)
            continue;
        check(said && (said->flags & 1) != 0,
              "the server invalidates remotely, and did not say that it would");
        check(*answer.invalidated == window->handle,
              fmt::format("the server invalidated handle {:#x}; the call had {:#x}",
                          *answer.invalidated, window->handle));
    }
}

} // namespace

std::span<const Test> reply_tests() {
    static const std::array tests = {
        Test{"reply.long",
             {"8166-3.5.3-1", "8166-3.5.3-3", "8166-4.3.3-2", "8166-4.2.4-1"},
             "a long reply goes to the Reply chunk, of up to 16 segments",
             long_reply},
        Test{"reply.exact",
             {"8166-4.5.4-2", "8166-3.5.3-3"},
             "a Reply chunk may be just long enough, but not a byte shorter",
             exact},
        Test{"reply.none",
             {"8166-4.5.4-2"},
             "without a Reply chunk, a long reply is refused or ends the connection",
             none},
        Test{"reply.not-needed",
             {"8166-4.3.3-2"},
             "a Reply chunk that was not needed comes back empty",
             not_needed},
        Test{"reply.padding", {"8166-3.5.3-4"}, "data in a Reply chunk keeps its padding", padded},
        Test{"reply.beside-write-list",
             {"8166-4.3.2.2-3", "8166-3.5.3-3"},
             "a Write list and a Reply chunk in one call",
             beside_write_list},
        Test{"reply.thresholds",
             {"8166-3.3.3-3", "8797-4-1", "8797-5.1-1"},
             "no reply is longer than the client's Receives, 1024 bytes unless it said more",
             thresholds},
        Test{"reply.offset",
             {"8797-5.2-1"},
             "a private message is found behind the data of other layers",
             behind_other_data},
        Test{"reply.invalidation",
             {"8797-4.1-1"},
             "only a handle of the call itself is invalidated",
             invalidation},
    };
    return tests;
}

} // namespace conform
