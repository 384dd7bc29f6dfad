// SPDX-License-Identifier: GPL-2.0-only
#include "lab/overload.h"

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
    if (auto started = start_sampling(server, Deadline::scaled(limit)); !started)
        return fail(started.error());
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
    // Credits count from the next connection on.
    const auto before =
        host.check(fmt::format("cd {} && cat credits && echo {} >credits", settings, credits),
                   Deadline::scaled(limit));
    if (!before)
        return fail(before.error());
    const auto slow_down = [&](unsigned unmap_us) {
        return host.check(fmt::format("echo {} >{}/unmap_us", unmap_us, settings),
                          Deadline::scaled(limit));
    };
    auto mount = Mount::make(client, server, Transport::svcrdma, "3", dir);
    if (!mount)
        return fail(mount.error());
    if (auto done = slow_down(5000); !done)
        return fail(done.error());
    const auto most = load_and_look(client, host);
    if (auto done = slow_down(0); !done)
        return fail(done.error());
    if (auto done = mount->unmount(); !done)
        return fail(done.error());
    if (auto done = host.check(fmt::format("echo {} >{}/credits", trimmed(*before), settings),
                               Deadline::scaled(limit));
        !done)
        return fail(done.error());
    if (!most)
        return fail(most.error());
    return Overload{credits, *most};
}

} // namespace lab
