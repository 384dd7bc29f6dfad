// SPDX-License-Identifier: GPL-2.0-only
#include "report/report.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace lab {
namespace {

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
                           Metric metric) {
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
                for (const MetricInfo &info : metrics()) {
                    if (!info.compared)
                        continue;
                    const auto values = ratios(members[group], known[i], known[j], info.metric);
                    if (values.empty())
                        continue;
                    const auto [min, max] = std::ranges::minmax(values);
                    const auto &[kernel, nfs, workload] = group;
                    comparisons.push_back({kernel, nfs, workload, info.metric, known[i], known[j],
                                           median(values), min, max,
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
