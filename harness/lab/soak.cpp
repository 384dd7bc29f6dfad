// SPDX-License-Identifier: GPL-2.0-only
#include "lab/soak.h"

#include "lab/judge.h"
#include "lab/network.h"
#include "lab/soak_plan.h"
#include "nfs/mount.h"
#include "nfs/rdma_device.h"
#include "observe/snapshot.h"
#include "report/plot.h"
#include "util/file.h"
#include "util/interrupt.h"
#include "workload/fio.h"

#include <chrono>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

namespace lab {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto step = 30s;
// A client that lost its server waits longer and longer before it tries again, with NFSv4 until
// the grace period is over.
constexpr auto patience = 3min;
constexpr auto job_limit = 6min;
constexpr auto sample_pace = 5s;
constexpr auto export_dir = "/export";
constexpr auto mount_dir = "/mnt/soak";
constexpr double kept_memory = 0.98;

/// Gives a machine that has booted what it needs for the soak.
Result<void> equip(Host &host, const Scenario &scenario) {
    TRY(use_rdma_provider(host, scenario.provider));
    for (const JobFile &job : scenario.workloads)
        TRY(install_job(host, job, Deadline::scaled(step)));
    return {};
}

/// What is shared between the threads of a soak, and how they end.
class Soaking {
  public:
    Soaking(Pair &pair, const Scenario &scenario, NfsServer &server,
            const std::function<void(Run)> &done)
        : pair_(pair), scenario_(scenario), server_(server), done_(done), power_(pair.clients()) {
        soak_.seed = scenario.seed;
    }

    /// Works and makes trouble until the time is over, or something does not hold.
    Outcome go(Boot &boot, const std::filesystem::path &tsv, Progress &progress);

  private:
    /// Whether a client has power, and how often it lost it.
    struct Power {
        bool on = true;
        unsigned losses = 0;
    };

    void work(unsigned client, const std::stop_token &stop);
    Outcome errand(unsigned client, const Errand &errand, Run &run);
    std::optional<unsigned> wait_for_power(unsigned client, const std::stop_token &stop);
    unsigned server_mends();
    unsigned losses(unsigned client);
    bool mend(unsigned client);
    void count(unsigned Soak::*counter);
    void give_up(const Outcome &why);
    bool given_up();
    void wait(Clock::duration span);

    Result<void> strike(const Incident &incident);
    Result<void> reset(unsigned client);
    Result<void> sample(std::string &rows, Clock::duration since);

    Pair &pair_;
    const Scenario &scenario_;
    NfsServer &server_;
    const std::function<void(Run)> &done_;

    std::mutex devices_; ///< of the machines' RDMA devices: one at a time takes one away
    std::mutex mutex_;   ///< of what follows
    std::condition_variable_any changed_;
    std::vector<Power> power_;
    Outcome outcome_ = Outcome::pass();
    Soak soak_;
    unsigned server_mends_ = 0; ///< how often the server's device was the one that was broken
};

void Soaking::count(unsigned Soak::*counter) {
    const std::lock_guard lock(mutex_);
    (soak_.*counter)++;
}

/// The first reason counts.
void Soaking::give_up(const Outcome &why) {
    const std::lock_guard lock(mutex_);
    if (outcome_.verdict == Verdict::pass)
        outcome_ = why;
    changed_.notify_all();
}

bool Soaking::given_up() {
    const std::lock_guard lock(mutex_);
    return outcome_.verdict != Verdict::pass || interrupted();
}

unsigned Soaking::losses(unsigned client) {
    const std::lock_guard lock(mutex_);
    return power_[client].losses;
}

/// How often it was lost until now; nothing when there is no use in waiting any more.
std::optional<unsigned> Soaking::wait_for_power(unsigned client, const std::stop_token &stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return power_[client].on; }))
        return std::nullopt;
    return power_[client].losses;
}

unsigned Soaking::server_mends() {
    const std::lock_guard lock(mutex_);
    return server_mends_;
}

/// Whether the stand-in for an adapter was to blame, at either end; it is not any more.
bool Soaking::mend(unsigned client) {
    const std::lock_guard devices(devices_);
    const auto server = mend_rdma_device(pair_.server());
    const auto own = mend_rdma_device(pair_.client(client));
    if (server && *server) {
        const std::lock_guard lock(mutex_);
        server_mends_++;
    }
    return (server && *server) || (own && *own);
}

