// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "context.h"

#include <optional>

namespace conform {

/// What a message can come to: a reply to it, a refusal, silence, the connection's end. What the
/// server says must be well formed.
inline void expect_anything(Context &context, Client &client) {
    const auto received = client.connection().receive(lab::Deadline::in(context.options().silence));
    if (received)
        need(rpcrdma::decode_message(received->bytes), "the server's message");
}

/// A client that is used until the server ends its connection, and then replaced.
class Expendable {
  public:
    explicit Expendable(Context &context) : context_(&context), client_(context.connect()) {}

    Client &client() {
        if (!client_->connection().why().empty())
            client_.emplace(context_->connect());
        return *client_;
    }

    void send(const Header &header, View payload) {
        auto &sender = client();
        auto bytes = header.encode();
        bytes.insert(bytes.end(), payload.begin(), payload.end());
        // The end may have come since.
        if (sender.connection().post(bytes))
            expect_anything(*context_, sender);
    }

    void send_null(Header header) {
        header.xid = client().next_xid();
        const auto payload = header.proc == Proc::msg ? null_call(header.xid) : Bytes{};
        send(header, payload);
    }

  private:
    Context *context_;
    std::optional<Client> client_;
};

} // namespace conform
