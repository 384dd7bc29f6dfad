// SPDX-License-Identifier: GPL-2.0-only
#include "lab/session.h"

#include "bench/bandwidth.h"
#include "bench/connections.h"
#include "bench/overload.h"
#include "lab/judge.h"
#include "lab/path_proof.h"
#include "nfs/rdma_device.h"
#include "observe/perf_stat.h"
#include "report/profile_file.h"
#include "util/file.h"
#include "util/shell.h"
#include "util/watch.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lab {
namespace {

using namespace std::chrono_literals;

constexpr auto step = 30s;
// Without a single RPC for this long nothing moves any more: retransmissions and lease renewals
// come more often.
constexpr auto idle = 45s;
// The first of each kind is traced. Tracing costs the server; the others go without.
constexpr unsigned traced_repeat = 1;
constexpr auto export_dir = "/export";
constexpr auto by_plugin = "plugin";
constexpr auto by_perf = "perf stat";

std::string snapshot_json(const Snapshot &snapshot) {
    nlohmann::ordered_json object{{"context_switches", snapshot.context_switches},
                                  {"available_kib", snapshot.available_kib},
                                  {"slab_kib", snapshot.slab_kib},
                                  {"module", snapshot.module},
                                  {"device", snapshot.device}};
    return object.dump(2) + "\n";
}

/// Where the Send completion handler is that a run exercises; nowhere with TCP.
std::string_view traced_module(Transport transport) {
    return transport == Transport::tcp ? std::string_view() : transport_name(transport);
}

/// Sampling costs the server something: only where another repeat goes without.
bool sampled(const Run &run) {
    return run.key.transport == Transport::svcrdma && run.set_aside;
}

std::string proof_text(const PathProof::Evidence &evidence) {
    auto text = fmt::format("portlist: {}\nmount: {}\n", evidence.portlist, evidence.mount);
    const auto add = [&](const char *what, const Counters &counters) {
        for (const auto &[name, value] : counters)
            if (value != 0)
                // What is there now may have become less.
                text += fmt::format("{}: {} {:+}\n", what, name, static_cast<std::int64_t>(value));
    };
    add("module", evidence.module);
    add("server RDMA device", evidence.server_device);
    add("client RDMA device", evidence.client_device);
    return text;
}

} // namespace

Result<Session> Session::start(Pair &pair, const Scenario &scenario, const Setup &setup,
                               const std::filesystem::path &module,
                               const std::filesystem::path &results) {
    for (Host *host : pair.machines())
        TRY(use_rdma_provider(*host, scenario.provider));
    auto server = TRY(NfsServer::start(pair.server(), serve_options(scenario, setup, module)));
    Session session(pair, std::move(server), results);
    session.repeats_ = scenario.repeats;
    session.mount_options_ = scenario.mount;
    if (setup.nconnect != 0)
        session.mount_options_ +=
            fmt::format("{}nconnect={}", scenario.mount.empty() ? "" : ",", setup.nconnect);

    for (const JobFile &job : scenario.workloads) {
        for (Host *host : pair.machines())
            TRY(install_job(*host, job, Deadline::scaled(step)));
        // Those of a job that verifies before each run.
        if (!job.verifies)
            TRY(session.lay_out(job));
    }
    if (pair.clients() > 1)
        for (unsigned i = 0; i < pair.clients(); i++)
            TRY(start_fio_server(pair.client(i), Deadline::scaled(step)));
    TRY(session.choose_counting());
    return session;
}

Result<void> Session::stop() {
    if (pair_->clients() > 1)
        for (unsigned i = 0; i < pair_->clients(); i++)
            TRY(stop_fio_server(pair_->client(i), Deadline::scaled(step)));
    return server_.stop();
}

std::string Session::job_dir(const std::string &top, const JobFile &job, unsigned client) const {
    return pair_->clients() == 1
               ? fmt::format("{}/{}", top, job.name)
               : fmt::format("{}/{}/{}", top, pair_->client(client).name(), job.name);
}

/// On the server, where no transport slows it down.
Result<void> Session::lay_out(const JobFile &job) {
    for (unsigned i = 0; i < pair_->clients(); i++)
        TRY(lay_out_files(pair_->server(), job, job_dir(export_dir, job, i),
                          Deadline::scaled(step)));
    return {};
}

Result<std::vector<Mount>> Session::mount_all(const RunKey &key) {
    std::vector<Mount> mounts;
    mounts.reserve(pair_->clients());
    for (unsigned i = 0; i < pair_->clients(); i++)
        mounts.push_back(TRY(Mount::make(pair_->client(i), server_, key.transport, key.nfs,
                                         "/mnt/nfs", mount_options_)));
    return mounts;
}

