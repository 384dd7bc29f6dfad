// SPDX-License-Identifier: GPL-2.0-only
#include "workspace.h"

#include <algorithm>
#include <unistd.h>

namespace conform {

namespace nfs3 = rpcrdma::nfs3;

namespace {

constexpr std::uint32_t piece = 512; // fits a message of 1024 bytes in either direction

} // namespace

Workspace::Workspace(Context &context, Client &client) : client_(&client) {
    const auto &options = context.options();
    if (options.root.empty())
        throw NotApplicable{options.no_root};
    root_ = options.root;
    name_ = fmt::format("rpcrdma-conform-{}-{:x}", getpid(), std::random_device()());
    const auto answer = client.call(nfs3::mkdir, nfs3::mkdir_args(root_, name_));
    auto made = nfs3::created_handle(answer.rpc);
    if (!made)
        throw NotApplicable{"no directory can be made on the server: " + made.error().what};
    directory_ = std::move(*made);
}

Workspace::~Workspace() {
    // A test that broke its connection leaves its files behind; nothing can be said about it here.
    try {
        for (const auto &[name, handle] : handles_)
            client_->call(nfs3::remove, nfs3::name_args(directory_, name));
        if (!directory_.empty())
            client_->call(nfs3::rmdir, nfs3::name_args(root_, name_));
    } catch (const Failure &) {
        return;
    }
}

Bytes Workspace::file(const std::string &name, View content) {
    const auto made = client_->call(nfs3::create, nfs3::create_args(directory_, name));
    auto handle = need(nfs3::created_handle(made.rpc), "creating a file");
    handles_[name] = handle;
    for (std::size_t at = 0; at < content.size(); at += piece) {
        const auto part = content.subspan(at, std::min<std::size_t>(piece, content.size() - at));
        const auto length = static_cast<std::uint32_t>(part.size());
        Encoder arguments;
        arguments.raw(nfs3::write_args(handle, at, length)).fixed(part);
        const auto answer = client_->call(nfs3::write, arguments.bytes());
        check(need(nfs3::written_count(answer.rpc), "writing a file") == length,
              "the server writes less than was sent");
    }
    return handle;
}

Bytes Workspace::symlink(const std::string &name, std::string_view target) {
    const auto made = client_->call(nfs3::symlink, nfs3::symlink_args(directory_, name, target));
    return handles_[name] = need(nfs3::created_handle(made.rpc), "making a symbolic link");
}

void Workspace::many_files(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        file(fmt::format("{:0>160}", i));
}

Bytes Workspace::content(View handle, std::size_t length) {
    Bytes content;
    while (content.size() < length) {
        const auto answer =
            client_->call(nfs3::read, nfs3::read_args(handle, content.size(), piece));
        const auto result = need(nfs3::read_result(answer.rpc), "reading back");
        check(result.length <= result.data.size(), "a READ result lacks its data");
        content.insert(content.end(), result.data.begin(),
                       result.data.begin() + static_cast<long>(result.length));
        if (result.eof || result.length == 0)
            break;
    }
    return content;
}

Bytes Workspace::whole(View handle, std::size_t length) {
    auto memory = client_->memory(length, Access::write);
    const auto answer =
        client_->call(Header{.writes = {{memory.segment()}}}, nfs3::read,
                      nfs3::read_args(handle, 0, static_cast<std::uint32_t>(length)));
    const auto result = need(nfs3::read_result(answer.rpc), "reading back");
    check(answer.message.writes.size() == 1, "the Write list did not come back");
    check(rpcrdma::chunk_length(answer.message.writes[0]) == result.length,
          "the Write chunk's length is not that of the data");
    check(result.length <= length, "more data came back than was asked for");
    const auto read = memory.bytes().first(result.length);
    return {read.begin(), read.end()};
}

Bytes random_bytes(Context &context, std::size_t length) {
    Bytes bytes(length);
    std::ranges::generate(bytes,
                          [&] { return static_cast<std::uint8_t>(context.random()() >> 32); });
    return bytes;
}

} // namespace conform
