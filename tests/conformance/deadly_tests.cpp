// SPDX-License-Identifier: GPL-2.0-only
// What servers are known to crash of. The server may refuse it; it must go on serving everybody
// else (the runner asks).
#include "expendable.h"
#include "session.h"

#include <algorithm>
#include <array>
#include <limits>

namespace conform {

namespace nfs3 = rpcrdma::nfs3;
namespace nfs4 = rpcrdma::nfs4;
using nfs4::Compound;
using rpcrdma::Procedure;
using rpcrdma::ReadSegment;

namespace {

constexpr std::uint32_t u32_max = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t page = 4096;
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
    constexpr std::size_t pages = 256; // of 1 MiB
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

/// A call whose reply takes pages of the server's.
struct Paged {
    std::string what;
    Procedure procedure;
    Bytes arguments;
};

/// Sends calls that leave the server few pages for their replies, or none.
class Crowd {
  public:
    explicit Crowd(Context &context)
        : client_(context.connect()), message_(client_.memory(page, Access::read)),
          results_(client_.memory(page, Access::write)) {
        client_.expect_alive();
    }

    Client &client() { return client_; }

    /// Memory for messages and for results of that many bytes.
    void grow(std::size_t length) {
        message_ = client_.memory(length, Access::read);
        results_ = client_.memory(length, Access::write);
    }

    /// A Long Call of at least `length` bytes, those behind its arguments zero: no server looks at
    /// them. Its reply may be of any length, and so may data in it. Returns whether the server took
    /// it, and did not refuse it with ERR_CHUNK.
    bool takes(const Paged &call, std::size_t length) {
        const auto xid = client_.next_xid();
        const auto bytes = rpcrdma::encode_call(xid, call.procedure, call.arguments);
        const auto rest = std::ranges::copy(bytes, message_.bytes().begin()).out;
        // Of the call before; further behind nothing was ever written.
        std::fill(rest, message_.bytes().begin() + page, 0);
        return answered(
            {.xid = xid,
             .proc = Proc::nomsg,
             .reads = {{.position = 0,
                        .segment = message_.segment(0, std::max(length, bytes.size()))}},
             .writes = {{results_.segment()}},
             .reply = Chunk{results_.segment()}},
            {});
    }

    /// A COMPOUND to whose end a WRITE of `length` bytes is added, from a Read chunk.
    bool takes_data(Compound request, View file, std::size_t length) {
        const auto xid = client_.next_xid();
        request.putfh(file).write_head(0, static_cast<std::uint32_t>(length));
        const auto bytes = rpcrdma::encode_call(xid, nfs4::compound, request.bytes());
        return answered({.xid = xid,
                         .reads = {{.position = static_cast<std::uint32_t>(bytes.size()),
                                    .segment = message_.segment(0, length)}},
                         .reply = Chunk{results_.segment()}},
                        bytes);
    }

    /// Finds pages of the longest message that the server takes, and makes room for some more.
    std::size_t find_longest() {
        constexpr std::size_t limit = 8192;
        const Paged null = {"NULL", nfs3::null, {}};
        std::size_t taken = 0, refused = 8;
        const auto try_one = [&](std::size_t pages) {
            const Step step(fmt::format("NULL with a message of {} pages", pages));
            return takes(null, pages * page);
        };
        for (grow(refused * page); try_one(refused); grow(refused * page)) {
            taken = refused;
            refused *= 2;
            if (refused > limit)
                throw NotApplicable{"the server takes calls of any length"};
        }
        while (refused - taken > 1) {
            const auto middle = (taken + refused) / 2;
            (try_one(middle) ? taken : refused) = middle;
        }
        grow((taken + above + 1) * page);
        return taken;
    }

    /// Every number of pages around the most, the last one full or with a word in it.
    template <typename Function> void crowd(const Function &function) {
        const auto longest = find_longest();
        for (auto pages = longest - std::min(longest, below); pages <= longest + above; pages++)
            for (const std::size_t more : {0, 4}) {
                const Step step(
                    fmt::format("{} pages and {} bytes, {} being the most", pages, more, longest));
                function(pages * page + more);
            }
    }

