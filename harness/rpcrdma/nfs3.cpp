// SPDX-License-Identifier: GPL-2.0-only
#include "rpcrdma/nfs3.h"

#include <fmt/format.h>

namespace rpcrdma::nfs3 {

using lab::Deadline;
using lab::fail;
using lab::Result;

namespace {

constexpr std::uint32_t file_sync = 2;
constexpr std::size_t attributes = 84; // bytes of fattr3
constexpr std::uint32_t program_mount = 100005;

/// sattr3 with nothing set but the mode.
void encode_mode(Encoder &out, std::uint32_t mode) {
    out.boolean(true).u32(mode);
    for (int unset = 0; unset < 5; unset++)
        out.u32(0);
}

void skip_attributes(Decoder &in) {
    if (in.boolean())
        in.skip(attributes);
}

void skip_weak_cache_data(Decoder &in) {
    if (in.boolean())
        in.skip(24); // wcc_attr: size and two times
    skip_attributes(in);
}

/// Begins with the results of a call that went well.
Result<Decoder> results(const RpcReply &reply) {
    if (reply.status != Accept::success)
        return fail(fmt::format("accept_stat is {}", static_cast<std::uint32_t>(reply.status)));
    Decoder in(reply.results);
    const auto status = in.u32();
    if (!in.good())
        return fail("the result is empty");
    if (status != ok)
        return fail(fmt::format("the NFS status is {}", status));
    return in;
}

std::unexpected<lab::Error> truncated() {
    return fail("the result is truncated");
}

} // namespace

Bytes handle_args(View handle) {
    return Encoder().opaque(handle).bytes();
}

Bytes name_args(View directory, std::string_view name) {
    return Encoder().opaque(directory).string(name).bytes();
}

Bytes create_args(View directory, std::string_view name) {
    Encoder out;
    out.opaque(directory).string(name).u32(0); // UNCHECKED
    encode_mode(out, 0644);
    return std::move(out).bytes();
}

Bytes mkdir_args(View directory, std::string_view name) {
    Encoder out;
    out.opaque(directory).string(name);
    encode_mode(out, 0755);
    return std::move(out).bytes();
}

Bytes symlink_args(View directory, std::string_view name, std::string_view target) {
    Encoder out;
    out.opaque(directory).string(name);
    encode_mode(out, 0777);
    out.string(target);
    return std::move(out).bytes();
}

Bytes read_args(View handle, std::uint64_t offset, std::uint32_t count) {
    return Encoder().opaque(handle).u64(offset).u32(count).bytes();
}

Bytes readdir_args(View directory, std::uint32_t count) {
    return Encoder().opaque(directory).u64(0).u64(0).u32(count).bytes();
}

Bytes readdirplus_args(View directory, std::uint32_t count) {
    return Encoder().opaque(directory).u64(0).u64(0).u32(count).u32(count).bytes();
}

Bytes write_args(View handle, std::uint64_t offset, std::uint32_t count) {
    return Encoder().opaque(handle).u64(offset).u32(count).u32(file_sync).u32(count).bytes();
}

Result<void> status_only(const RpcReply &reply) {
    TRY(results(reply));
    return {};
}

Result<Bytes> created_handle(const RpcReply &reply) {
    auto in = TRY(results(reply));
    if (!in.boolean())
        return fail("the server returns no file handle");
    const auto handle = in.opaque();
    if (!in.good())
        return truncated();
    return Bytes(handle.begin(), handle.end());
}

Result<std::uint32_t> written_count(const RpcReply &reply) {
    auto in = TRY(results(reply));
    skip_weak_cache_data(in);
    const auto count = in.u32();
    if (!in.good())
        return truncated();
    return count;
}

Result<ReadResult> read_result(const RpcReply &reply) {
    auto in = TRY(results(reply));
    skip_attributes(in);
    ReadResult result;
    result.count = in.u32();
    result.eof = in.boolean();
    result.length = in.u32();
    if (!in.good())
        return truncated();
    result.data.assign(in.rest().begin(), in.rest().end());
    return result;
}

Result<ReadResult> readlink_result(const RpcReply &reply) {
    auto in = TRY(results(reply));
    skip_attributes(in);
    ReadResult result;
    result.length = in.u32();
    result.count = result.length;
    if (!in.good())
        return truncated();
    result.data.assign(in.rest().begin(), in.rest().end());
    return result;
}

Result<Largest> fsinfo_result(const RpcReply &reply) {
    auto in = TRY(results(reply));
    skip_attributes(in);
    Largest largest;
    largest.read = in.u32();
    in.skip(8); // what READ prefers, and a multiple of what
    largest.write = in.u32();
    if (!in.good())
        return truncated();
    return largest;
}

Result<Listing> readdir_result(const RpcReply &reply) {
    auto in = TRY(results(reply));
    skip_attributes(in);
    in.u64(); // verifier
    Listing listing;
    while (in.boolean()) {
        in.u64(); // file id
        in.opaque();
        in.u64(); // cookie
        listing.entries++;
    }
    listing.whole = in.boolean();
    if (!in.good())
        return truncated();
    return listing;
}

namespace {

/// The first directory of the server's export list (MOUNTPROC3_EXPORT).
Result<std::string> first_export(const std::string &host, std::uint16_t port, Deadline deadline) {
    const auto reply = TRY(call_tcp(host, port, {program_mount, 3, 5}, {}, deadline));
    Decoder in(reply.results);
    if (!in.boolean())
        return fail("it exports nothing");
    const auto path = in.opaque();
    if (!in.good())
        return truncated();
    return std::string(path.begin(), path.end());
}

} // namespace

Result<Bytes> mount(const std::string &host, const std::string &path, Deadline deadline) {
    const auto port = TRY(find_port(host, program_mount, 3, deadline));
    std::string directory = path;
    if (directory.empty()) {
        const auto found = first_export(host, port, deadline);
        if (!found)
            return fail(fmt::format("asking {} for its exports", host), found.error());
        directory = *found;
    }
    const auto reply = TRY(
        call_tcp(host, port, {program_mount, 3, 1}, Encoder().string(directory).bytes(), deadline));
    Decoder in(reply.results);
    const auto status = in.u32();
    const auto handle = in.opaque();
    if (status != ok || !in.good())
        return fail(fmt::format("{} does not let us mount {}: status {}", host, directory, status));
    return Bytes(handle.begin(), handle.end());
}

} // namespace rpcrdma::nfs3
