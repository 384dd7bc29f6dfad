// SPDX-License-Identifier: GPL-2.0-only
#include "rpcrdma/rpc.h"

#include "util/fd.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace rpcrdma {

using lab::Cause;
using lab::Deadline;
using lab::fail;
using lab::Fd;
using lab::Result;

namespace {

constexpr std::uint32_t rpc_version = 2;
constexpr std::uint32_t last_fragment = 0x80000000;
constexpr std::size_t longest_reply = 1 << 20;

Result<Fd> connect_tcp(const std::string &host, std::uint16_t port, Deadline deadline) {
    const addrinfo hints = {.ai_socktype = SOCK_STREAM};
    addrinfo *found = nullptr;
    if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
        error != 0)
        return fail(fmt::format("{}: {}", host, gai_strerror(error)));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> address(found, freeaddrinfo);
    Fd socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto left = deadline.left().count();
    const timeval limit = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 + 1};
    setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (!socket || connect(socket.get(), address->ai_addr, address->ai_addrlen) != 0)
        return fail(fmt::format("cannot connect to {} port {}: {}", host, port, strerror(errno)));
    return socket;
}

Result<Bytes> read_exactly(const Fd &socket, std::size_t length) {
    Bytes bytes(length);
    for (std::size_t at = 0; at < length;) {
        const auto got = recv(socket.get(), bytes.data() + at, length - at, 0);
        if (got <= 0)
            return fail(got == 0 ? "the server closed the connection" : strerror(errno),
                        Cause::lost);
        at += static_cast<std::size_t>(got);
    }
    return bytes;
}

} // namespace

Bytes encode_call(std::uint32_t xid, const Procedure &procedure, View arguments) {
    Encoder credential;
    if (procedure.flavor == Flavor::sys)
        // stamp, machine name, user, group, no further groups
        credential.u32(0).string("conform").u32(0).u32(0).u32(0);
    return encode_call(xid, procedure, {procedure.flavor, credential.bytes()}, {}, arguments);
}

Bytes encode_call(std::uint32_t xid, const Procedure &procedure, const Auth &credential,
                  const Auth &verifier, View arguments) {
    Encoder out;
    out.u32(xid).u32(0).u32(rpc_version);
    out.u32(procedure.program).u32(procedure.version).u32(procedure.procedure);
    for (const auto &auth : {&credential, &verifier})
        out.u32(static_cast<std::uint32_t>(auth->flavor)).opaque(auth->body);
    out.raw(arguments);
    return std::move(out).bytes();
}

Result<RpcReply> decode_reply(View message) {
    Decoder in(message);
    RpcReply reply;
    reply.xid = in.u32();
    const auto direction = in.u32();
    const auto denied = in.u32();
    if (!in.good() || direction != 1)
        return fail("this is no RPC reply");
    if (denied != 0) {
        const auto reason = in.u32();
        const auto detail = in.u32();
        return fail(fmt::format("the call was denied: reason {}, {}", reason, detail));
    }
    in.u32(); // the verifier's flavor
    in.opaque();
    const auto status = in.u32();
    if (!in.good() || status > static_cast<std::uint32_t>(Accept::system_err))
        return fail("this is no RPC reply");
    reply.status = static_cast<Accept>(status);
    reply.results_at = in.at();
    reply.results.assign(in.rest().begin(), in.rest().end());
    return reply;
}

Result<RpcReply> call_tcp(const std::string &host, std::uint16_t port, const Procedure &procedure,
                          View arguments, Deadline deadline) {
    const auto socket = TRY(connect_tcp(host, port, deadline));
    const auto call = encode_call(1, procedure, arguments);
    Encoder record;
    record.u32(last_fragment | static_cast<std::uint32_t>(call.size())).raw(call);
    const auto &bytes = record.bytes();
    if (send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size()))
        return fail(fmt::format("cannot send to {} port {}: {}", host, port, strerror(errno)));

    Bytes message;
    for (bool last = false; !last;) {
        const auto mark = TRY(read_exactly(socket, 4));
        const auto word = Decoder(mark).u32();
        last = (word & last_fragment) != 0;
        const auto length = word & ~last_fragment;
        if (length > longest_reply)
            return fail(fmt::format("{} port {} sends {} bytes at once", host, port, length));
        const auto fragment = TRY(read_exactly(socket, length));
        message.insert(message.end(), fragment.begin(), fragment.end());
    }
    auto reply = decode_reply(message);
    if (reply && reply->status != Accept::success)
        return fail(fmt::format("{} port {} answers with status {}", host, port,
                                static_cast<std::uint32_t>(reply->status)));
    return reply;
}

Result<std::uint16_t> find_port(const std::string &host, std::uint32_t program,
                                std::uint32_t version, Deadline deadline) {
    constexpr Procedure getport = {.program = 100000, .version = 2, .procedure = 3};
    constexpr std::uint32_t tcp = 6;
    Encoder arguments;
    arguments.u32(program).u32(version).u32(tcp).u32(0);
    const auto reply = call_tcp(host, 111, getport, arguments.bytes(), deadline);
    if (!reply)
        return fail("asking rpcbind", reply.error());
    const auto port = Decoder(reply->results).u32();
    if (port == 0 || port > 65535)
        return fail(fmt::format("{} does not offer RPC program {} version {} over TCP", host,
                                program, version));
    return static_cast<std::uint16_t>(port);
}

} // namespace rpcrdma
