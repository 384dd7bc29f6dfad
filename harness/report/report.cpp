// SPDX-License-Identifier: GPL-2.0-only
#include "report/report.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <tuple>

namespace lab {
namespace {

constexpr std::array<std::string_view, 10> metrics{
    "iops",
    "bytes_per_s",
    "nfsd_wakeups_per_op",
    "context_switches_per_op",
    "instructions_per_op",
    "transport_instructions_per_op",
    "enqueues_per_op",
    "futile_enqueues",
    "futile_visits",
    "transport_works_per_op",
};

/// A share of what was counted, or nothing when there was nothing to have a share of.
std::optional<double> share(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0)
        return std::nullopt;
    return static_cast<double>(part) / static_cast<double>(whole);
}

/// What functions of the kernel were called for, by how often they were.
std::optional<double> metric_of_calls(const Run &run, std::string_view metric) {
    const auto calls = [&](std::string_view module, std::string_view name) {
        return run.profile->calls(module, name);
    };
    // An attempt that succeeds ends in the search for a thread to wake; one that finds the
    // transport without work, or taken, does not.
    const auto enqueues = calls("sunrpc", "svc_xprt_enqueue");
    if (metric == "enqueues_per_op" && enqueues > 0)
        return share(enqueues, run.fio->ops);
    const auto searches = calls("sunrpc", "svc_pool_wake_idle_thread");
    if (metric == "futile_enqueues" && searches > 0 && enqueues >= searches)
        return share(enqueues - searches, enqueues);
    // A thread that was woken visits a transport; it found something if a call came of it.
    const auto visits = calls(transport_name(run.key.transport), "svc_rdma_recvfrom");
    const auto rpcs = calls("sunrpc", "svc_process");
    if (metric == "futile_visits" && rpcs > 0)
        return share(visits - std::min(visits, rpcs), visits);
    return std::nullopt;
}

/// Workers woken for the transport: its own works, and those that poll its completion queues.
std::int64_t transport_works(const Run &run) {
    const auto own = fmt::format("[{}]", transport_name(run.key.transport));
    std::int64_t sum = 0;
    for (const auto &[function, executions] : run.trace->works)
        if (function.ends_with("[ib_core]") || function.ends_with(own))
            sum += executions;
    return sum;
}

/// What our module and its tracing tell.
std::optional<double> metric_of_module(const Run &run, std::string_view metric) {
    if (metric == "sends_per_s" && run.server && !run.set_aside && run.fio->runtime_ms > 0)
        if (const auto sent = run.server->module.find("replies"); sent != run.server->module.end())
            return static_cast<double>(sent->second) * 1000 /
                   static_cast<double>(run.fio->runtime_ms);
    if (metric == "send_handler_ns" && run.trace)
        return run.trace->send_handler_median();
    if (run.peaks)
        if (const auto peak = run.peaks->find(std::string(metric)); peak != run.peaks->end())
            return static_cast<double>(peak->second);
    return std::nullopt;
}

/// What is reported of several findings: the cause before its symptoms.
int severity(Verdict verdict) {
    switch (verdict) {
    case Verdict::pass:
        return 0;
    case Verdict::skip:
        return 1;
    case Verdict::infrastructure:
        return 2;
    case Verdict::fail:
        return 3;
    case Verdict::leak:
        return 4;
    case Verdict::lost_connection:
        return 5;
    case Verdict::hang:
        return 6;
    case Verdict::boot_failure:
        return 7;
    case Verdict::kernel_splat:
        return 8;
    }
    return 3;
}

using Group = std::tuple<std::string, std::string, std::string>; // kernel, nfs, workload

Group group_of(const Run &run) {
    return {run.key.kernel, run.key.nfs, run.key.what()};
}

std::vector<double> ratios(const std::vector<const Run *> &runs, Transport a, Transport b,
                           std::string_view metric) {
    std::vector<double> values;
    for (const Run *first : runs) {
        if (first->key.transport != a)
            continue;
        const auto second = std::ranges::find_if(runs, [&](const Run *run) {
            return run->key.transport == b && run->key.repeat == first->key.repeat;
        });
        if (second == runs.end())
            continue;
        const auto over = metric_of(*first, metric);
        const auto under = metric_of(**second, metric);
        if (over && under && *under > 0)
            values.push_back(*over / *under);
    }
    return values;
}

} // namespace

