// SPDX-License-Identifier: GPL-2.0-only
#include "lab/runner.h"

#include "image/image.h"
#include "image/module.h"
#include "lab/environment.h"
#include "lab/inputs.h"
#include "lab/judge.h"
#include "lab/kernel_logs.h"
#include "lab/pair.h"
#include "lab/results_dir.h"
#include "lab/session.h"
#include "lab/soak.h"
#include "observe/leaks.h"
#include "report/goals.h"
#include "report/html_reporter.h"
#include "report/json_reporter.h"
#include "report/junit_reporter.h"
#include "report/sweep_reporter.h"
#include "report/text_reporter.h"
#include "util/file.h"
#include "util/interrupt.h"
#include "util/progress.h"

#include <algorithm>
#include <chrono>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace lab {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// The longest that one run may take, and everything around the runs of a boot.
constexpr auto run_limit = 5min;
constexpr auto boot_limit = 10min;

constexpr unsigned disk_mib = 2048; // sparse

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What a log holds; nothing when it was never written.
std::string log_text(const fs::path &path) {
    return read_file(path).value_or("");
}

/// One of the runs that a boot is to do.
struct Planned {
    RunKey key;
    const JobFile *job;
};

/// Transports take turns, and every repeat begins with another one: none is always first.
std::vector<Planned> plan_setup(const Scenario &scenario, const std::string &kernel,
                                const Setup &setup) {
    std::vector<Planned> plan;
    for (unsigned repeat = 1; repeat <= scenario.repeats; ++repeat)
        for (const std::string &nfs : scenario.nfs)
            for (std::size_t i = 0; i < scenario.workloads.size(); ++i) {
                const JobFile &job = scenario.workloads[i];
                // With few repeats nobody is always the first.
                auto turn = scenario.transports;
                std::ranges::rotate(turn, turn.begin() + (repeat - 1 + i) % turn.size());
                for (const Transport transport : turn)
                    plan.push_back({{kernel, transport, nfs, job.name, repeat, setup.name}, &job});
            }
    return plan;
}

/// Setups that share a boot.
using Boots = std::vector<std::span<const Setup>>;

Boots boots_of(const std::vector<Setup> &setups) {
    Boots boots;
    for (auto first = setups.begin(); first != setups.end();) {
        const auto last = std::find_if(first, setups.end(), [&](const Setup &setup) {
            return setup.boot_name != first->boot_name;
        });
        boots.emplace_back(first, last);
        first = last;
    }
    return boots;
}

/// Everything that one boot is to do, a setup after the other.
std::vector<Planned> plan_boot(const Scenario &scenario, const std::string &kernel,
                               std::span<const Setup> setups) {
    std::vector<Planned> plan;
    for (const Setup &setup : setups)
        std::ranges::move(plan_setup(scenario, kernel, setup), std::back_inserter(plan));
    return plan;
}

std::string describe(const RunKey &key) {
    return fmt::format("NFSv{} {} over {} #{}", key.nfs, key.what(), transport_name(key.transport),
                       key.repeat);
}

std::string describe(const Run &run) {
    if (run.outcome.verdict != Verdict::pass || !run.fio)
        return fmt::format("{}: {}", verdict_name(run.outcome.verdict), run.outcome.why);
    return fmt::format("{:.0f} I/O per s, {:.1f} MB/s{}", run.fio->iops,
                       static_cast<double>(run.fio->bytes_per_s) / 1e6,
                       run.verified ? ", verified" : "");
}

/// Whether a machine is in doubt: nothing further on this boot would mean anything.
bool ends_boot(const Outcome &outcome) {
    switch (outcome.verdict) {
    case Verdict::pass:
    case Verdict::fail:
    case Verdict::skip:
        return false;
    case Verdict::boot_failure:
    case Verdict::kernel_splat:
    case Verdict::leak:
    case Verdict::hang:
    case Verdict::lost_connection:
    case Verdict::infrastructure:
        return true;
    }
    return true;
}

/// What is booted.
struct Kernels {
    std::vector<Kernel> servers;
    std::optional<Kernel> client; ///< of all clients, if it is not the server's
};

