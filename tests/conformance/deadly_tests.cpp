// SPDX-License-Identifier: GPL-2.0-only
// What servers are known to crash of. The server may refuse it; it must go on serving everybody
// else (the runner asks).
#include "expendable.h"

#include <array>
#include <limits>

namespace conform {

namespace nfs3 = rpcrdma::nfs3;
using rpcrdma::ReadSegment;

namespace {

constexpr std::uint32_t u32_max = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t u64_max = std::numeric_limits<std::uint64_t>::max();

/// Lengths at and beyond every boundary that a 32-bit length has.
constexpr std::array<std::uint32_t, 9> lengths = {
    0, 1, 4095, 4097, 0x100001, 0x7fffffff, 0x80000000, u32_max - 3, u32_max};

void extreme_lengths(Context &context) {
    Expendable client(context);
    for (const auto length : lengths)
        for (const std::uint64_t offset : {std::uint64_t{0}, u64_max, u64_max - 4096}) {
            const Step step(fmt::format("length {:#x}, offset {:#x}", length, offset));
            const Segment segment{.handle = 0x4321, .length = length, .offset = offset};
            client.send_null({.reads = {{.position = 40, .segment = segment}}});
            client.send_null({.proc = Proc::nomsg, .reads = {{.position = 0, .segment = segment}}});
            client.send_null({.writes = {{segment, segment}}, .reply = Chunk{segment, segment}});
        }
    const Step step("empty Read chunks one behind the other");
    const ReadSegment empty{.position = 40, .segment = {}}, behind{.position = 44, .segment = {}};
    client.send_null({.reads = {empty, empty, behind}});
    client.send_null({.proc = Proc::nomsg, .reads = {empty, empty, behind}});
}

/// Read bytes around what a server's page array can hold, with inline bytes besides.
void page_array(Context &context) {
    constexpr std::size_t page = 4096, pages = 256; // of 1 MiB
    for (std::size_t more = 0; more <= 6; more++)
        for (const int off : {-4, 0, 4}) {
            const auto length = (pages + more) * page + static_cast<std::size_t>(4 + off) - 4;
            const Step step(fmt::format("{} bytes", length));
            Expendable client(context);
            auto memory = client.client().memory(length, Access::read);
            const auto xid = client.client().next_xid();
            Encoder payload;
            payload.raw(rpcrdma::encode_call(
                xid, nfs3::write,
                nfs3::write_args(Bytes(32), 0, static_cast<std::uint32_t>(length))));
            const auto position = static_cast<std::uint32_t>(payload.size());
            payload.raw(Bytes(2000));
            client.send(
                {.xid = xid, .reads = {{.position = position, .segment = memory.segment()}}},
                payload.bytes());
        }
}

} // namespace

std::span<const Test> deadly_tests() {
    constexpr auto hostile = Kind::hostile;
    static const std::array tests = {
        Test{"deadly.page-array",
             {"8166-8.1-1"},
             "Read bytes and inline bytes that just do not fit the largest message",
             page_array,
             hostile,
             "Linux's own transport overruns its page array"},
        Test{"deadly.lengths",
             {"8166-8.1-1"},
             "segments with extreme lengths and offsets",
             extreme_lengths,
             hostile,
             "Linux's own transport follows a null pointer when a segment is empty"},
    };
    return tests;
}

} // namespace conform