Run Session::run(const RunKey &key, const JobFile &job, Deadline deadline) {
    Run run;
    run.key = key;
    run.verified = job.verifies;
    run.set_aside = key.repeat == traced_repeat && repeats_ > 1;
    const auto start = std::chrono::steady_clock::now();
    auto what = key.what();
    std::ranges::replace(what, ' ', '-');
    const auto directory = results_ / fmt::format("{}-nfs{}-{}-{}", what, key.nfs,
                                                  transport_name(key.transport), key.repeat);
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        run.outcome = {Verdict::infrastructure,
                       fmt::format("cannot make {}: {}", directory.string(), error.message())};
        return run;
    }
    run.directory = directory.string();
    run.outcome = attempt(run, job, deadline);
    run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return run;
}

Outcome Session::or_device(Outcome outcome, Transport transport) {
    if (transport == Transport::tcp)
        return outcome;
    for (Host *host : pair_->machines())
        if (const auto mended = mend_rdma_device(*host); mended && *mended)
            return {Verdict::infrastructure,
                    fmt::format("rxe of {} could make no connection any more, its GSI queue pair "
                                "was in the error state; the device is made anew ({})",
                                host->name(), outcome.why)};
    return outcome;
}

Result<void> Session::bench(Boot &boot, Progress &progress) {
    progress.at("ib_write_bw");
    boot.raw_writes = TRY(measure_raw_writes(pair_->server(), pair_->client()));
    for (const Transport transport : server_.transports()) {
        if (transport == Transport::tcp)
            continue;
        const auto costs = TRY(measure_connections(pair_->client(), server_, transport, progress));
        boot.connections.insert(boot.connections.end(), costs.begin(), costs.end());
    }
    if (!contains(server_.transports(), Transport::svcrdma))
        return {};
    progress.at("slow releases");
    boot.overload = TRY(measure_overload(pair_->client(), server_));
    return {};
}

Result<void> Session::warm_up(const Scenario &scenario) {
    for (const Transport transport : scenario.transports) {
        auto mount = TRY(Mount::make(pair_->client(), server_, transport, scenario.nfs.front()));
        const auto command =
            fmt::format("cd {} && dd if=/dev/zero of=warm-up bs=4k count=200 oflag=direct 2>&1 && "
                        "dd if=warm-up of=/dev/null bs=4k iflag=direct 2>&1 && "
                        "dd if=/dev/zero of=warm-up bs=1M count=4 oflag=direct 2>&1 && "
                        "dd if=warm-up of=/dev/null bs=1M iflag=direct 2>&1 && rm warm-up",
                        shell_quote(mount.dir()));
        TRY(pair_->client().check(command, Deadline::scaled(step)));
        TRY(mount.unmount());
    }
    return {};
}

Outcome Session::attempt(Run &run, const JobFile &job, Deadline deadline) {
    if (job.verifies)
        if (auto ok = lay_out(job); !ok)
            return outcome_of(*pair_, ok.error());
    auto mounts = mount_all(run.key);
    if (!mounts)
        return or_device(outcome_of(*pair_, mounts.error()), run.key.transport);
    auto outcome = measure(run, job, *mounts, deadline);
    if (outcome.verdict == Verdict::hang)
        return or_device(outcome, run.key.transport);
    // Nothing can be unmounted from a transport that hangs; the boot ends with this run.
    if (outcome.verdict != Verdict::pass && outcome.verdict != Verdict::fail)
        return outcome;
    for (Mount &mount : *mounts)
        if (auto ok = mount.unmount(); !ok && outcome.verdict == Verdict::pass)
            outcome = outcome_of(*pair_, ok.error());
    return outcome;
}

// A client waits for a dead server for minutes. We need not.
Result<FioOutput> Session::run_watched(const Run &run, const JobFile &job,
                                       const std::vector<Mount> &mounts, Deadline deadline) {
    // When even stopping fio fails the client is gone as well, and run_fio() notices.
    const auto watcher = watch(1s, [this] {
        return pair_->alive() || !stop_fio(pair_->client(), Deadline::scaled(step));
    });
    // The repeat is the seed: all transports do the same I/Os.
    std::vector<FioPlace> places;
    places.reserve(mounts.size());
    for (unsigned i = 0; i < mounts.size(); i++)
        places.push_back({&pair_->client(i), job_dir(mounts[i].dir(), job, i)});
    return run_fio(places, job, run.key.repeat, idle, deadline);
}

Result<void> Session::choose_counting() {
    const auto counts = TRY(pair_->server_instructions(Deadline::scaled(step)));
    if (counts) {
        symbols_ = TRY(read_symbols(pair_->server(), Deadline::scaled(step)));
        counting_ = by_plugin;
        return {};
    }
    TRY(start_perf_stat(pair_->server(), Deadline::scaled(step)));
    const auto tried = stop_perf_stat(pair_->server(), Deadline::scaled(step));
    counting_ = tried ? by_perf : "not counted: " + tried.error().what;
    return {};
}