std::optional<double> metric_of(const Run &run, std::string_view metric) {
    if (!run.fio || run.fio->ops == 0)
        return std::nullopt;
    if (metric == "iops" && !run.set_aside)
        return run.fio->iops;
    if (metric == "bytes_per_s" && !run.set_aside)
        return static_cast<double>(run.fio->bytes_per_s);
    if (run.fio->latency_ns && !run.set_aside && metric == "latency_p50_ms")
        return static_cast<double>(run.fio->latency_ns->p50) / 1e6;
    if (run.fio->latency_ns && !run.set_aside && metric == "latency_p99_ms")
        return static_cast<double>(run.fio->latency_ns->p99) / 1e6;
    if (const auto value = metric_of_module(run, metric))
        return value;
    const auto per_op = [&](std::int64_t count) {
        return static_cast<double>(count) / static_cast<double>(run.fio->ops);
    };
    // Tracing and sampling switch contexts as well.
    if (metric == "context_switches_per_op" && run.server && !run.set_aside)
        return per_op(run.server->context_switches);
    if (metric == "nfsd_wakeups_per_op" && run.trace)
        if (const auto nfsd = run.trace->wakeups.find("nfsd"); nfsd != run.trace->wakeups.end())
            return per_op(nfsd->second);
    if (metric == "transport_works_per_op" && run.trace)
        return per_op(transport_works(run));
    if (!run.profile)
        return std::nullopt;
    if (metric == "instructions_per_op")
        return per_op(static_cast<std::int64_t>(run.profile->total()));
    if (metric == "transport_instructions_per_op")
        if (const auto groups = run.profile->groups(); groups.contains("transport"))
            return per_op(static_cast<std::int64_t>(groups.at("transport")));
    return metric_of_calls(run, metric);
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const auto middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::vector<Comparison> compare(const std::vector<Run> &runs) {
    std::vector<Group> groups; // in the order of the runs
    std::map<Group, std::vector<const Run *>> members;
    std::map<Group, std::vector<Transport>> transports;
    for (const Run &run : runs) {
        if (run.outcome.verdict != Verdict::pass)
            continue;
        const Group group = group_of(run);
        if (!members.contains(group))
            groups.push_back(group);
        members[group].push_back(&run);
        auto &known = transports[group];
        if (std::ranges::find(known, run.key.transport) == known.end())
            known.push_back(run.key.transport);
    }

    std::vector<Comparison> comparisons;
    for (const Group &group : groups) {
        // Ours first, whatever the order in which the transports took turns.
        auto known = transports[group];
        std::ranges::sort(known);
        for (std::size_t i = 0; i < known.size(); ++i)
            for (std::size_t j = i + 1; j < known.size(); ++j)
                for (const auto metric : metrics) {
                    const auto values = ratios(members[group], known[i], known[j], metric);
                    if (values.empty())
                        continue;
                    const auto [min, max] = std::ranges::minmax(values);
                    const auto &[kernel, nfs, workload] = group;
                    comparisons.push_back({kernel, nfs, workload, std::string(metric), known[i],
                                           known[j], median(values), min, max,
                                           static_cast<unsigned>(values.size())});
                }
    }
    return comparisons;
}

Outcome conclude(const Report &report) {
    const Outcome *worst = nullptr;
    const auto consider = [&](const Outcome &outcome) {
        if (worst == nullptr || severity(outcome.verdict) > severity(worst->verdict))
            worst = &outcome;
    };
    for (const Boot &boot : report.boots)
        consider(boot.outcome);
    for (const Run &run : report.runs)
        consider(run.outcome);
    if (worst != nullptr && worst->verdict != Verdict::pass && worst->verdict != Verdict::skip)
        return *worst;

    const auto passed = std::ranges::count_if(
        report.runs, [](const Run &run) { return run.outcome.verdict == Verdict::pass; });
    if (report.planned_runs == 0 || static_cast<std::size_t>(passed) != report.planned_runs)
        return {Verdict::fail, fmt::format("{} of {} runs passed", passed, report.planned_runs)};
    return Outcome::pass();
}

} // namespace lab
