// SPDX-License-Identifier: GPL-2.0-only
#include "session.h"

#include <array>
#include <map>
#include <sstream>
#include <vector>

namespace conform {

namespace nfs4 = rpcrdma::nfs4;
using nfs4::Compound;
using nfs4::Op;
using nfs4::Results;

Session::Session(Client &client, bool back_channel, std::uint32_t minor_version)
    : client_(&client), minor_version_(minor_version) {
    identify();
    begin(client.call(nfs4::compound, create(back_channel)).rpc);
}

std::pair<std::unique_ptr<Session>, std::unique_ptr<Session>> Session::two(Client &client) {
    const std::array<Session *, 2> both = {new Session(client, Unborn()),
                                           new Session(client, Unborn())};
    std::pair result{std::unique_ptr<Session>(both[0]), std::unique_ptr<Session>(both[1])};
    for (auto *session : both)
        session->identify();
    std::map<std::uint32_t, Session *> asked;
    for (auto *session : both) {
        const auto xid = client.next_xid();
        asked[xid] = session;
        client.send(Header{.xid = xid},
                    rpcrdma::encode_call(xid, nfs4::compound, session->create(true)));
    }
    // In whatever order the answers come. Requests on the sessions follow only then: the server may
    // call back before the second answer, and there is nothing to call back for yet.
    std::vector<std::pair<Session *, Message>> answers;
    while (!asked.empty()) {
        auto message = client.receive();
        const auto found = asked.find(message.xid);
        check(found != asked.end(), fmt::format("XID {:#x} was not asked", message.xid));
        answers.emplace_back(found->second, std::move(message));
        asked.erase(found);
    }
    for (auto &[session, message] : answers)
        session->begin(need(rpcrdma::decode_reply(message.payload), "CREATE_SESSION"));
    return result;
}

void Session::identify() {
    const auto none = fmt::format("no NFS version 4.{}: ", minor_version_);
    std::random_device random;
    const auto owner = fmt::format("rpcrdma-conform {:x}{:x}", random(), random());
    const auto exchanged = client_->call(
        nfs4::compound, Compound(minor_version_).exchange_id(owner, random()).bytes());
    auto results = Results::of(exchanged.rpc);
    if (!results)
        throw NotApplicable{none + results.error().what};
    const auto client_id = results->exchange_id(&create_id_);
    if (!client_id)
        throw NotApplicable{none + client_id.error().what};
    client_id_ = *client_id;
}

Bytes Session::create(bool back_channel) const {
    return Compound(minor_version_)
        .create_session(client_id_, create_id_, back_channel, callback_program)
        .bytes();
}

void Session::begin(const rpcrdma::RpcReply &created) {
    auto session = need(Results::of(created), "CREATE_SESSION");
    id_ = need(session.create_session(&back_channel_));
    const auto reclaimed = call(compound().reclaim_complete());
    need(results_of(reclaimed).plain(Op::reclaim_complete));
}

Session::~Session() {
    // After a failure the connection may be gone; the server forgets the client by itself.
    try {
        client_->call(nfs4::compound, Compound(minor_version_).destroy_session(id_).bytes());
        client_->call(nfs4::compound,
                      Compound(minor_version_).destroy_clientid(client_id_).bytes());
    } catch (const Failure &) {
        return;
    }
}

Bytes Session::find(Context &context, const Workspace &workspace) {
    // The export is the root of version 4's name space, or has its path there.
    const auto &path = context.options().export_path;
    for (const bool below_root : {true, false}) {
        auto request = compound().putrootfh();
        unsigned lookups = 1;
        if (!below_root) {
            std::istringstream names(path);
            for (std::string name; std::getline(names, name, '/');)
                if (!name.empty()) {
                    request.lookup(name);
                    lookups++;
                }
        }
        const auto answer = call(request.lookup(workspace.name()).getfh());
        auto results = results_of(answer);
        if (results.status() != nfs4::ok)
            continue;
        need(results.plain(Op::putrootfh));
        while (lookups-- > 0)
            need(results.plain(Op::lookup));
        return need(results.getfh());
    }
    throw NotApplicable{"version 4 does not show the directory that version 3 exports"};
}

Bytes Session::find(View directory, std::string_view name) {
    const auto answer = call(compound().putfh(directory).lookup(name).getfh());
    auto results = results_of(answer);
    need(results.plain(Op::putfh));
    need(results.plain(Op::lookup));
    return need(results.getfh());
}

Results results_of(const Answer &answer) {
    check(answer.message.proc == Proc::msg, "the COMPOUND is not answered with an RDMA_MSG");
    auto results = need(Results::of(answer.rpc), "COMPOUND");
    need(results.sequence());
    return results;
}

} // namespace conform
