// SPDX-License-Identifier: GPL-2.0-only
#include "lab/soak.h"

#include "lab/judge.h"
#include "lab/network.h"
#include "lab/soak_client.h"
#include "observe/snapshot.h"
#include "report/plot.h"
#include "util/file.h"
#include "util/interrupt.h"

#include <chrono>
#include <fmt/format.h>
#include <stop_token>
#include <thread>
#include <vector>

namespace lab {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto step = 30s;
constexpr auto sample_pace = 5s;
constexpr double kept_memory = 0.98;

/// Says what the server has left, in a row of soak.tsv.
Result<std::string> sample(Host &server, Clock::duration since) {
    const auto now = TRY(take_snapshot(server, Deadline::scaled(step)));
    const auto value = [&](const char *name) {
        const auto it = now.module.find(name);
        return it == now.module.end() ? std::string("nan") : std::to_string(it->second);
    };
    return fmt::format("{:.0f}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                       std::chrono::duration<double>(since).count(), now.available_kib,
                       now.slab_kib, value("live_connections"), value("live_recv_ctxts"),
                       value("live_send_ctxts"), value("live_pages"));
}

Result<void> strike(const Incident &incident, SoakMachines &machines, NfsServer &server,
                    SoakTally &tally) {
    switch (incident.trouble) {
    case Trouble::nfsd:
        TRY(server.halt());
        tally.wait(incident.lasts);
        return server.resume();
    case Trouble::device:
        return machines.without_device([&] { tally.wait(incident.lasts); });
    case Trouble::client:
        return machines.reset(incident.client);
    case Trouble::module:
        TRY(server.halt());
        TRY(server.reload());
        tally.wait(incident.lasts);
        return server.resume();
    }
    return {};
}

/// Makes trouble and looks at the server until the time is over, or something does not hold.
/// Returns the rows of soak.tsv.
std::string make_trouble(const Scenario &scenario, SoakMachines &machines, NfsServer &server,
                         SoakTally &tally, Progress &progress) {
    std::string rows =
        "seconds\tavailable_kib\tslab_kib\tconnections\trecv_ctxts\tsend_ctxts\tpages\n";
    const auto check = [&](const Result<void> &result, std::string_view what) {
        if (!result)
            tally.give_up(
                {verdict_of(result.error()), fmt::format("{}: {}", what, result.error().what)});
    };
    Incidents incidents(scenario.seed, machines.pair().clients());
    const std::chrono::minutes span(scenario.minutes);
    const auto start = Clock::now();
    auto next = incidents.next();
    auto due = start + next.after;
    while (!tally.over() && Clock::now() - start < span) {
        check(machines.pair().alive(), "a machine");
        if (tally.over()) {
            machines.cut_off();
            break;
        }
        auto row = sample(server.host(), Clock::now() - start);
        if (row)
            rows += *row;
        else
            check(fail(row.error()), "looking at the server");
        if (Clock::now() >= due && !tally.over()) {
            const auto name = trouble_name(next.trouble);
            progress.at(fmt::format("{} jobs done; {}", tally.trouble(name), name));
            check(strike(next, machines, server, tally), name);
            next = incidents.next();
            due = Clock::now() + next.after;
        }
        tally.wait(sample_pace);
    }
    return rows;
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
    const auto failed = [&](const Error &error) { return outcome_of(pair, error); };
    const auto directory = results / boot.directory;
    SoakMachines machines(pair, scenario);
    if (auto equipped = machines.equip(); !equipped)
        return failed(equipped.error());
    const auto options = serve_options(scenario, setup, module);
    auto server = NfsServer::start(pair.server(), options);
    if (!server)
        return failed(server.error());

    SoakTally tally(scenario.seed, done);
    std::vector<SoakClient> clients;
    for (unsigned i = 0; i < pair.clients(); i++)
        clients.emplace_back(i, scenario, machines, *server, tally, directory);
    // What serving takes for good the first time is no loss.
    progress.at("looking at the server's memory");
    for (SoakClient &client : clients)
        std::jthread([&](const std::stop_token &stop) { client.one(stop); });
    if (tally.over())
        return tally.outcome();
    const auto before = stop_and_look(*server);
    if (!before)
        return failed(before.error());
    server = NfsServer::start(pair.server(), options);
    if (!server)
        return failed(server.error());
    auto network = Network::make(pair.machines(), setup.network);
    if (!network)
        return failed(network.error());

    const auto start = Clock::now();
    std::string rows;
    {
        std::vector<std::jthread> threads;
        for (SoakClient &client : clients)
            threads.emplace_back([&](const std::stop_token &stop) { client.work(stop); });
        rows = make_trouble(scenario, machines, *server, tally, progress);
        // Who waits for power waits no longer; the others end what they are at.
        for (auto &thread : threads)
            thread.request_stop();
        progress.at("the last jobs");
    }
    boot.soak = tally.soak();
    boot.soak->minutes =
        std::chrono::duration<double, std::ratio<60>>(Clock::now() - start).count();
    const auto kept = write_file(directory / "soak.tsv", rows);
    const auto drawn =
        scenario.plot.empty() || !kept ? Result<void>() : draw(scenario.plot, directory);
    if (tally.over())
        return tally.outcome();
    if (!kept)
        return failed(kept.error());
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
    return Outcome::pass();
}

} // namespace lab
