// SPDX-License-Identifier: GPL-2.0-only
// What a client may take out of a call, and put into a Read chunk: the data of a WRITE and the
// target of a link, all of it and nothing else (RFC 8166 section 6.1, RFC 8267).
#include "session.h"

#include <array>
#include <functional>

namespace conform {

namespace nfs3 = rpcrdma::nfs3;
namespace nfs4 = rpcrdma::nfs4;
using rpcrdma::Accept;
using rpcrdma::Auth;
using rpcrdma::Flavor;
using rpcrdma::ReadSegment;

namespace {

constexpr std::size_t word = 4;

/// A call as it would be without chunks.
struct Whole {
    std::uint32_t xid;
    Bytes message;
    std::size_t data;   ///< where the data of its WRITE begins
    std::size_t length; ///< of the data, bytes
};

/// The range of a call that travels in a Read chunk, without its padding.
struct Cut {
    std::size_t position;
    std::size_t length;
};

/// The call with one range in a Read chunk, and the rest inline or in a Position Zero Read chunk.
struct Reduced {
    Memory memory; ///< all of the call
    Header header;
    Bytes payload;
};

Reduced reduce(Client &client, const Whole &call, const Cut &cut, Proc proc = Proc::msg) {
    const View all = call.message;
    Reduced reduced = {.memory = client.memory(all.size(), Access::read),
                       .header = {.xid = call.xid, .proc = proc},
                       .payload = {}};
    std::ranges::copy(all, reduced.memory.bytes().begin());
    const auto end = cut.position + cut.length;
    const auto behind = end + rpcrdma::padding(cut.length);
    const auto chunk = [&](std::size_t position, std::size_t from, std::size_t to) {
        if (from < to)
            reduced.header.reads.push_back(
                ReadSegment{.position = static_cast<std::uint32_t>(position),
                            .segment = reduced.memory.segment(from, to - from)});
    };
    if (proc == Proc::nomsg) {
        chunk(0, 0, cut.position);
        chunk(0, behind, all.size());
    } else {
        const auto before = all.first(cut.position), after = all.subspan(behind);
        reduced.payload.assign(before.begin(), before.end());
        reduced.payload.insert(reduced.payload.end(), after.begin(), after.end());
    }
    chunk(cut.position, cut.position, end);
    return reduced;
}

/// A file that nobody may write to by a call that is wrong.
class Victim {
  public:
    explicit Victim(Context &context)
        : client_(context.connect()), workspace_(context, client_),
          before_(random_bytes(context, length)), handle_(workspace_.file("data", before_)),
          after_(random_bytes(context, length)) {
        // So that no word of it is taken for a length.
        std::ranges::fill(after_, 0xff);
    }

    Client &client() { return client_; }
    Workspace &workspace() { return workspace_; }
    [[nodiscard]] View data() const { return after_; }

    /// A WRITE of data() by version 3, with `credential`, or as user 0.
    Whole write(const Auth *credential = nullptr, const Auth &verifier = {}) {
        const auto xid = client_.next_xid();
        Encoder arguments;
        arguments.raw(nfs3::write_args(handle_, 0, length));
        const auto data = arguments.size();
        arguments.fixed(after_);
        auto message =
            credential == nullptr
                ? rpcrdma::encode_call(xid, nfs3::write, arguments.bytes())
                : rpcrdma::encode_call(xid, nfs3::write, *credential, verifier, arguments.bytes());
        const auto header = message.size() - arguments.size();
        return {xid, std::move(message), header + data, length};
    }

    void expect_untouched() {
        check(workspace_.content(handle_, length) == before_,
              "a call that must not be processed wrote to the file");
    }

    static constexpr int length = 128;

