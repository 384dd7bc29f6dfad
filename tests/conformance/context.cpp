// SPDX-License-Identifier: GPL-2.0-only
#include "context.h"

namespace conform {

using rpcrdma::Accept;
using rpcrdma::Connection;
using rpcrdma::ConnectOptions;
using rpcrdma::Stage;

namespace {

constexpr std::size_t most_messages = 400; // kept of one test

std::string proc_name(Proc proc) {
    switch (proc) {
    case Proc::msg:
        return "RDMA_MSG";
    case Proc::nomsg:
        return "RDMA_NOMSG";
    case Proc::error:
        return "RDMA_ERROR";
    case Proc::msgp:
    case Proc::done:
        break;
    }
    return fmt::format("rdma_proc {}", static_cast<std::uint32_t>(proc));
}

} // namespace

Client::Client(Context &context, std::unique_ptr<Connection> connection)
    : context_(&context), connection_(std::move(connection)),
      // Not from the seed: a server that remembers replies by XID would answer the next run.
      xid_(std::random_device()()) {}

void Client::send(View bytes) {
    need(connection_->post(bytes), "sending");
}

void Client::send(const Header &header, View payload) {
    auto bytes = header.encode();
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    send(bytes);
}

Message Client::receive(std::optional<std::uint32_t> *invalidated) {
    const auto received = need(connection_->receive(context_->soon()));
    auto message = need(rpcrdma::decode_message(received.bytes), "the server's message");
    if (invalidated != nullptr)
        *invalidated = received.invalidated;
    check(message.credits != 0, "the server grants no credits (RFC 8166 section 3.3.1)");
    credits_ = message.credits;
    if (message.proc == Proc::error)
        return message;
    check(message.vers == 1, fmt::format("rdma_vers is {}", message.vers));
    check(message.reads.empty(), "the reply has a Read list (RFC 8166 section 4.3.1)");
    if (message.proc == Proc::msg) {
        rpcrdma::Decoder payload(message.payload);
        const auto xid = payload.u32();
        check(payload.good() && xid == message.xid,
              fmt::format("rdma_xid is {:#x}, the RPC message's XID {:#x} (RFC 8166 section "
                          "4.2.1)",
                          message.xid, xid));
    }
    return message;
}

Answer Client::answer(std::uint32_t xid) {
    Answer answer;
    answer.message = receive(&answer.invalidated);
    check(answer.message.xid == xid,
          fmt::format("a message for XID {:#x} came, {:#x} was asked", answer.message.xid, xid));
    if (answer.message.proc == Proc::msg)
        answer.rpc = need(rpcrdma::decode_reply(answer.message.payload), "the RPC reply");
    return answer;
}

Answer Client::call(Header header, const rpcrdma::Procedure &procedure, View arguments) {
    header.xid = next_xid();
    send(header, rpcrdma::encode_call(header.xid, procedure, arguments));
    return answer(header.xid);
}

void Client::expect_alive() {
    const auto reply = call(rpcrdma::nfs3::null);
    check(reply.message.proc == Proc::msg,
          "a NULL call is answered with " + proc_name(reply.message.proc));
    check(reply.rpc.status == Accept::success,
          fmt::format("a NULL call ends with accept_stat {}",
                      static_cast<std::uint32_t>(reply.rpc.status)));
}

void Client::expect_refused(View bytes) {
    rpcrdma::Decoder in(bytes);
    const auto xid = in.u32();
    const auto vers = in.u32();
    send(bytes);
    const auto message = receive();
    check(message.proc == Proc::error,
          fmt::format("answered with {}, not RDMA_ERROR", proc_name(message.proc)));
    check(message.error == rpcrdma::err_chunk,
          fmt::format("rdma_err is {}, not ERR_CHUNK", message.error));
    check(message.xid == xid,
          fmt::format("the error's rdma_xid is {:#x}, the call's {:#x}", message.xid, xid));
    check(message.vers == vers,
          fmt::format("the error's rdma_vers is {}, the call's {}", message.vers, vers));
}

void Client::expect_refused(const Header &header, View payload) {
    auto bytes = header.encode();
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    expect_refused(bytes);
}

void Client::expect_no_reply(std::uint32_t xid) {
    const auto received = connection_->receive(context_->soon());
    if (!received) {
        check(received.error().cause == lab::Cause::lost,
              "neither an answer comes, nor does the connection end");
        return;
    }
    const auto message = need(rpcrdma::decode_message(received->bytes), "the server's message");
    check(message.proc == Proc::error && message.error == rpcrdma::err_chunk,
          fmt::format("answered with {}, not with ERR_CHUNK", proc_name(message.proc)));
    check(message.xid == xid, "the error has another XID than the call");
}

void Client::expect_silence() {
    const auto received = connection_->receive(lab::Deadline::in(context_->options().silence));
    if (received)
        throw Failure{"the server answers what it must discard: " +
                      rpcrdma::to_hex(received->bytes)};
    check(received.error().cause == lab::Cause::timeout, received.error().what);
}

void Client::let_it_end() {
    (void)connection_->ended(lab::Deadline::in(context_->options().silence));
}

Context::Context(const Options &options, Outcome &outcome)
    : options_(&options), outcome_(&outcome), random_(options.seed) {}

lab::Result<std::unique_ptr<Connection>> Context::try_connect(ConnectOptions with, Stage until) {
    const auto number = ++connections_;
    with.trace = [this, number](bool sent, View bytes) { record(sent, number, bytes); };
    return Connection::open(options_->target, with, soon(), until);
}

Client Context::connect(ConnectOptions with) {
    return {*this, need(try_connect(std::move(with)))};
}

void Context::record(bool sent, unsigned connection, View bytes) {
    (sent ? outcome_->sent : outcome_->received) += bytes.size();
    auto &messages = outcome_->messages;
    if (messages.size() == most_messages)
        messages.erase(messages.begin());
    messages.push_back({sent, connection, Bytes(bytes.begin(), bytes.end())});
}

Bytes null_call(std::uint32_t xid) {
    return rpcrdma::encode_call(xid, rpcrdma::nfs3::null);
}

} // namespace conform
