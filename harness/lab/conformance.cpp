// SPDX-License-Identifier: GPL-2.0-only
#include "lab/conformance.h"

#include "image/image.h"
#include "image/module.h"
#include "lab/environment.h"
#include "lab/kernel_logs.h"
#include "lab/pair.h"
#include "lab/results_dir.h"
#include "nfs/server.h"
#include "util/file.h"
#include "util/interrupt.h"
#include "util/progress.h"
#include "util/shell.h"
#include "vm/accelerator.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace lab {

namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr auto remote_program = "/root/rpcrdma-conform";
constexpr auto remote_json = "/tmp/conform.json";
// An emulated server that shares two cores may take longer than the suite's default.
constexpr auto answer_limit = 20; // seconds

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string command_line(const NfsServer &server, Transport transport,
                         const ConformanceOptions &options) {
    auto command = fmt::format(
        "modprobe rdma_ucm && {} {}:{} --export /export --seed {} --timeout {} --json {}",
        remote_program, server.host().data_address(), server.port(transport), options.seed,
        answer_limit, remote_json);
    // Ours has to survive everything.
    if (options.deadly || transport == Transport::svcrdma)
        command += " --deadly";
    if (options.deadly && options.only.empty())
        command += " --only 'deadly.*' --only 'random.*'";
    for (const auto &pattern : options.only)
        command += " --only " + shell_quote(pattern);
    return command;
}

/// The suite in the client, against what the server serves.
Result<void> run_suite(Pair &pair, const NfsServer &server, const ConformanceOptions &options,
                       const fs::path &dir, ConformanceRun &run) {
    auto &client = pair.client();
    const auto copying = [] { return Deadline::scaled(seconds(60)); };
    TRY(client.put(options.program, remote_program, copying()));
    const auto output = TRY(
        client.run(command_line(server, run.transport, options), Deadline::scaled(seconds(300))));
    TRY(write_file(dir / "conform.txt", output.out + output.err));
    if (output.status > 1)
        return fail(output.err);
    TRY(client.get(remote_json, dir / "conform.json", copying()));
    const auto text = TRY(read_file(dir / "conform.json"));
    run.tests = TRY(read_conformance_tests(text));
    return {};
}

Outcome outcome_of(const Result<void> &result) {
    return result ? Outcome::pass() : Outcome{verdict_of(result.error()), result.error().what};
}

/// Serves one transport alone, and tests it. Fills in everything but the outcome.
Result<void> test_pair(Pair &pair, const fs::path &module, const ConformanceOptions &options,
                       const fs::path &dir, ConformanceRun &run) {
    ServeOptions serve = {.transports = {run.transport}};
    if (run.transport == Transport::svcrdma)
        serve.module = module;
    auto server = TRY(NfsServer::start(pair.server(), serve));
    TRY(run_suite(pair, server, options, dir, run));
    // A server that lost threads cannot stop.
    return server.stop();
}

ConformanceRun test_transport(const Image &image, const Kernel &kernel, const fs::path &module,
                              Transport transport, const ConformanceOptions &options,
                              const fs::path &results) {
    const auto start = Clock::now();
    ConformanceRun run = {.kernel = kernel.version, .transport = transport};
    run.directory = fmt::format("{}-{}", kernel.version, transport_name(transport));
    const auto dir = results / run.directory;
    const auto pair = Pair::boot(image, {.kernel = kernel, .run_dir = dir, .cpus = options.cpus});
    if (!pair) {
        run.outcome = outcome_of(fail(pair.error()));
        return run;
    }
    Progress progress(
        fmt::format("rpcrdma-conform against {} on {}", transport_name(transport), kernel.version));
    auto done = test_pair(**pair, module, options, dir, run);
    // A machine that died explains more than the command that noticed.
    if (!done)
        if (auto alive = (*pair)->alive(); !alive)
            done = alive;
    run.outcome = outcome_of(done);
    const auto logs = collect_kernel_logs(**pair, dir, run.outcome.verdict == Verdict::hang);
    if (const Finding *finding = first_serious(logs.findings))
        run.outcome = {Verdict::kernel_splat, finding->head()};
    else if (done && !logs.kept)
        run.outcome = outcome_of(logs.kept);
    run.seconds = seconds_since(start);
    if (done)
        progress.done();
    say(fmt::format("{} passed, {} failed, {} not applicable, {:.0f} s", run.count("pass"),
                    run.count("fail"), run.count("not applicable"), run.seconds));
    return run;
}

Result<void> write_reports(const ConformanceReport &report, const fs::path &dir) {
    for (const auto &[name, text] : {std::pair{"conformance.md", to_markdown(report)},
                                     {"conformance.json", to_json(report)},
                                     {"junit.xml", to_junit(report)}})
        TRY(write_file(dir / name, text));
    return {};
}

} // namespace

Result<ConformanceReport> run_conformance(const ConformanceOptions &options) {
    const auto start = Clock::now();
    const auto image = TRY(find_image());
    if (!fs::exists(options.program))
        return fail(fmt::format("{} is missing: run make conform", options.program.string()));
    std::vector<Kernel> kernels;
    std::vector<std::string> versions;
    for (const auto &name : options.kernels) {
        const auto kernel = TRY(image.kernel(name));
        TRY(build_module(kernel));
        kernels.push_back(kernel);
        versions.push_back(kernel.version);
    }
    const auto accelerator = TRY(choose_accelerator(image));
    const auto dir = TRY(make_results_dir(options.results, "conformance"));

    std::map<std::string, fs::path> modules;
    for (const Kernel &kernel : kernels)
        modules[kernel.version] = TRY(keep_module(kernel, dir));
    ConformanceReport report = {
        .started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
        .seed = options.seed,
        .environment = describe_environment(image, source_dir()),
        .runs = plan_runs(versions)};
    report.environment.accelerator = accelerator.name;
    report.environment.guest_cpus =
        guest_cpus(accelerator.name, options.cpus, report.environment.host_cpus);
    for (auto &run : report.runs)
        if (!interrupted())
            run = test_transport(image, *std::ranges::find(kernels, run.kernel, &Kernel::version),
                                 modules.at(run.kernel), run.transport, options, dir);
    report.seconds = seconds_since(start);
    TRY(write_reports(report, dir));
    say("Results: " + dir.string());
    return report;
}

} // namespace lab
