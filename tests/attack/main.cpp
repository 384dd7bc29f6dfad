// SPDX-License-Identifier: GPL-2.0-only
// rpcrdma-attack: what no client should do, on many connections at once and for a while. A test
// looks meanwhile how others are served.
#include "rpcrdma/connection.h"
#include "rpcrdma/header.h"
#include "rpcrdma/nfs3.h"
#include "rpcrdma/rpc.h"
#include "util/deadline.h"
#include "util/last_words.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace {

using rpcrdma::Bytes;
using rpcrdma::Connection;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Two and a half hours, for each of the server's attempts.
constexpr std::uint8_t longest_timeout = 31;

/// How one connection behaves, from when it is established until it ends or time is up.
using Behaviour = void (*)(Connection &connection, lab::Deadline until);

Bytes null_call(std::uint32_t xid) {
    auto bytes = rpcrdma::Header{.xid = xid}.encode();
    const auto call = rpcrdma::encode_call(xid, rpcrdma::nfs3::null);
    bytes.insert(bytes.end(), call.begin(), call.end());
    return bytes;
}

void wait_for_the_end(Connection &connection, lab::Deadline until) {
    while (!until.expired() && !connection.ended(lab::Deadline::in(milliseconds(500))))
        ;
}

/// As many calls as the server takes, and no Receive for any reply.
void take_no_reply(Connection &connection, lab::Deadline until) {
    for (std::uint32_t xid = 1; !until.expired(); xid++)
        if (!connection.post(null_call(xid)))
            return;
}

/// Calls, and one Receive every nine seconds: the server never goes ten seconds without a sign.
void take_one_reply_now_and_then(Connection &connection, lab::Deadline until) {
    constexpr std::uint32_t calls = 60; // as many as can be posted without looking for replies
    for (std::uint32_t xid = 1; xid <= calls; xid++)
        if (!connection.post(null_call(xid)))
            return;
    while (!until.expired() && connection.why().empty()) {
        std::this_thread::sleep_for(seconds(9));
        // Taking a message posts its Receive again.
        (void)connection.receive(lab::Deadline::in(milliseconds(1)));
    }
}

/// WRITEs of a MiB each that the server has to fetch, and then silence: not even the adapter
/// answers.
void fall_silent(Connection &connection, lab::Deadline until) {
    constexpr std::size_t length = 1U << 20;
    constexpr std::uint32_t calls = 60;
    auto memory = connection.memory(length, rpcrdma::Access::read);
    if (!memory)
        return;
    for (std::uint32_t xid = 1; xid <= calls; xid++) {
        const auto call = rpcrdma::encode_call(xid, rpcrdma::nfs3::write,
                                               rpcrdma::nfs3::write_args(Bytes(32), 0, length));
        auto bytes = rpcrdma::Header{.xid = xid,
                                     .reads = {{.position = static_cast<std::uint32_t>(call.size()),
                                                .segment = memory->segment()}}}
                         .encode();
        bytes.insert(bytes.end(), call.begin(), call.end());
        if (!connection.post(bytes))
            return;
    }
    connection.break_off();
    while (!until.expired())
        std::this_thread::sleep_for(seconds(1));
}

struct Kind {
    Behaviour behaviour;
    unsigned receives;
    const char *what;
};

const std::map<std::string, Kind> kinds = {
    {"no-replies", {take_no_reply, 0, "calls without an end, and no Receive for any reply"}},
    {"few-replies",
     {take_one_reply_now_and_then, 1, "calls, and one Receive for a reply every nine seconds"}},
    {"silent-reads", {fall_silent, 4, "WRITEs of a MiB to be fetched, and then silence"}},
    {"nothing", {wait_for_the_end, 4, "nothing at all"}},
};

struct Sum {
    std::atomic<unsigned> open = 0, opened = 0, refused = 0;
};

/// Connects, again whenever the connection has ended.
void attack(const rpcrdma::Target &target, const Kind &kind, lab::Deadline until, Sum &sum) {
    while (!until.expired()) {
        auto connection =
            Connection::open(target, {.receives = kind.receives, .ack_timeout = longest_timeout},
                             lab::Deadline::in(seconds(20)));
        if (!connection) {
            sum.refused++;
            std::this_thread::sleep_for(milliseconds(100));
            continue;
        }
        sum.opened++;
        sum.open++;
        kind.behaviour(**connection, until);
        sum.open--;
    }
}

std::string kinds_text() {
    std::string text = "What the connections do:";
    for (const auto &[name, kind] : kinds)
        text += fmt::format("\n  {:12} {}", name, kind.what);
    return text;
}

} // namespace

int main(int argc, char **argv) try {
    CLI::App app("Does to an RPC-over-RDMA server what no client should, for a while.\n" +
                 kinds_text());
    std::string server, kind;
    unsigned connections = 16, duration = 60;
    app.add_option("server", server, "HOST or HOST:PORT")->required();
    app.add_option("kind", kind, "what the connections do")
        ->required()
        ->check(CLI::IsMember(kinds));
    app.add_option("--connections", connections, "how many at a time")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    app.add_option("--seconds", duration, "for how long")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
    CLI11_PARSE(app, argc, argv);

    const auto target = rpcrdma::Target::parse(server);
    if (!target) {
        fmt::print(stderr, "rpcrdma-attack: {}\n", target.error().what);
        return 2;
    }
    const auto until = lab::Deadline::in(seconds(duration));
    Sum sum;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < connections; i++)
        threads.emplace_back([&] { attack(*target, kinds.at(kind), until, sum); });
    // Whoever reads this knows when it has begun in earnest.
    while (!until.expired()) {
        std::this_thread::sleep_for(seconds(1));
        fmt::print("{} open, {} opened, {} refused\n", sum.open.load(), sum.opened.load(),
                   sum.refused.load());
        std::fflush(stdout);
    }
    threads.clear();
    return 0;
} catch (const std::exception &error) {
    lab::say_last_words("rpcrdma-attack", error);
    return 2;
}
