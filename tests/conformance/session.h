// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "workspace.h"

#include "rpcrdma/nfs4.h"

#include <memory>
#include <string>
#include <utility>

namespace conform {

/// A session of NFS version 4.1, or a later minor version, over one connection, and its client id.
/// Where the server has no such version, the test is not applicable.
class Session {
  public:
    /// `back_channel` offers the connection for callbacks. `client` must outlive it.
    Session(Client &client, bool back_channel = false, std::uint32_t minor_version = 1);

    /// Two of two client ids, both with callbacks, asked for at the same time.
    static std::pair<std::unique_ptr<Session>, std::unique_ptr<Session>> two(Client &client);

    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;
    ~Session();

    /// A COMPOUND that begins with SEQUENCE.
    rpcrdma::nfs4::Compound compound() {
        return rpcrdma::nfs4::Compound::in(id_, ++sequence_id_, minor_version_);
    }

    Answer call(const rpcrdma::nfs4::Compound &compound, Header header = {}) {
        return client_->call(std::move(header), rpcrdma::nfs4::compound, compound.bytes());
    }

    /// The last COMPOUND did not come to its SEQUENCE: the next one takes its sequence id.
    void not_taken() { sequence_id_--; }

    /// Version 4's handle of a workspace's directory.
    Bytes find(Context &context, const Workspace &workspace);

    /// The same of a file in a directory.
    Bytes find(View directory, std::string_view name);

    [[nodiscard]] std::uint64_t client_id() const { return client_id_; }

    /// What the server agreed to.
    [[nodiscard]] bool back_channel() const { return back_channel_; }

    /// The program number of our callbacks.
    static constexpr std::uint32_t callback_program = 0x40000000;

  private:
    struct Unborn {};
    Session(Client &client, Unborn) : client_(&client), minor_version_(1) {}

    void identify();
    rpcrdma::Bytes create(bool back_channel) const; ///< the arguments of CREATE_SESSION
    void begin(const rpcrdma::RpcReply &created);

    Client *client_;
    std::uint32_t minor_version_;
    std::uint64_t client_id_ = 0;
    std::uint32_t create_id_ = 0;
    rpcrdma::nfs4::SessionId id_ = {};
    std::uint32_t sequence_id_ = 0;
    bool back_channel_ = false;
};

/// The results of a COMPOUND, past its SEQUENCE. `answer` must outlive them.
rpcrdma::nfs4::Results results_of(const Answer &answer);

} // namespace conform
