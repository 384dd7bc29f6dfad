// SPDX-License-Identifier: GPL-2.0-only
#include "report/json_reporter.h"

#include "util/file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ranges>

namespace lab {
namespace {

// Keeps the order in which the keys are written: people read these files as well.
using json = nlohmann::ordered_json;

void put_outcome(json &object, const Outcome &outcome) {
    object["verdict"] = verdict_name(outcome.verdict);
    if (!outcome.why.empty())
        object["why"] = outcome.why;
}

json environment_json(const Environment &environment) {
    return {{"accelerator", environment.accelerator},
            {"qemu", environment.qemu},
            {"host", environment.host},
            {"host_cpus", environment.host_cpus},
            {"guest_cpus", environment.guest_cpus},
            {"network", environment.network},
            {"settings", environment.settings},
            {"image", environment.image},
            {"git_revision", environment.git_revision},
            {"fio", environment.fio},
            {"instructions", environment.instructions},
            {"kernels", environment.kernels},
            {"modules", environment.modules}};
}

json boot_json(const Boot &boot) {
    json object{{"kernel", boot.kernel}};
    if (!boot.setup.empty())
        object["setup"] = boot.setup;
    put_outcome(object, boot.outcome);
    if (boot.boot_ms > 0)
        object["boot_ms"] = boot.boot_ms;
    object["seconds"] = boot.seconds;
    for (const ConnectionCost &cost : boot.connections)
        object["connections"].push_back({{"transport", transport_name(cost.transport)},
                                         {"connections", cost.connections},
                                         {"bytes_per_connection", cost.bytes},
                                         {"own_bytes_per_connection", cost.own_bytes}});
    if (boot.raw_writes)
        object["raw_write_bytes_per_s"] = *boot.raw_writes;
    if (boot.overload)
        object["overload"] = {{"credits", boot.overload->credits},
                              {"send_ctxts", boot.overload->send_ctxts}};
    if (boot.soak)
        object["soak"] = {{"seed", boot.soak->seed},
                          {"minutes", boot.soak->minutes},
                          {"troubles", boot.soak->troubles},
                          {"jobs", boot.soak->jobs},
                          {"interrupted", boot.soak->interrupted},
                          {"mended", boot.soak->mended},
                          {"available_kib",
                           {{"before", boot.soak->available_before_kib},
                            {"after", boot.soak->available_after_kib}}}};
    object["findings"] = json::array();
    for (const Finding &finding : boot.findings)
        object["findings"].push_back({{"pattern", finding.pattern},
                                      {"line", finding.line},
                                      {"text", finding.lines},
                                      {"tolerated", finding.tolerated}});
    object["directory"] = boot.directory;
    return object;
}

json server_json(const Delta &delta) {
    json object{{"context_switches", delta.context_switches}};
    object["device"] = delta.device;
    object["memory_kib"] = {{"available", delta.available_kib}, {"slab", delta.slab_kib}};
    return object;
}

/// Per operation; all functions are in the run's own file.
json instructions_json(const Profile &profile, std::uint64_t ops) {
    const auto per_op = [&](std::uint64_t count) {
        return static_cast<double>(count) / static_cast<double>(std::max<std::uint64_t>(ops, 1));
    };
    json object{{"total", per_op(profile.total())}, {"groups", json::object()}};
    for (const auto &[group, count] : profile.groups())
        object["groups"][group] = per_op(count);
    constexpr std::size_t most = 20;
    for (const Profile::Function &function : profile.functions | std::views::take(most))
        object["top"].push_back({{"function", function.name},
                                 {"module", function.module},
                                 {"instructions", per_op(function.instructions)}});
    return object;
}

/// How many calls took at least so many nanoseconds, and less than the next step.
json handler_json(const Trace &trace) {
    auto object = json::object();
    for (const auto &[ns, calls] : trace.send_handler)
        object[std::to_string(ns)] = calls;
    return object;
}

json latency_json(const Latency &latency) {
    auto object = json::object();
    const auto put = [&](const char *key, std::optional<std::uint64_t> ns) {
        if (ns)
            object[key] = *ns;
    };
    put("p50", latency.p50);
    put("p90", latency.p90);
    put("p99", latency.p99);
    put("p99.9", latency.p999);
    return object;
}

json run_json(const Run &run) {
    json object{{"kernel", run.key.kernel},
                {"transport", transport_name(run.key.transport)},
                {"nfs", run.key.nfs},
                {"workload", run.key.workload},
                {"repeat", run.key.repeat}};
    if (!run.key.variant.empty())
        object["variant"] = run.key.variant;
    put_outcome(object, run.outcome);
    object["seconds"] = run.seconds;
    if (run.set_aside)
        object["set_aside"] = true;
    if (run.fio) {
        object["ops"] = run.fio->ops;
        object["read_ops"] = run.fio->read_ops;
        object["write_ops"] = run.fio->write_ops;
        object["iops"] = run.fio->iops;
        object["bytes_per_s"] = run.fio->bytes_per_s;
        object["runtime_ms"] = run.fio->runtime_ms;
        if (run.fio->latency_ns)
            object["latency_ns"] = latency_json(*run.fio->latency_ns);
        for (const ClientResult &client : run.fio->clients)
            object["clients"].push_back({{"host", client.host},
                                         {"ops", client.ops},
                                         {"iops", client.iops},
                                         {"bytes_per_s", client.bytes_per_s}});
        object["verified"] = run.verified;
        object["verify_errors"] = run.fio->verify_errors;
    }
    if (run.server) {
        object["server"] = server_json(*run.server);
        if (run.trace) {
            object["server"]["wakeups"] = run.trace->wakeups;
            object["server"]["works"] = run.trace->works;
            object["server"]["send_handler_ns"] = handler_json(*run.trace);
        }
        if (run.peaks)
            object["server"]["peaks"] = *run.peaks;
        for (const MetricInfo &info : metrics())
            if (const auto value = metric_of(run, info.metric); value && info.in_summary)
                object["server"][info.name] = *value;
        if (run.profile && run.fio)
            object["server"]["instructions"] = instructions_json(*run.profile, run.fio->ops);
        object["module"] = run.server->module;
    }
    if (!run.proof.empty())
        object["proof"] = run.proof;
    if (!run.directory.empty())
        object["directory"] = run.directory;
    return object;
}

json goal_json(const Goal &goal) {
    json object{{"kernel", goal.kernel}, {"what", goal.what}};
    if (goal.stock)
        object["stock"] = *goal.stock;
    if (goal.ours)
        object["ours"] = *goal.ours;
    if (goal.ratio)
        object["ratio"] = *goal.ratio;
    object["goal"] = goal.limit;
    object["met"] = goal.met;
    return object;
}

json comparison_json(const Comparison &comparison) {
    return {{"kernel", comparison.kernel},
            {"nfs", comparison.nfs},
            {"workload", comparison.workload},
            {"metric", metric_name(comparison.metric)},
            {"a", transport_name(comparison.a)},
            {"b", transport_name(comparison.b)},
            {"ratio_median", comparison.ratio_median},
            {"ratio_min", comparison.ratio_min},
            {"ratio_max", comparison.ratio_max},
            {"pairs", comparison.pairs}};
}

} // namespace

std::string to_json(const Report &report) {
    json document{{"schema", 2}};
    put_outcome(document, report.outcome);
    document["scenario"] = report.scenario;
    document["started"] = report.started;
    document["seconds"] = report.seconds;
    document["planned_runs"] = report.planned_runs;
    document["environment"] = environment_json(report.environment);
    for (const char *list : {"boots", "runs", "comparisons"})
        document[list] = json::array();
    for (const Boot &boot : report.boots)
        document["boots"].push_back(boot_json(boot));
    for (const Run &run : report.runs)
        document["runs"].push_back(run_json(run));
    for (const Comparison &comparison : report.comparisons)
        document["comparisons"].push_back(comparison_json(comparison));
    for (const Goal &goal : report.goals)
        document["goals"].push_back(goal_json(goal));
    // Consoles and fio's messages may hold any bytes.
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<void> JsonReporter::start(const Report &report) {
    return write_file(file_, to_json(report));
}

Result<void> JsonReporter::run(const Report &report) {
    return write_file(file_, to_json(report));
}

Result<void> JsonReporter::finish(const Report &report) {
    return write_file(file_, to_json(report));
}

} // namespace lab
