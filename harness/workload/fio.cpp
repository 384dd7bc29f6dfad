// SPDX-License-Identifier: GPL-2.0-only
#include "workload/fio.h"

#include "host/guest_script.h"
#include "util/shell.h"
#include "util/text.h"
#include "util/watch.h"

#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <thread>

namespace lab {
namespace {

constexpr std::string_view base_dir = "/run/nfsrdma-lab/fio";
constexpr int idle_status = 75; // EX_TEMPFAIL: no status of fio's own

std::string remote_path(const JobFile &job) {
    return fmt::format("{}/{}.fio", base_dir, job.name);
}

/// All RPCs that the places' clients have sent; nothing when one does not say.
std::optional<std::uint64_t> rpcs_sent(const std::vector<FioPlace> &places) {
    std::uint64_t sum = 0;
    for (const auto &place : places) {
        const auto text =
            place.host->check("sed -n 's/^rpc \\([0-9]*\\) .*/\\1/p' /proc/net/rpc/nfs",
                              Deadline::scaled(std::chrono::seconds(10)));
        const auto number = text ? parse_number(*text) : std::nullopt;
        if (!number)
            return std::nullopt;
        sum += *number;
    }
    return sum;
}

/// Stops the first place's fio when the clients together have sent nothing for `idle`. One alone
/// does not tell: it may be done before the others. Watches until it is told to stop.
std::jthread watch_rpcs(const std::vector<FioPlace> &places, std::chrono::seconds idle) {
    static constexpr auto pace = std::chrono::seconds(5);
    using Clock = std::chrono::steady_clock;
    return watch(pace, [&places, idle, last = std::optional<std::uint64_t>(),
                        moved = Clock::now()]() mutable {
        const auto now = rpcs_sent(places);
        if (now && now != last)
            moved = Clock::now();
        last = now;
        if (Clock::now() - moved <= idle)
            return true;
        (void)stop_fio(*places.front().host, Deadline::scaled(pace));
        return false;
    });
}

} // namespace

Result<void> install_job(Host &host, const JobFile &job, Deadline deadline) {
    TRY(host.check(fmt::format("mkdir -p {}", base_dir), deadline));
    return host.put(job.path, remote_path(job), deadline);
}

Result<void> lay_out_files(Host &host, const JobFile &job, const std::string &dir,
                           Deadline deadline) {
    const auto command = fmt::format("rm -rf {0} && mkdir -p {0} && cd {0} && "
                                     "fio --create_only=1 {1} >/dev/null",
                                     shell_quote(dir), shell_quote(remote_path(job)));
    if (auto out = host.check(command, deadline); !out)
        return fail("laying out the files of " + job.name, out.error());
    return {};
}

Result<void> start_fio_server(Host &host, Deadline deadline) {
    const auto command =
        fmt::format("mkdir -p {0} && fio --server --daemonize={0}/server.pid", base_dir);
    if (auto out = host.check(command, deadline); !out)
        return fail("starting a fio that listens", out.error());
    return {};
}

Result<void> stop_fio_server(Host &host, Deadline deadline) {
    TRY(host.check(fmt::format("kill $(cat {}/server.pid)", base_dir), deadline));
    return {};
}

Result<FioOutput> run_fio(const std::vector<FioPlace> &places, const JobFile &job,
                          std::optional<unsigned> seed, std::chrono::seconds idle,
                          Deadline deadline) {
    const bool several = places.size() > 1;
    auto dir = places.front().dir;
    // One job file for all: their directories get one name.
    if (several) {
        dir = fmt::format("{}/here", base_dir);
        for (const auto &place : places)
            TRY(place.host->check(fmt::format("ln -sfn {} {}", shell_quote(place.dir), dir),
                                  deadline));
    }
    std::vector<std::string> words = {dir,
                                      remote_path(job),
                                      std::string(base_dir),
                                      several ? "0" : std::to_string(idle.count()),
                                      std::to_string(idle_status),
                                      seed ? std::to_string(*seed) : ""};
    if (several)
        for (const auto &place : places)
            words.push_back(place.host->data_address());
    const auto command = TRY(guest_script("run-fio", words));

    Host &driver = *places.front().host;
    std::optional<Result<Output>> output;
    {
        const auto watch = several ? watch_rpcs(places, idle) : std::jthread();
        output = driver.run(command, deadline);
    }
    if (!*output)
        return fail("fio " + job.name, output->error());
    if ((*output)->status == idle_status)
        return fail(fmt::format("fio {}: no RPC was sent for {} s", job.name, idle.count()),
                    Cause::timeout);
    return FioOutput{(*output)->status, std::move((*output)->out), std::move((*output)->err)};
}

Result<void> stop_fio(Host &host, Deadline deadline) {
    const auto command = fmt::format("kill -USR1 $(cat {}/fio.pid)", base_dir);
    if (auto out = host.check(command, deadline); !out)
        return fail("cannot stop fio", out.error());
    return {};
}

} // namespace lab