  private:
    Client client_;
    Workspace workspace_;
    Bytes before_, handle_, after_;
};

Step step_of(const Cut &cut, Proc proc) {
    return Step(fmt::format("{} bytes at position {}{}", cut.length, cut.position,
                            proc == Proc::nomsg ? " of a Long Call" : ""));
}

/// Takes every word of the RPC header out of a WRITE, and everything from there on.
void cut_header(Victim &victim, const std::function<Whole()> &call) {
    const auto sample = call();
    const auto end = sample.data - nfs3::write_args(victim.workspace().handle("data"), 0, 0).size();
    for (const auto proc : {Proc::msg, Proc::nomsg})
        for (std::size_t position = word; position < end; position += word)
            for (const auto length : {word, sample.message.size() - position}) {
                const Cut cut = {position, length};
                const auto step = step_of(cut, proc);
                const auto reduced = reduce(victim.client(), call(), cut, proc);
                victim.client().expect_refused(reduced.header, reduced.payload);
            }
    victim.client().expect_alive();
    victim.expect_untouched();
}

void header(Context &context) {
    Victim victim(context);
    cut_header(victim, [&] { return victim.write(); });
}

enum class Service : std::uint32_t { none = 1, integrity = 2, privacy = 3 };

/// A credential that names a context which the server has never heard of (RFC 2203 section 5).
Auth gss_credential(Service service) {
    Encoder body;
    body.u32(1).u32(0).u32(1).u32(static_cast<std::uint32_t>(service)); // version, DATA, sequence
    body.opaque(Bytes(16, 0x5a));
    return {Flavor::gss, std::move(body).bytes()};
}

Auth gss_verifier() {
    return {Flavor::gss, Bytes(28, 0x5a)};
}

void gss_header(Context &context) {
    Victim victim(context);
    const auto credential = gss_credential(Service::none);
    cut_header(victim, [&] { return victim.write(&credential, gss_verifier()); });
}

void gss_services(Context &context) {
    Victim victim(context);
    for (const auto service : {Service::none, Service::integrity, Service::privacy}) {
        const Step step(fmt::format("service {}", static_cast<std::uint32_t>(service)));
        const auto credential = gss_credential(service);
        const auto call = victim.write(&credential, gss_verifier());
        const auto reduced = reduce(victim.client(), call, {call.data, call.length});
        if (service != Service::none) {
            victim.client().expect_refused(reduced.header, reduced.payload);
            continue;
        }
        // That the context is unknown is for the RPC layer to say: nothing is wrong with the chunk.
        victim.client().send(reduced.header, reduced.payload);
        const auto message = victim.client().receive();
        check(message.xid == call.xid && message.proc == Proc::msg,
              "data that may be reduced is refused");
    }
    victim.client().expect_alive();
    victim.expect_untouched();
}

/// Refused with ERR_CHUNK, or with GARBAGE_ARGS as where arguments cannot be parsed (RFC 8166
/// section 4.5.2).
void expect_unprocessed(Client &client, const Reduced &reduced) {
    client.send(reduced.header, reduced.payload);
    const auto answer = client.answer(reduced.header.xid);
    if (answer.message.proc == Proc::error) {
        check(answer.message.error == rpcrdma::err_chunk, "refused with another error");
        return;
    }
    check(answer.message.proc == Proc::msg && answer.rpc.status == Accept::garbage_args,
          "neither refused with ERR_CHUNK, nor answered with GARBAGE_ARGS");
}

/// Where a range begins and ends, counted from where the data of a WRITE does.
struct Off {
    int begin, end;