/// Does one scenario. Lives as long as that takes.
class Runner {
  public:
    Runner(Inputs inputs, const RunnerOptions &options, const Image &image, Kernels kernels,
           fs::path results)
        : inputs_(std::move(inputs)), scenario_(inputs_.scenario), options_(options), image_(image),
          kernels_(std::move(kernels)), results_(std::move(results)) {
        // Whoever writes later tells of what went wrong with those before.
        reporters_.push_back(std::make_unique<HtmlReporter>(results_ / "index.html"));
        if (!scenario_.setups.front().name.empty())
            reporters_.push_back(std::make_unique<SweepReporter>(results_, scenario_.plot));
        reporters_.push_back(std::make_unique<JunitReporter>(results_ / "junit.xml"));
        reporters_.push_back(std::make_unique<JsonReporter>(results_ / "summary.json"));
        reporters_.push_back(std::make_unique<TextReporter>(stdout, results_));
    }

    Report run();

  private:
    void run_boot(const Kernel &kernel, std::span<const Setup> setups, const fs::path &module);
    Outcome use_pair(Pair &pair, Boot &boot, std::span<const Setup> setups, const fs::path &module);
    Outcome use_setup(Pair &pair, Boot &boot, const fs::path &module, const Setup &setup,
                      Progress &progress);
    Outcome use_soak(Pair &pair, Boot &boot, const fs::path &module, const Setup &setup,
                     Progress &progress);
    Outcome do_runs(Session &session, const Boot &boot, const std::vector<Planned> &plan,
                    Progress &progress);
    void collect(Pair &pair, Boot &boot);
    Outcome look_for_leaks(Pair &pair, const Boot &boot);
    void add_run(Run run);
    void add_skipped(const RunKey &key);
    void keep_pair(Pair &pair);
    [[nodiscard]] std::string time_left() const;

    Inputs inputs_;
    const Scenario &scenario_; // in inputs_
    const RunnerOptions &options_;
    const Image &image_;
    Kernels kernels_;
    fs::path results_;
    std::vector<std::unique_ptr<Reporter>> reporters_;
    Report report_;
    Error trouble_; // the first thing that a reporter could not write
};

void note(Error &trouble, const Result<void> &result) {
    if (!result && trouble.what.empty())
        trouble = result.error();
}

void Runner::add_run(Run run) {
    if (report_.environment.fio.empty() && run.fio)
        report_.environment.fio = run.fio->version;
    // Readers look below the results directory, wherever it is moved.
    if (!run.directory.empty())
        run.directory = fs::path(run.directory).lexically_relative(results_).string();
    report_.runs.push_back(std::move(run));
    for (const auto &reporter : reporters_)
        note(trouble_, reporter->run(report_));
}

void Runner::add_skipped(const RunKey &key) {
    Run run;
    run.key = key;
    run.outcome = {Verdict::skip, "the boot was given up"};
    add_run(std::move(run));
}

std::string Runner::time_left() const {
    double seconds = 0;
    for (const Run &run : report_.runs)
        seconds += run.seconds;
    const auto left = static_cast<double>(report_.planned_runs - report_.runs.size());
    return fmt::format("about {:.0f} s of runs left",
                       seconds / static_cast<double>(report_.runs.size()) * left);
}

Outcome Runner::do_runs(Session &session, const Boot &boot, const std::vector<Planned> &plan,
                        Progress &progress) {
    const auto total = Deadline::scaled(boot_limit + run_limit * plan.size());
    Outcome end = Outcome::pass();
    for (const Planned &planned : plan) {
        const auto number = fmt::format("[{}/{}]", report_.runs.size() + 1, report_.planned_runs);
        if (end.verdict == Verdict::pass && interrupted())
            end = {Verdict::fail, "interrupted"};
        if (end.verdict != Verdict::pass) {
            add_skipped(planned.key);
            continue;
        }
        progress.at(number + " " + describe(planned.key));
        auto run = session.run(planned.key, *planned.job,
                               total.within(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   run_limit * Deadline::scale())));
        const auto outcome = run.outcome;
        const auto line = fmt::format("{} {}: {}, {:.1f} s", number, describe(planned.key),
                                      describe(run), run.seconds);
        add_run(std::move(run));
        say(fmt::format("{}; {}", line, time_left()));
        if (ends_boot(outcome))
            end = outcome;
        else if (total.expired())
            end = {Verdict::hang, "the total deadline of kernel " + boot.kernel + " passed"};
    }
    return end;
}

