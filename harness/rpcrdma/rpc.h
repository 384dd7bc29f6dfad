// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "rpcrdma/xdr.h"
#include "util/deadline.h"
#include "util/result.h"

#include <cstdint>
#include <string>

namespace rpcrdma {

/// Who calls (RFC 5531 sections 8.2 and 14).
enum class Flavor : std::uint32_t { none = 0, sys = 1, gss = 6 };

/// What is called. With Flavor::sys as user 0 and group 0.
struct Procedure {
    std::uint32_t program = 0, version = 0, procedure = 0;
    Flavor flavor = Flavor::sys;
};

constexpr std::uint32_t program_nfs = 100003;

/// An ONC RPC call message (RFC 5531 section 9).
Bytes encode_call(std::uint32_t xid, const Procedure &procedure, View arguments = {});

/// A credential or a verifier.
struct Auth {
    Flavor flavor = Flavor::none;
    Bytes body = {};
};

/// The same with any credential and verifier, whatever the procedure's flavor is.
Bytes encode_call(std::uint32_t xid, const Procedure &procedure, const Auth &credential,
                  const Auth &verifier, View arguments = {});

/// accept_stat (RFC 5531 section 9).
enum class Accept : std::uint32_t {
    success = 0,
    prog_unavail = 1,
    prog_mismatch = 2,
    proc_unavail = 3,
    garbage_args = 4,
    system_err = 5,
};

struct RpcReply {
    std::uint32_t xid = 0;
    Accept status = Accept::success;
    std::size_t results_at = 0; ///< where in the message the results begin
    Bytes results;
};

/// Decodes a reply that was accepted; one that was denied is an error.
lab::Result<RpcReply> decode_reply(View message);

/// Makes one call over TCP, on a connection of its own.
lab::Result<RpcReply> call_tcp(const std::string &host, std::uint16_t port,
                               const Procedure &procedure, View arguments, lab::Deadline deadline);

/// Asks the server's rpcbind for a program's TCP port.
lab::Result<std::uint16_t> find_port(const std::string &host, std::uint32_t program,
                                     std::uint32_t version, lab::Deadline deadline);

} // namespace rpcrdma