    [[nodiscard]] Cut of(const Whole &call) const {
        const auto at = static_cast<std::size_t>(static_cast<long>(call.data) + begin);
        return {at, static_cast<std::size_t>(static_cast<long>(call.length) + end - begin)};
    }
};

/// More, less, or something else than the data.
constexpr std::array wrong = {
    Off{0, -4},                  // without the last word
    Off{0, -3},                  // a part of that word: no padding may take its place
    Off{0, -Victim::length / 2}, // the first half
    Off{0, 4},                   // and what is behind it
    Off{4, 0},                   // without the first word
    Off{-4, 0},                  // with the count in front of it
    Off{-8, -Victim::length},    // what is in front of it
};

void data_alone(Context &context) {
    Victim victim(context);
    for (const auto proc : {Proc::msg, Proc::nomsg})
        for (const auto &off : wrong) {
            auto call = victim.write();
            // Nobody reads behind the arguments.
            call.message.resize(call.message.size() + word);
            const auto cut = off.of(call);
            const auto step = step_of(cut, proc);
            expect_unprocessed(victim.client(), reduce(victim.client(), call, cut, proc));
        }
    victim.client().expect_alive();
    victim.expect_untouched();
}

/// A COMPOUND that writes to the file, with an operation behind that.
Whole compound_write(Victim &victim, Session &session, View handle) {
    auto request = session.compound().putfh(handle).write_head(0, Victim::length);
    const auto data = request.size();
    request.raw(victim.data());
    request.getfh();
    const auto xid = victim.client().next_xid();
    const auto head = rpcrdma::encode_call(xid, nfs4::compound).size();
    return {xid, rpcrdma::encode_call(xid, nfs4::compound, request.bytes()), head + data,
            Victim::length};
}

void compound_data_alone(Context &context) {
    Victim victim(context);
    Session session(victim.client());
    const auto handle = session.find(session.find(context, victim.workspace()), "data");
    for (const auto &off : wrong) {
        const auto call = compound_write(victim, session, handle);
        const auto cut = off.of(call);
        const auto step = step_of(cut, Proc::msg);
        expect_unprocessed(victim.client(), reduce(victim.client(), call, cut));
        session.not_taken();
    }
    victim.client().expect_alive();
    victim.expect_untouched();
}

/// The target of a link may be reduced.
void link_target(Context &context) {
    auto client = context.connect();
    Workspace workspace(context, client);
    for (const std::size_t length : {1, 40, 901}) {
        const Step step(fmt::format("{} bytes", length));
        const std::string target(length, 'x');
        const auto name = fmt::format("link-{}", length);
        const auto xid = client.next_xid();
        auto message = rpcrdma::encode_call(
            xid, nfs3::symlink, nfs3::symlink_args(workspace.directory(), name, target));
        const auto position = message.size() - length - rpcrdma::padding(length);
        const Whole call = {xid, std::move(message), position, length};
        const auto reduced = reduce(client, call, {position, length});
        client.send(reduced.header, reduced.payload);
        const auto answer = client.answer(xid);
        check(answer.message.proc == Proc::msg, "the SYMLINK was refused");
        const auto handle = need(nfs3::created_handle(answer.rpc), "SYMLINK");
        const auto read = client.call(nfs3::readlink, nfs3::handle_args(handle));
        const auto result = need(nfs3::readlink_result(read.rpc), "READLINK");
        check(result.length == length &&
                  std::ranges::equal(View(result.data).first(length), target, {}, {},
                                     [](char c) { return static_cast<std::uint8_t>(c); }),
              "the link has another target than was sent");
        workspace.adopt(name, handle);
    }
}

} // namespace

std::span<const Test> eligibility_tests() {
    static const std::array tests = {
        Test{"eligibility.link",
             {"8166-3.4.4.1-1"},
             "a link's target is taken from a Read chunk",
             link_target},
        Test{"eligibility.header",
             {"8166-6.1-2"},
             "a call of whose RPC header something was reduced is refused with ERR_CHUNK",
             header},
        Test{"eligibility.gss-header",
             {"8166-6.1-2", "8166-8.2.2-1"},
             "the same with a credential and a verifier of RPCSEC_GSS",
             gss_header},
        Test{"eligibility.gss-services",
             {"8166-6.1-2", "8166-8.2.2.3-1"},
             "nothing may be reduced under RPCSEC_GSS integrity or privacy",
             gss_services},
        Test{"eligibility.data-alone",
             {"8166-6.1-2", "8166-3.4.4.4-1"},
             "a WRITE of which more, less or something else than the data was reduced is refused",
             data_alone},
        Test{"eligibility.compound",
             {"8166-6.1-2", "8166-3.4.4.4-1"},
             "the same of a WRITE in a COMPOUND",
             compound_data_alone},
    };
    return tests;
}

} // namespace conform