  private:
    static constexpr std::size_t below = 6, above = 4; // pages

    bool answered(const Header &header, View payload) {
        client_.send(header, payload);
        const auto answer = client_.answer(header.xid);
        if (answer.message.proc != Proc::error)
            return true;
        check(answer.message.error == rpcrdma::err_chunk, "refused with another error");
        return false;
    }

    Client client_;
    Memory message_, results_;
};

/// Sends all of these as Long Calls of all lengths: first as short as they are. `most` bytes of
/// data can be in one reply.
void crowd_out(Context &context, const std::vector<Paged> &calls, std::uint32_t most) {
    Crowd crowd(context);
    const auto all = [&](std::size_t length) {
        for (const auto &call : calls) {
            const Step step(call.what);
            const bool taken = crowd.takes(call, length);
            check(taken || length > 0, "refused, short as it is");
        }
    };
    crowd.grow(most + 4 * page);
    all(0);
    crowd.crowd(all);
}

/// What such calls are about.
struct Things {
    Client client;
    Workspace workspace;
    Bytes directory, file, link;
    std::uint32_t most; ///< bytes of a READ

    explicit Things(Context &context)
        : client(context.connect()), workspace(context, client), directory(workspace.directory()),
          file(workspace.file("data")), link(workspace.symlink("link", std::string(901, 'x'))) {
        const auto answer = client.call(nfs3::fsinfo, nfs3::handle_args(directory));
        most = need(nfs3::fsinfo_result(answer.rpc), "FSINFO").read;
        // Long, and nothing in it.
        Encoder last;
        last.raw(nfs3::write_args(file, most + 4 * page, 4)).u32(0);
        need(nfs3::written_count(client.call(nfs3::write, last.bytes()).rpc), "WRITE");
        workspace.many_files(40);
    }

    /// Where READs begin, and how many bytes they ask for.
    [[nodiscard]] std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges() const {
        return {{0, page}, {1, page}, {page - 1, 2}, {3, 2 * page + 7}, {0, most}, {1, most}};
    }
};

const Bytes nobodys(32, 0); // a handle of nothing

void crowd_v2(Context &context) {
    constexpr Procedure null = {rpcrdma::program_nfs, 2, 0, rpcrdma::Flavor::none};
    constexpr Procedure readlink = {rpcrdma::program_nfs, 2, 5};
    constexpr Procedure read = {rpcrdma::program_nfs, 2, 6};
    constexpr Procedure readdir = {rpcrdma::program_nfs, 2, 16};
    Things things(context);
    if (things.client.call(null).rpc.status != rpcrdma::Accept::success)
        throw NotApplicable{"no NFS version 2"};
    // Servers that have several versions use one kind of handle.
    const auto fixed = [](Bytes handle) {
        handle.resize(32);
        return handle;
    };
    std::vector<Paged> calls;
    for (const auto &link : {things.link, nobodys})
        calls.push_back({"READLINK", readlink, Encoder().raw(fixed(link)).bytes()});
    for (const auto &directory : {things.directory, nobodys})
        for (const auto count : {8U, 512U, 4096U, u32_max})
            calls.push_back({fmt::format("READDIR of {} bytes", count), readdir,
                             Encoder().raw(fixed(directory)).u32(0).u32(count).bytes()});
    for (const auto &[offset, count] : things.ranges())
        calls.push_back({fmt::format("READ of {} bytes at {}", count, offset), read,
                         Encoder().raw(fixed(things.file)).u32(offset).u32(count).u32(0).bytes()});
    crowd_out(context, calls, things.most);
}

void crowd_v3(Context &context) {
    Things things(context);
    std::vector<Paged> calls;
    for (const auto &link : {things.link, nobodys})
        calls.push_back({"READLINK", nfs3::readlink, nfs3::handle_args(link)});
    for (const auto &directory : {things.directory, nobodys})
        for (const auto count : {8U, 4096U, 4097U, u32_max}) {
            calls.push_back({fmt::format("READDIR of {} bytes", count), nfs3::readdir,
                             nfs3::readdir_args(directory, count)});
            calls.push_back({fmt::format("READDIRPLUS of {} bytes", count), nfs3::readdirplus,
                             nfs3::readdirplus_args(directory, count)});
        }
    for (const auto &[offset, count] : things.ranges())
        calls.push_back({fmt::format("READ of {} bytes at {}", count, offset), nfs3::read,
                         nfs3::read_args(things.file, offset, count)});
    crowd_out(context, calls, things.most);
}

/// Of version 4.0: a session would limit how long a call may be.
class Compounds {
  public:
    explicit Compounds(Context &context) : things_(context) {
        Session session(things_.client);
        const auto directory = session.find(context, things_.workspace);
        file_ = session.find(directory, "data");
        const auto link = session.find(directory, "link");
        const auto probe = things_.client.call(nfs4::compound, begin().putfh(directory).bytes());
        if (need(nfs4::Results::of(probe.rpc), "COMPOUND").status() != nfs4::ok)
            throw NotApplicable{"no NFS version 4.0"};

        add("READLINK", begin().putfh(link).readlink());
        for (const auto count : {512U, 4096U, u32_max})
            add(fmt::format("READDIR of {} bytes", count), begin().putfh(directory).readdir(count));
        const auto most = things_.most;
        for (const auto &[offset, count] : things_.ranges())
            add(fmt::format("READ of {} bytes at {}", count, offset),
                begin().putfh(file_).read(offset, count));
        // Linux splices the pages of a file into a reply that has one READ, and copies where there
        // are two. That is slow: two of these will do.
        for (const auto count : {static_cast<std::uint32_t>(2 * page + 7), most})
            add(fmt::format("READ of {} bytes, and of a few", count),
                begin().putfh(file_).read(0, count).read(1, 5));
    }

