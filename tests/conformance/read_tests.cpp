// SPDX-License-Identifier: GPL-2.0-only
// Arguments that the server has to fetch: Read chunks and Long Calls (RFC 8166 sections 3.4.5 and
// 3.5.3).
#include "workspace.h"

#include <array>

namespace conform {

namespace nfs3 = rpcrdma::nfs3;
using rpcrdma::Accept;
using rpcrdma::ReadSegment;

namespace {

std::vector<ReadSegment> at_position(std::uint32_t position, const Chunk &chunk) {
    std::vector<ReadSegment> reads;
    for (const auto &segment : chunk)
        reads.push_back({.position = position, .segment = segment});
    return reads;
}

/// A WRITE call up to where its data belongs.
struct WriteCall {
    std::uint32_t xid;
    Bytes head;

    WriteCall(Client &client, View handle, std::size_t count)
        : xid(client.next_xid()),
          head(rpcrdma::encode_call(
              xid, nfs3::write, nfs3::write_args(handle, 0, static_cast<std::uint32_t>(count)))) {}

    [[nodiscard]] std::uint32_t position() const { return static_cast<std::uint32_t>(head.size()); }
};

void expect_written(const Answer &answer, std::size_t length) {
    check(answer.message.proc == Proc::msg, "the WRITE was refused");
    const auto count = need(nfs3::written_count(answer.rpc), "WRITE");
    check(count == length, fmt::format("{} of {} bytes were written", count, length));
}

void expect_content(Workspace &workspace, View handle, View data) {
    check(std::ranges::equal(workspace.whole(handle, data.size() + 4), data),
          "the file does not hold what was written");
}

/// Memory of `size` bytes that begins with `data`.
Memory filled(Client &client, std::size_t size, View data) {
    auto memory = client.memory(size, Access::read);
    std::ranges::copy(data, memory.bytes().begin());
    return memory;
}

/// Writes `length` bytes through a Read chunk of `segments` segments, with `padding` bytes behind
/// the data.
void write_reduced(Context &context, Client &client, Workspace &workspace, std::size_t length,
                   std::size_t segments, std::size_t padding = 0) {
    const Step step(fmt::format("{} bytes, {} segments, {} of padding", length, segments, padding));
    const auto handle = workspace.file(fmt::format("data-{}-{}-{}", length, segments, padding));
    const auto data = random_bytes(context, length);
    const auto memory = filled(client, length + padding, data);
    const WriteCall call(client, handle, length);
    client.send(
        Header{.xid = call.xid,
               .reads = at_position(call.position(), memory.split(0, length + padding, segments))},
        call.head);
    expect_written(client.answer(call.xid), length);
    expect_content(workspace, handle, data);
}

void sizes(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    for (const std::size_t length : {1, 2, 3, 4, 5, 1023, 4095, 4096, 4097, 65536, 100001})
        write_reduced(context, client, workspace, length, 1);
}

void segments(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    for (const std::size_t count : {2, 3, 7, 16})
        write_reduced(context, client, workspace, 20011, count);
}

/// As much at once as the server says that it takes, there and back.
void largest(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    const auto answer = client.call(nfs3::fsinfo, nfs3::handle_args(workspace.directory()));
    const auto offered = need(nfs3::fsinfo_result(answer.rpc), "FSINFO");
    const Step step(
        fmt::format("READs of {} bytes and WRITEs of {} are offered", offered.read, offered.write));
    const auto length = std::min(offered.read, offered.write);
    for (const std::size_t count : {1, 16})
        write_reduced(context, client, workspace, length, count);
}

void with_padding(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    write_reduced(context, client, workspace, 5001, 1, 3);
    write_reduced(context, client, workspace, 5002, 2, 2);

    const Step step("padding in a segment of its own");
    const auto handle = workspace.file("data");
    const auto data = random_bytes(context, 4097);
    const auto memory = filled(client, 4100, data);
    const WriteCall call(client, handle, data.size());
    client.send(Header{.xid = call.xid,
                       .reads = at_position(call.position(),
                                            {memory.segment(0, 4097), memory.segment(4097, 3)})},
                call.head);
    expect_written(client.answer(call.xid), data.size());
    expect_content(workspace, handle, data);
}

/// A whole call at position zero.
Answer long_call(Client &client, View call, std::size_t segments) {
    const auto memory = filled(client, call.size(), call);
    const auto xid = rpcrdma::Decoder(call).u32();
    client.send(Header{.xid = xid,
                       .proc = Proc::nomsg,
                       .reads = at_position(0, memory.split(0, call.size(), segments))});
    return client.answer(xid);
}

void long_calls(Context &context) {
    auto client = context.connect();
    const auto null = null_call(client.next_xid());
    check(long_call(client, null, 1).rpc.status == Accept::success, "NULL as a Long Call failed");

    Workspace workspace(context, client);
    for (const auto &[length, segments] :
         {std::pair{10, 1}, {1001, 2}, {4096, 3}, {9001, 16}, {60000, 1}, {70001, 16}}) {
        const Step step(fmt::format("WRITE of {} bytes, {} segments", length, segments));
        const auto handle = workspace.file(fmt::format("data-{}-{}", length, segments));
        const auto data = random_bytes(context, static_cast<std::size_t>(length));
        WriteCall call(client, handle, data.size());
        Encoder message;
        message.raw(call.head).fixed(data);
        expect_written(long_call(client, message.bytes(), static_cast<std::size_t>(segments)),
                       data.size());
        expect_content(workspace, handle, data);
    }
}

void long_call_and_chunk(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    for (const std::size_t count : {1, 16}) {
        const Step step(fmt::format("{} segments each", count));
        const auto handle = workspace.file(fmt::format("data-{}", count));
        const auto data = random_bytes(context, 10001);
        const auto data_memory = filled(client, data.size(), data);
        const WriteCall call(client, handle, data.size());
        const auto head_memory = filled(client, call.head.size(), call.head);
        auto reads = at_position(0, head_memory.split(0, call.head.size(), count, 4));
        const auto more = at_position(call.position(), data_memory.split(0, data.size(), count));
        reads.insert(reads.end(), more.begin(), more.end());
        client.send(Header{.xid = call.xid, .proc = Proc::nomsg, .reads = reads});
        expect_written(client.answer(call.xid), data.size());
        expect_content(workspace, handle, data);
    }
}

void too_short(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    const auto handle = workspace.file("data");
    const auto memory = client.memory(4096, Access::read);
    const WriteCall call(client, handle, 4096);
    client.send(
        Header{.xid = call.xid,
               .reads = {{.position = call.position(), .segment = memory.segment(0, 4000)}}},
        call.head);
    // The transport may see it before the RPC layer does.
    const auto answer = client.answer(call.xid);
    if (answer.message.proc == Proc::error)
        check(answer.message.error == rpcrdma::err_chunk, "refused with another error");
    else
        check(answer.message.proc == Proc::msg && answer.rpc.status == Accept::garbage_args,
              "data shorter than its count is not refused");
    client.expect_alive();
}

void not_eligible(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    const auto &handle = workspace.directory();
    const auto memory = filled(client, handle.size(), handle);
    const auto xid = client.next_xid();
    const auto length = Encoder().u32(static_cast<std::uint32_t>(handle.size())).bytes();
    const auto call = rpcrdma::encode_call(xid, nfs3::getattr, length);
    client.expect_refused(Header{.xid = xid,
                                 .reads = {{.position = static_cast<std::uint32_t>(call.size()),
                                            .segment = memory.segment()}}},
                          call);
    client.expect_alive();
}

void smallest_buffers(Context &context) {
    auto client = context.connect({.private_data = {}, .receive_size = 1024});
    Workspace workspace(context, client);
    const auto handle = workspace.file("data");
    // As much data as makes a message of exactly 1024 bytes.
    const WriteCall probe(client, handle, 0);
    const auto length = 1024 - Header{}.encode().size() - probe.head.size();
    const auto data = random_bytes(context, length);
    const WriteCall call(client, handle, length);
    Encoder message;
    message.raw(call.head).fixed(data);
    client.send(Header{.xid = call.xid}, message.bytes());
    expect_written(client.answer(call.xid), length);
    check(workspace.content(handle, length) == data, "the file does not hold what was written");
}

} // namespace

std::span<const Test> read_tests() {
    static const std::array tests = {
        Test{"read.inline-1024",
             {"8166-3.3.3-2"},
             "a message of exactly 1024 bytes is taken",
             smallest_buffers},
        Test{"read.sizes",
             {"8166-3.4.5-1", "8166-3.4.5.2-3"},
             "arguments of any length are fetched from a Read chunk",
             sizes},
        Test{"read.segments",
             {"8166-3.4.5-1", "8267-6.4.2-2"},
             "Read chunks of up to 16 segments of any length",
             segments},
        Test{"read.largest",
             {"8166-3.4.5-1", "8166-3.4.5.2-3"},
             "the largest READs and WRITEs that the server offers",
             largest},
        Test{"read.padding",
             {"8166-3.4.5.2-2"},
             "Read chunks that include the roundup padding",
             with_padding},
        Test{"read.long-call",
             {"8166-3.5.3-1", "8166-3.5.3-2", "8166-3.5.3-4", "8267-6.4.2-2"},
             "Long Calls of up to 16 segments",
             long_calls},
        Test{"read.long-call-and-chunk",
             {"8267-6.4.2-2", "8166-3.4.5-1"},
             "a Long Call with a Read chunk beside it",
             long_call_and_chunk},
        Test{"read.too-short",
             {"8166-4.5.2-2"},
             "a Read chunk shorter than its item is refused, or answered with GARBAGE_ARGS",
             too_short},
        Test{"read.not-eligible",
             {"8166-6.1-2"},
             "a call whose file handle was reduced is refused with ERR_CHUNK",
             not_eligible},
    };
    return tests;
}

} // namespace conform