Outcome Runner::use_setup(Pair &pair, Boot &boot, const fs::path &module, const Setup &setup,
                          Progress &progress) {
    progress.at("starting the server");
    auto session = Session::start(pair, scenario_, setup, module, results_ / boot.directory);
    if (!session)
        return outcome_of(pair, session.error());
    if (scenario_.transports.size() > 1) {
        progress.at("warming up");
        if (auto warm = session->warm_up(scenario_); !warm)
            return outcome_of(pair, warm.error());
    }
    report_.environment.instructions = session->counting();

    auto network = Network::make(pair.machines(), setup.network);
    if (!network)
        return outcome_of(pair, network.error());
    auto outcome = do_runs(*session, boot, plan_setup(scenario_, boot.kernel, setup), progress);
    if (outcome.verdict == Verdict::pass && scenario_.bench)
        if (auto ok = session->bench(boot, progress); !ok)
            outcome = outcome_of(pair, ok.error());
    if (outcome.verdict == Verdict::pass)
        if (auto ok = network->restore(); !ok)
            outcome = outcome_of(pair, ok.error());
    if (outcome.verdict == Verdict::pass) {
        progress.at("stopping the server");
        if (auto ok = session->stop(); !ok)
            outcome = outcome_of(pair, ok.error());
    }
    return outcome;
}

Outcome Runner::use_soak(Pair &pair, Boot &boot, const fs::path &module, const Setup &setup,
                         Progress &progress) {
    const auto done = [this](Run run) {
        report_.planned_runs++;
        add_run(std::move(run));
    };
    return soak(pair, scenario_, setup, module, boot, results_, done, progress);
}

Outcome Runner::use_pair(Pair &pair, Boot &boot, std::span<const Setup> setups,
                         const fs::path &module) {
    for (Host *host : pair.machines())
        if (auto done = forget_leaks(*host); !done)
            return outcome_of(pair, done.error());
    Progress progress(fmt::format("{} on {}", scenario_.name, boot.kernel));
    for (const Setup &setup : setups)
        if (auto outcome = scenario_.minutes != 0 ? use_soak(pair, boot, module, setup, progress)
                                                  : use_setup(pair, boot, module, setup, progress);
            outcome.verdict != Verdict::pass)
            return outcome;
    progress.done();
    return Outcome::pass();
}

Outcome Runner::look_for_leaks(Pair &pair, const Boot &boot) {
    for (Host *host : pair.machines()) {
        const auto leaks = find_leaks(*host);
        if (!leaks)
            return outcome_of(pair, leaks.error());
        std::string text;
        for (const Leak &leak : *leaks)
            text += leak.text;
        if (!leaks->empty())
            note(trouble_, write_file(results_ / boot.directory / (host->name() + ".leaks"), text));
        const auto ours = std::ranges::count_if(*leaks, &Leak::ours);
        if (ours > 0)
            return {Verdict::leak,
                    fmt::format("{} lost memory {} times, first in {}", host->name(), ours,
                                std::ranges::find_if(*leaks, &Leak::ours)->where)};
        if (!leaks->empty())
            say(fmt::format("tolerated: {} lost memory {} times, never through our module: see "
                            "{}.leaks",
                            host->name(), leaks->size(), host->name()));
    }
    return Outcome::pass();
}

void Runner::collect(Pair &pair, Boot &boot) {
    if (boot.outcome.verdict == Verdict::pass)
        boot.outcome = look_for_leaks(pair, boot);
    if (boot.outcome.verdict != Verdict::pass)
        pause_for(3s); // a splat may still be coming
    auto logs =
        collect_kernel_logs(pair, results_ / boot.directory, boot.outcome.verdict == Verdict::hang);
    note(trouble_, logs.kept);
    boot.findings = std::move(logs.findings);
    for (const Finding &finding : boot.findings)
        if (!finding.tolerated.empty())
            say(fmt::format("tolerated: {}: {}", finding.head(), finding.tolerated));
    if (const Finding *finding = first_serious(boot.findings))
        boot.outcome = {Verdict::kernel_splat,
                        fmt::format("{} ({} in all)", finding->head(), boot.findings.size())};
}

void Runner::keep_pair(Pair &pair) {
    say(fmt::format("The VMs are kept: ssh -F {} server (or client). Ctrl-C ends them.",
                    pair.ssh_config().string()));
    while (pause_for(1h)) {
    }
}