    [[nodiscard]] View file() const { return file_; }
    [[nodiscard]] std::uint32_t most() const { return things_.most; }
    [[nodiscard]] const std::vector<std::pair<std::string, Compound>> &all() const { return all_; }

  private:
    static Compound begin() { return Compound(0); }
    void add(std::string what, Compound compound) {
        all_.emplace_back(std::move(what), std::move(compound));
    }

    Things things_;
    Bytes file_;
    std::vector<std::pair<std::string, Compound>> all_;
};

void crowd_v4(Context &context) {
    const Compounds compounds(context);
    std::vector<Paged> calls;
    for (const auto &[what, compound] : compounds.all())
        calls.push_back({what, nfs4::compound, compound.bytes()});
    crowd_out(context, calls, compounds.most());
}

/// The same with a WRITE that fills as many pages.
void crowd_v4_write(Context &context) {
    const Compounds compounds(context);
    Crowd crowd(context);
    crowd.crowd([&](std::size_t length) {
        for (const auto &[what, compound] : compounds.all()) {
            const Step step(what);
            crowd.takes_data(compound, compounds.file(), length);
        }
    });
}

} // namespace

std::span<const Test> deadly_tests() {
    constexpr auto hostile = Kind::hostile;
    constexpr std::string_view no_page_left =
        "Linux's nfsd takes pages behind the end of its array for the reply to a long message";
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
        Test{"deadly.crowded-nfs2",
             {"8166-8.1-1"},
             "READLINK, READDIR and READ of version 2 in calls as long as the server takes any",
             crowd_v2,
             hostile,
             no_page_left},
        Test{"deadly.crowded-nfs3",
             {"8166-8.1-1"},
             "the same of version 3, and READDIRPLUS",
             crowd_v3,
             hostile,
             no_page_left},
        Test{"deadly.crowded-nfs4",
             {"8166-8.1-1"},
             "the same of version 4",
             crowd_v4,
             hostile,
             no_page_left},
        Test{"deadly.crowded-write",
             {"8166-8.1-1"},
             "the same in front of a WRITE as long as the server takes any",
             crowd_v4_write,
             hostile,
             no_page_left},
    };
    return tests;
}

} // namespace conform