Outcome Soaking::errand(unsigned client, const Errand &errand, Run &run) {
    Host &host = pair_.client(client);
    const auto below = fmt::format("{}/{}", host.name(), errand.job->name);
    const auto failed = [](const Error &error) { return Outcome{verdict_of(error), error.what}; };
    if (auto laid = lay_out_files(pair_.server(), *errand.job,
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
    const auto result = parse_fio(output->out, output->err);
    if (!result)
        return failed(result.error());
    run.fio = *result;
    if (auto outcome = judge_fio(*errand.job, output->status, *result);
        outcome.verdict != Verdict::pass)
        return outcome;
    if (auto unmounted = mount->unmount(Deadline::scaled(patience)); !unmounted)
        return failed(unmounted.error());
    return Outcome::pass();
}

/// One client, errand after errand.
void Soaking::work(unsigned client, const std::stop_token &stop) {
    Errands errands(scenario_, scenario_.seed, client);
    while (!stop.stop_requested() && !given_up()) {
        const auto losses_before = wait_for_power(client, stop);
        if (!losses_before)
            return;
        const auto mends_before = server_mends();
        const auto next = errands.next();
        Run run;
        const auto start = Clock::now();
        const auto outcome = errand(client, next, run);
        run.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        if (losses(client) != *losses_before) {
            // Whatever it was at, nobody knows how far it came.
            count(&Soak::interrupted);
            continue;
        }
        if (interrupted())
            return;
        // What fio found wrong is wrong. All clients suffer from the server's device; one mends it.
        if (outcome.verdict != Verdict::pass && (outcome.verdict != Verdict::fail || !run.fio) &&
            (mend(client) || server_mends() != mends_before)) {
            count(&Soak::mended);
            (void)pair_.client(client).check(
                fmt::format("umount -f {0} || umount -l {0}", mount_dir), Deadline::scaled(step));
            continue;
        }
        run.key = {pair_.kernel().version, Transport::svcrdma, next.nfs, next.job->name, 0, ""};
        run.verified = next.job->verifies;
        run.outcome = outcome;
        if (outcome.verdict != Verdict::pass) {
            run.outcome.why = fmt::format("{} of {}, mounted with \"{}\"", outcome.why,
                                          pair_.client(client).name(), next.options);
            give_up(run.outcome);
        }
        const std::lock_guard lock(mutex_);
        run.key.repeat = ++soak_.jobs;
        done_(std::move(run));
    }
}

Result<void> Soaking::reset(unsigned client) {
    {
        const std::lock_guard lock(mutex_);
        power_[client].on = false;
        power_[client].losses++;
    }
    pair_.kill_client(client);
    TRY(pair_.revive_client(client));
    TRY(equip(pair_.client(client), scenario_));
    const std::lock_guard lock(mutex_);
    power_[client].on = true;
    changed_.notify_all();
    return {};
}

Result<void> Soaking::strike(const Incident &incident) {
    switch (incident.trouble) {
    case Trouble::nfsd:
        TRY(server_.halt());
        wait(incident.lasts);
        return server_.resume();
    case Trouble::device: {
        const std::lock_guard devices(devices_);
        TRY(pair_.server().check(fmt::format("rdma link delete {}0", scenario_.provider),
                                 Deadline::scaled(patience)));
        wait(incident.lasts);
        return use_rdma_provider(pair_.server(), scenario_.provider);
    }
    case Trouble::client:
        return reset(incident.client);
    case Trouble::module:
        TRY(server_.halt());
        TRY(server_.reload());
        wait(incident.lasts);
        return server_.resume();
    }
    return {};
}

Result<void> Soaking::sample(std::string &rows, Clock::duration since) {
    const auto now = TRY(take_snapshot(pair_.server(), Deadline::scaled(step)));
    const auto value = [&](const char *name) {
        const auto it = now.module.find(name);
        return it == now.module.end() ? std::string("nan") : std::to_string(it->second);
    };
    rows += fmt::format("{:.0f}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                        std::chrono::duration<double>(since).count(), now.available_kib,
                        now.slab_kib, value("live_connections"), value("live_recv_ctxts"),
                        value("live_send_ctxts"), value("live_pages"));
    return {};
}

/// Ends early when the soak is given up.
void Soaking::wait(Clock::duration span) {
    std::unique_lock lock(mutex_);
    const auto until = Clock::now() + span;
    while (Clock::now() < until && outcome_.verdict == Verdict::pass && !interrupted())
        changed_.wait_for(lock, 500ms);
}

Outcome Soaking::go(Boot &boot, const std::filesystem::path &tsv, Progress &progress) {
    const std::chrono::minutes span(scenario_.minutes);
    Incidents incidents(scenario_.seed, pair_.clients());
    std::string rows =
        "seconds\tavailable_kib\tslab_kib\tconnections\trecv_ctxts\tsend_ctxts\tpages\n";
    const auto start = Clock::now();
    {
        std::vector<std::jthread> workers;
        for (unsigned i = 0; i < pair_.clients(); i++)
            workers.emplace_back([this, i](const std::stop_token &stop) { work(i, stop); });
        auto next = incidents.next();
        auto due = Clock::now() + next.after;
        while (!given_up() && Clock::now() - start < span) {
            const auto check = [&](const Result<void> &result, std::string_view what) {
                if (!result)
                    give_up({verdict_of(result.error()),
                             fmt::format("{}: {}", what, result.error().what)});
            };
            check(pair_.alive(), "a machine");
            check(sample(rows, Clock::now() - start), "looking at the server");
            if (Clock::now() >= due && !given_up()) {
                const auto name = trouble_name(next.trouble);
                {
                    const std::lock_guard lock(mutex_);
                    soak_.troubles[std::string(name)]++;
                    progress.at(fmt::format("{} jobs done; {}", soak_.jobs, name));
                }
                check(strike(next), name);
                next = incidents.next();
                due = Clock::now() + next.after;
            }
            wait(sample_pace);
        }
        // Who waits for power waits no longer; the others end what they are at.
        for (auto &worker : workers)
            worker.request_stop();
        progress.at("the last jobs");
    }
    soak_.minutes = std::chrono::duration<double, std::ratio<60>>(Clock::now() - start).count();
    boot.soak = soak_;
    if (auto kept = write_file(tsv, rows); !kept)
        give_up({Verdict::infrastructure, kept.error().what});
    return outcome_;
}

/// Stops the server, and returns what its machine has left when nothing that can be dropped is
/// kept.
Result<std::uint64_t> stop_and_look(NfsServer &nfs) {
    TRY(nfs.stop());
    Host &server = nfs.host();
    TRY(server.check("sync; for n in 1 2 3; do echo 3 >/proc/sys/vm/drop_caches; sleep 1; done",
                     Deadline::scaled(1min)));
    return TRY(take_snapshot(server, Deadline::scaled(step))).available_kib;
}

/// All of our module's that must be gone when nobody is connected.
Result<void> expect_nothing_live(Host &server) {
    // A client that was cut off while it had nothing in flight is noticed by keepalive, after two
    // periods of a minute.
    constexpr auto limit = 3min;
    const auto deadline = Deadline::scaled(limit);
    for (;;) {
        const auto now = TRY(read_counters(server, module_counters));
        std::string left;
        for (const auto &[name, value] : now)
            if (name.starts_with("live_") && name != "live_listeners" && value != 0)
                left += fmt::format(" {} {}", name, value);
        if (left.empty())
            return {};
        if (deadline.expired())
            return fail("without a client there is still something of our module's:" + left);
        pause_for(500ms);
    }
}

} // namespace

Outcome soak(Pair &pair, const Scenario &scenario, const Setup &setup,
             const std::filesystem::path &module, Boot &boot, const std::filesystem::path &results,
             const std::function<void(Run)> &done, Progress &progress) {
    const auto failed = [&](const Error &error) {
        if (const auto alive = pair.alive(); !alive)
            return Outcome{verdict_of(alive.error()), alive.error().what};
        return Outcome{verdict_of(error), error.what};
    };
    for (Host *host : pair.machines())
        if (auto equipped = equip(*host, scenario); !equipped)
            return failed(equipped.error());
    const auto options = serve_options(scenario, setup, module);
    // Whatever the first start takes for good is no loss.
    progress.at("looking at the server's memory");
    auto server = NfsServer::start(pair.server(), options);
    if (!server)
        return failed(server.error());
    const auto before = stop_and_look(*server);
    if (!before)
        return failed(before.error());
    server = NfsServer::start(pair.server(), options);
    if (!server)
        return failed(server.error());
    auto network = Network::make(pair.machines(), setup.network);
    if (!network)
        return failed(network.error());

    const auto directory = results / boot.directory;
    Soaking soaking(pair, scenario, *server, done);
    const auto outcome = soaking.go(boot, directory / "soak.tsv", progress);
    const auto drawn = scenario.plot.empty() ? Result<void>() : draw(scenario.plot, directory);
    if (outcome.verdict != Verdict::pass || interrupted())
        return outcome;
    if (boot.soak->jobs == 0)
        return {Verdict::fail, "no job was done: nothing was verified"};

    progress.at("waiting for what is left");
    if (auto restored = network->restore(); !restored)
        return failed(restored.error());
    if (auto gone = expect_nothing_live(pair.server()); !gone)
        return failed(gone.error());
    const auto after = stop_and_look(*server);
    if (!after)
        return failed(after.error());
    boot.soak->available_before_kib = *before;
    boot.soak->available_after_kib = *after;
    if (static_cast<double>(*after) < kept_memory * static_cast<double>(*before))
        return {
            Verdict::leak,
            fmt::format("the server had {} KiB before and has {} KiB after, {:.1f} % less", *before,
                        *after,
                        100 - 100 * static_cast<double>(*after) / static_cast<double>(*before))};
    if (!drawn)
        return {Verdict::infrastructure, drawn.error().what};
    return outcome;
}

} // namespace lab
