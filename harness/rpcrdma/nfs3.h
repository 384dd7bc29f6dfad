// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "rpcrdma/rpc.h"

#include <cstdint>
#include <string>
#include <string_view>

/// Just enough of NFS version 3 (RFC 1813) and its MOUNT protocol to make calls that carry data.
namespace rpcrdma::nfs3 {

constexpr std::uint32_t ok = 0;

constexpr Procedure null = {program_nfs, 3, 0, Flavor::none};
constexpr Procedure getattr = {program_nfs, 3, 1};
constexpr Procedure readlink = {program_nfs, 3, 5};
constexpr Procedure read = {program_nfs, 3, 6};
constexpr Procedure write = {program_nfs, 3, 7};
constexpr Procedure create = {program_nfs, 3, 8};
constexpr Procedure mkdir = {program_nfs, 3, 9};
constexpr Procedure symlink = {program_nfs, 3, 10};
constexpr Procedure remove = {program_nfs, 3, 12};
constexpr Procedure rmdir = {program_nfs, 3, 13};
constexpr Procedure readdir = {program_nfs, 3, 16};
constexpr Procedure readdirplus = {program_nfs, 3, 17};
constexpr Procedure fsinfo = {program_nfs, 3, 19};

/// Arguments.
Bytes handle_args(View handle);
Bytes name_args(View directory, std::string_view name); ///< REMOVE, RMDIR
Bytes create_args(View directory, std::string_view name);
Bytes mkdir_args(View directory, std::string_view name);
Bytes symlink_args(View directory, std::string_view name, std::string_view target);
Bytes read_args(View handle, std::uint64_t offset, std::uint32_t count);
Bytes readdir_args(View directory, std::uint32_t count);
Bytes readdirplus_args(View directory, std::uint32_t count); ///< of names, and of all

/// WRITE (FILE_SYNC) up to and including the length of the data, which follows, with its padding,
/// unless it is in a Read chunk.
Bytes write_args(View handle, std::uint64_t offset, std::uint32_t count);

/// Results. An NFS status other than NFS3_OK is an error.
lab::Result<Bytes> created_handle(const RpcReply &reply); ///< CREATE, MKDIR, SYMLINK
lab::Result<std::uint32_t> written_count(const RpcReply &reply);
lab::Result<void> status_only(const RpcReply &reply); ///< GETATTR, REMOVE, ...

struct ReadResult {
    std::uint32_t count = 0;
    bool eof = false;
    std::uint32_t length = 0; ///< of the data, as the result counts it
    Bytes data;               ///< with its padding: what follows the length
};

/// The data may have been reduced: whether it is there is for the caller to judge.
lab::Result<ReadResult> read_result(const RpcReply &reply);
lab::Result<ReadResult> readlink_result(const RpcReply &reply);

/// Bytes of the largest READ and WRITE that the server takes, as FSINFO tells.
struct Largest {
    std::uint32_t read = 0;
    std::uint32_t write = 0;
};
lab::Result<Largest> fsinfo_result(const RpcReply &reply);

/// How many entries a READDIR brought; `whole` says that there are no more.
struct Listing {
    unsigned entries = 0;
    bool whole = false;
};
lab::Result<Listing> readdir_result(const RpcReply &reply);

/// The file handle of an export, by the MOUNT protocol over TCP. An empty path stands for the
/// first export that the server lists.
lab::Result<Bytes> mount(const std::string &host, const std::string &path, lab::Deadline deadline);

} // namespace rpcrdma::nfs3
