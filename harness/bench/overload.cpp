// SPDX-License-Identifier: GPL-2.0-only
#include "bench/overload.h"

#include "nfs/mount.h"
#include "observe/peaks.h"
#include "util/text.h"

#include <chrono>
#include <fmt/format.h>

namespace lab {
namespace {

using namespace std::chrono_literals;

constexpr auto limit = 60s;
constexpr unsigned credits = 32;
constexpr auto dir = "/mnt/overload";
constexpr auto settings = "/sys/module/svcrdma/parameters";

// Enough calls at a time to use every credit; each takes two to three unmaps.
constexpr auto load = "cd {} && fio --name=overload --direct=1 --ioengine=libaio --size=1m --bs=4k "
                      "--rw=randread --iodepth=64 --numjobs=2 --minimal; status=$?; "
                      "rm -f overload.*; exit $status";

Result<std::uint64_t> load_and_look(Host &client, Host &server) {
    TRY(start_sampling(server, Deadline::scaled(limit)));
    const auto loaded =
        client.check(fmt::format(fmt::runtime(load), dir), Deadline::scaled(2 * limit));
    auto peaks = stop_sampling(server, Deadline::scaled(limit));
    if (!loaded)
        return fail(loaded.error());
    if (!peaks)
        return fail(peaks.error());
    return (*peaks)["send_ctxts"];
}

} // namespace

Result<Overload> measure_overload(Host &client, const NfsServer &server) {
    Host &host = server.host();
    const auto in_settings = [&](const std::string &command) {
        return host.check(fmt::format("cd {} && {}", settings, command), Deadline::scaled(limit));
    };
    // Credits count from the next connection on, the cost of an unmap at once.
    const auto before = TRY(in_settings("cat credits unmap_us"));
    TRY(in_settings(fmt::format("echo {} >credits", credits)));
    auto mount = TRY(Mount::make(client, server, Transport::svcrdma, "3", dir));
    TRY(in_settings("echo 5000 >unmap_us"));
    const auto most = load_and_look(client, host);
    std::string_view values = before;
    const auto old_credits = next_line(values);
    const auto old_unmap_us = next_line(values);
    TRY(in_settings(
        fmt::format("echo {} >credits && echo {} >unmap_us", old_credits, old_unmap_us)));
    TRY(mount.unmount());
    if (!most)
        return fail(most.error());
    return Overload{credits, *most};
}

} // namespace lab