Result<std::optional<InstructionCounts>> Session::begin_count() {
    if (counting_ == by_plugin)
        return pair_->server_instructions(Deadline::scaled(step));
    if (counting_ == by_perf)
        TRY(start_perf_stat(pair_->server(), Deadline::scaled(step)));
    return std::nullopt;
}

Result<std::optional<Profile>> Session::end_count(const std::optional<InstructionCounts> &before) {
    if (counting_ == by_perf) {
        auto profile = TRY(stop_perf_stat(pair_->server(), Deadline::scaled(step)));
        return profile;
    }
    if (!before || !symbols_)
        return std::nullopt;
    const auto after = TRY(pair_->server_instructions(Deadline::scaled(step)));
    if (!after)
        return std::nullopt;
    return make_profile(*before, *after, *symbols_);
}

Result<void> Session::keep_profile(const Run &run, std::uint64_t ops, const Profile &profile) {
    return write_profile(results_ / "observe" /
                             fmt::format("instructions-{}.json",
                                         std::filesystem::path(run.directory).filename().string()),
                         {run.key, ops, profile});
}

Result<void> Session::begin_trace(const Run &run) {
    if (sampled(run))
        TRY(start_sampling(pair_->server(), Deadline::scaled(step)));
    return start_trace(pair_->server(), traced_module(run.key.transport), Deadline::scaled(step));
}

Result<void> Session::end_trace(Run &run) {
    run.trace = TRY(stop_trace(pair_->server(), Deadline::scaled(step)));
    if (!sampled(run))
        return {};
    run.peaks = TRY(stop_sampling(pair_->server(), Deadline::scaled(step)));
    return {};
}

Outcome Session::measure(Run &run, const JobFile &job, const std::vector<Mount> &mounts,
                         Deadline deadline) {
    const auto before = take_snapshot(pair_->server(), Deadline::scaled(step));
    if (!before)
        return outcome_of(*pair_, before.error());
    std::vector<PathProof> proofs;
    for (unsigned i = 0; i < mounts.size(); i++) {
        auto proof =
            PathProof::begin(server_, pair_->client(i), mounts[i], run.key.transport, *before);
        if (!proof)
            return outcome_of(*pair_, proof.error());
        proofs.push_back(*std::move(proof));
    }
    const bool traced = run.key.repeat == traced_repeat;
    if (traced)
        if (auto ok = begin_trace(run); !ok)
            return outcome_of(*pair_, ok.error());
    // Nothing else runs on the server between these two.
    const auto counted = begin_count();
    if (!counted)
        return outcome_of(*pair_, counted.error());
    const auto output = run_watched(run, job, mounts, deadline);
    if (!output)
        return outcome_of(*pair_, output.error());
    auto profile = end_count(*counted);
    if (!profile)
        return outcome_of(*pair_, profile.error());
    if (traced)
        if (auto ok = end_trace(run); !ok)
            return outcome_of(*pair_, ok.error());
    const auto after = take_snapshot(pair_->server(), Deadline::scaled(step));
    if (!after)
        return outcome_of(*pair_, after.error());
    // The first that fails says why; the first client's stands for those that do not.
    auto evidence = proofs.front().finish(*after);
    std::string proof_words = evidence ? proof_text(*evidence) : "";
    for (std::size_t i = 1; i < proofs.size() && evidence; i++) {
        const auto further = proofs[i].finish(*after);
        if (further)
            proof_words += fmt::format("\n{}:\n{}", pair_->client(i).name(), proof_text(*further));
        else
            evidence = fail(pair_->client(i).name(), further.error());
    }

    const std::filesystem::path directory = run.directory;
    std::vector<std::pair<std::string, std::string>> files{{"fio.json", output->out},
                                                           {"fio.stderr", output->err},
                                                           {"before.json", snapshot_json(*before)},
                                                           {"after.json", snapshot_json(*after)}};
    if (evidence)
        files.emplace_back("proof.txt", proof_words);
    for (const auto &[name, text] : files)
        if (auto ok = write_file(directory / name, text); !ok)
            return {Verdict::infrastructure, ok.error().what};

    const auto result = parse_fio(output->out, output->err);
    if (!result)
        return outcome_of(*pair_, result.error());
    run.fio = *result;
    run.server = *after - *before;
    if (auto &counts = *profile; counts && !run.set_aside) {
        if (auto ok = keep_profile(run, result->ops, *counts); !ok)
            return outcome_of(*pair_, ok.error());
        run.profile = std::move(counts);
    }
    if (auto outcome = judge_fio(job, output->status, *result); outcome.verdict != Verdict::pass)
        return outcome;
    if (!evidence)
        return outcome_of(*pair_, evidence.error());
    run.proof = evidence->mount;
    return judge_counters(run.key.transport, *result, evidence->module);
}

} // namespace lab