void Runner::run_boot(const Kernel &kernel, std::span<const Setup> setups, const fs::path &module) {
    const auto start = Clock::now();
    const auto plan = scenario_.minutes != 0 ? std::vector<Planned>()
                                             : plan_boot(scenario_, kernel.version, setups);
    const auto done_before = report_.runs.size();
    const Setup &machines = setups.front();
    Boot boot;
    boot.kernel = kernel.version;
    boot.setup = machines.boot_name;
    boot.directory = kernel.version;
    if (!boot.setup.empty()) {
        boot.directory += "-" + boot.setup;
        std::ranges::replace(boot.directory, ' ', '-');
    }

    const bool disk = machines.filesystem != "tmpfs";
    auto pair = Pair::boot(image_, {.kernel = kernel,
                                    .client_kernel = kernels_.client,
                                    .run_dir = results_ / boot.directory,
                                    .clients = machines.clients,
                                    .cpus = machines.cpus,
                                    .memory_mib = scenario_.memory,
                                    .scratch_mib = disk ? disk_mib : 0,
                                    .scratch_type = machines.filesystem,
                                    .count_instructions = scenario_.minutes == 0});
    if (pair) {
        boot.boot_ms = (*pair)->boot_ms();
        report_.environment.accelerator = (*pair)->accelerator();
        report_.environment.guest_cpus = (*pair)->cpus();
        boot.outcome = use_pair(**pair, boot, setups, module);
        collect(**pair, boot);
        if (boot.outcome.verdict != Verdict::pass) {
            say(fmt::format("{}: {}", verdict_name(boot.outcome.verdict), boot.outcome.why));
            say(fmt::format("End of {}:\n{}", (*pair)->server_console().string(),
                            last_lines(log_text((*pair)->server_console()), 30)));
            if (options_.keep && !interrupted())
                keep_pair(**pair);
        }
        pair->reset();
    } else {
        boot.outcome = {pair.error().cause == Cause::other ? Verdict::infrastructure
                                                           : verdict_of(pair.error()),
                        pair.error().what};
        say(pair.error().what);
    }
    // What a boot never came to is told as such.
    for (auto i = report_.runs.size() - done_before; i < plan.size(); ++i)
        add_skipped(plan[i].key);
    boot.seconds = seconds_since(start);
    report_.boots.push_back(std::move(boot));
}

Report Runner::run() {
    const auto start = Clock::now();
    report_.scenario = scenario_.name;
    report_.started = fmt::format(
        "{:%Y-%m-%dT%H:%M:%SZ}",
        fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
    report_.environment = describe_environment(image_, source_dir());
    if (const Setup &first = scenario_.setups.front(); !first.name.contains("network="))
        report_.environment.network = describe(first.network);
    report_.environment.settings = scenario_.said;
    report_.environment.modules = inputs_.hashes;
    report_.planned_runs = scenario_.minutes != 0
                               ? 0 // as many as come to be done
                               : scenario_.kernels.size() * scenario_.nfs.size() *
                                     scenario_.workloads.size() * scenario_.transports.size() *
                                     scenario_.repeats * scenario_.setups.size();
    for (const auto &reporter : reporters_)
        note(trouble_, reporter->start(report_));

    const auto boots = boots_of(scenario_.setups);
    for (std::size_t i = 0; i < kernels_.servers.size(); ++i)
        for (const auto &setups : boots)
            if (!interrupted())
                run_boot(kernels_.servers[i], setups,
                         inputs_.modules.empty() ? fs::path() : inputs_.modules[i]);

    report_.comparisons = compare(report_.runs);
    if (scenario_.bench)
        report_.goals = judge_goals(report_);
    report_.seconds = seconds_since(start);
    report_.outcome = conclude(report_);
    // What a kernel said before outweighs that.
    if (interrupted() && !ends_boot(report_.outcome))
        report_.outcome = {Verdict::fail, "interrupted"};
    const auto heed_trouble = [this] {
        if (!trouble_.what.empty() && report_.outcome.verdict == Verdict::pass)
            report_.outcome = {Verdict::infrastructure, trouble_.what};
    };
    heed_trouble();
    for (const auto &reporter : reporters_) {
        note(trouble_, reporter->finish(report_));
        heed_trouble();
    }
    if (!trouble_.what.empty())
        say(trouble_.what);
    return std::move(report_);
}

} // namespace

Result<Report> run_scenario(const Scenario &scenario, const RunnerOptions &options) {
    auto image = TRY(find_image());
    Kernels kernels;
    auto &servers = kernels.servers;
    for (const std::string &name : scenario.kernels) {
        auto kernel = TRY(image.kernel(name));
        if (std::ranges::find(servers, kernel.version, &Kernel::version) != servers.end())
            return fail(fmt::format("the scenario names kernel {} twice", kernel.version));
        if (contains(scenario.transports, Transport::svcrdma))
            TRY(build_module(kernel));
        servers.push_back(std::move(kernel));
    }
    if (!scenario.client_kernel.empty())
        kernels.client = TRY(image.kernel(scenario.client_kernel));
    auto results = TRY(make_results_dir(options.results, scenario.name));
    auto inputs = TRY(keep_inputs(scenario, servers, results));
    return Runner(std::move(inputs), options, image, std::move(kernels), std::move(results)).run();
}

} // namespace lab
