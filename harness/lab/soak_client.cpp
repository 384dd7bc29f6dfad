// SPDX-License-Identifier: GPL-2.0-only
#include "lab/soak_client.h"

#include "lab/judge.h"
#include "nfs/mount.h"
#include "util/file.h"
#include "util/interrupt.h"

#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace lab {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto step = 30s;
// A client that lost its server waits longer and longer before it tries again, with NFSv4 until
// the grace period is over.
constexpr auto patience = 3min;
constexpr auto job_limit = 6min;
constexpr auto export_dir = "/export";
constexpr auto mount_dir = "/mnt/soak";

Outcome failed(const Error &error) {
    return {verdict_of(error), error.what};
}

} // namespace

SoakClient::SoakClient(unsigned number, const Scenario &scenario, SoakMachines &machines,
                       const NfsServer &server, SoakTally &tally, std::filesystem::path results)
    : number_(number), machines_(machines), server_(server), tally_(tally),
      results_(std::move(results)), errands_(scenario, scenario.seed, number) {}

/// What fio said; kept if there is something to look for in it.
Outcome SoakClient::judge(const Errand &errand, const FioOutput &output, Run &run) {
    const auto result = parse_fio(output.out, output.err);
    auto outcome = result ? judge_fio(*errand.job, output.status, *result) : failed(result.error());
    if (result)
        run.fio = *result;
    if (outcome.verdict == Verdict::pass)
        return outcome;
    const auto directory =
        results_ / fmt::format("{}-{}", machines_.pair().client(number_).name(), errand.job->name);
    run.directory = directory.string();
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    for (const auto &[name, text] : {std::pair("fio.json", output.out), {"fio.stderr", output.err}})
        if (auto kept = write_file(directory / name, text); !kept)
            outcome.why += "; " + kept.error().what;
    return outcome;
}

Outcome SoakClient::attempt(const Errand &errand, Run &run) {
    Host &host = machines_.pair().client(number_);
    const auto below = fmt::format("{}/{}", host.name(), errand.job->name);
    if (auto laid = lay_out_files(machines_.pair().server(), *errand.job,
                                  fmt::format("{}/{}", export_dir, below), Deadline::scaled(step));
        !laid)
        return failed(laid.error());
    auto mount = Mount::make(host, server_, Transport::svcrdma, errand.nfs, mount_dir,
                             errand.options, Deadline::scaled(patience));
    if (!mount)
        return failed(mount.error());
    const auto output = run_fio({{&host, fmt::format("{}/{}", mount_dir, below)}}, *errand.job,
                                errand.seed, patience, Deadline::scaled(job_limit));
    if (!output)
        return failed(output.error());
    if (auto outcome = judge(errand, *output, run); outcome.verdict != Verdict::pass)
        return outcome;
    if (auto unmounted = mount->unmount(Deadline::scaled(patience)); !unmounted)
        return failed(unmounted.error());
    return Outcome::pass();
}

void SoakClient::go(const Errand &errand, const SoakMachines::Shift &shift) {
    Host &host = machines_.pair().client(number_);
    Run run;
    const auto start = Clock::now();
    run.outcome = attempt(errand, run);
    run.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    // Whatever it was at, nobody knows how far it came.
    if (machines_.lost_power(number_, shift))
        return tally_.count(&Soak::interrupted);
    if (interrupted())
        return;
    // What fio found wrong is wrong.
    if (run.outcome.verdict != Verdict::pass &&
        (run.outcome.verdict != Verdict::fail || !run.fio) && machines_.mended(number_, shift)) {
        (void)host.check(fmt::format("umount -f {0} || umount -l {0}", mount_dir),
                         Deadline::scaled(step));
        return tally_.count(&Soak::mended);
    }
    run.key = {
        machines_.pair().kernel().version, Transport::svcrdma, errand.nfs, errand.job->name, 0, ""};
    run.verified = errand.job->verifies;
    if (run.outcome.verdict != Verdict::pass) {
        run.outcome.why = fmt::format("{}, of {}, mounted with \"{}\"", run.outcome.why,
                                      host.name(), errand.options);
        tally_.give_up(run.outcome);
    }
    tally_.job(std::move(run));
}

void SoakClient::one(const std::stop_token &stop) {
    const auto shift = machines_.begin(number_, stop);
    if (!shift)
        return;
    go(errands_.next(), *shift);
    machines_.end(number_);
}

void SoakClient::work(const std::stop_token &stop) {
    while (!stop.stop_requested() && !tally_.over())
        one(stop);
}

} // namespace lab
