// SPDX-License-Identifier: GPL-2.0-only
#include "report/goals.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace lab {
namespace {

constexpr std::string_view read_qd1 = "bench-read-4k-qd1";
constexpr std::string_view write_qd1 = "bench-write-4k-qd1";
constexpr std::string_view read_qd16 = "randread-4k-qd16";
constexpr std::string_view read_large = "read-256k-qd4";
constexpr unsigned spare_contexts = 2; // of a connection, more than it has credits

enum class Bound { at_most, at_most_of_stock, at_least, at_least_of_stock };

/// A goal about a metric of one workload.
struct Rule {
    std::string_view what, workload;
    Metric metric;
    Bound bound;
    double limit;
    int digits;
};

constexpr std::array rules{
    Rule{"wakeups of nfsd per READ 4K at QD1", read_qd1, Metric::nfsd_wakeups_per_op,
         Bound::at_most, 1.1, 2},
    Rule{"wakeups of nfsd per WRITE 4K at QD1", write_qd1, Metric::nfsd_wakeups_per_op,
         Bound::at_most, 2.1, 2},
    Rule{"wakeups of workers, not rxe's, per READ 4K at QD1", read_qd1,
         Metric::transport_works_per_op, Bound::at_most, 0.01, 3},
    Rule{"wakeups of workers, not rxe's, per WRITE 4K at QD1", write_qd1,
         Metric::transport_works_per_op, Bound::at_most, 0.01, 3},
    Rule{"instructions per READ 4K at QD1", read_qd1, Metric::instructions_per_op,
         Bound::at_most_of_stock, 0.75, 0},
    Rule{"instructions per READ 4K at QD16", read_qd16, Metric::instructions_per_op,
         Bound::at_most_of_stock, 0.90, 0},
    Rule{"instructions per WRITE 4K at QD1", write_qd1, Metric::instructions_per_op,
         Bound::at_most_of_stock, 0.75, 0},
    Rule{"of these in the transport, per READ 4K at QD1", read_qd1,
         Metric::transport_instructions_per_op, Bound::at_most, 1400, 0},
    Rule{"nfsd visits that find nothing, READ 4K at QD1", read_qd1, Metric::futile_visits,
         Bound::at_most, 0.02, 3},
    Rule{"nfsd visits that find nothing, READ 4K at QD16", read_qd16, Metric::futile_visits,
         Bound::at_most, 0.02, 3},
    Rule{"I/O per s, READ 4K at QD16", read_qd16, Metric::iops, Bound::at_least_of_stock, 1.15, 0},
};

std::string limit_text(Bound bound, double limit) {
    switch (bound) {
    case Bound::at_most:
        return fmt::format("at most {:g}", limit);
    case Bound::at_most_of_stock:
        return fmt::format("at most {:g} of stock", limit);
    case Bound::at_least:
        return fmt::format("at least {:g}", limit);
    case Bound::at_least_of_stock:
        return fmt::format("at least {:g} of stock", limit);
    }
    return {};
}

Goal judge(const std::string &kernel, std::string_view what, std::optional<double> stock,
           std::optional<double> ours, Bound bound, double limit, int digits) {
    Goal goal{kernel, std::string(what), stock, ours, {}, limit_text(bound, limit), false, digits};
    if (stock && ours && *stock > 0)
        goal.ratio = *ours / *stock;
    switch (bound) {
    case Bound::at_most:
        goal.met = ours && *ours <= limit;
        break;
    case Bound::at_most_of_stock:
        goal.met = goal.ratio && *goal.ratio <= limit;
        break;
    case Bound::at_least:
        goal.met = ours && *ours >= limit;
        break;
    case Bound::at_least_of_stock:
        goal.met = goal.ratio && *goal.ratio >= limit;
        break;
    }
    return goal;
}

/// The NFS versions that ran, in the order of the runs: each reaches a goal by itself, or not.
std::vector<std::string> nfs_versions(const Report &report) {
    std::vector<std::string> versions;
    for (const Run &run : report.runs)
        if (std::ranges::find(versions, run.key.nfs) == versions.end())
            versions.push_back(run.key.nfs);
    return versions;
}

std::optional<double> middle(const Report &report, const std::string &kernel,
                             const std::string &nfs, Transport transport, std::string_view workload,
                             Metric metric) {
    std::vector<double> values;
    for (const Run &run : report.runs)
        if (run.outcome.verdict == Verdict::pass && run.key.kernel == kernel &&
            run.key.nfs == nfs && run.key.transport == transport && run.key.workload == workload)
            if (const auto value = metric_of(run, metric))
                values.push_back(*value);
    if (values.empty())
        return std::nullopt;
    return median(std::move(values));
}

/// Per connection, in KiB, with the most connections that were measured.
std::optional<double> memory(const Boot &boot, Transport transport, double ConnectionCost::*bytes) {
    std::optional<double> kib;
    for (const ConnectionCost &cost : boot.connections)
        if (cost.transport == transport)
            kib = cost.*bytes / 1024;
    return kib;
}

} // namespace

std::vector<Goal> judge_goals(const Report &report) {
    std::vector<Goal> goals;
    const auto versions = nfs_versions(report);
    for (const Boot &boot : report.boots) {
        for (const std::string &nfs : versions) {
            const auto which = versions.size() > 1 ? ", NFSv" + nfs : std::string();
            const auto value = [&](Transport transport, std::string_view workload, Metric metric) {
                return middle(report, boot.kernel, nfs, transport, workload, metric);
            };
            for (const Rule &rule : rules)
                goals.push_back(judge(boot.kernel, std::string(rule.what) + which,
                                      value(Transport::rpcrdma, rule.workload, rule.metric),
                                      value(Transport::svcrdma, rule.workload, rule.metric),
                                      rule.bound, rule.limit, rule.digits));
            const auto of_raw = [&](Transport transport) -> std::optional<double> {
                const auto bytes = value(transport, read_large, Metric::bytes_per_s);
                if (!bytes || !boot.raw_writes || *boot.raw_writes <= 0)
                    return std::nullopt;
                return *bytes / *boot.raw_writes;
            };
            goals.push_back(judge(
                boot.kernel, "READ 256K, share of what ib_write_bw reaches" + which,
                of_raw(Transport::rpcrdma), of_raw(Transport::svcrdma), Bound::at_least, 0.85, 2));
        }
        // Stock cannot be slowed down.
        if (boot.overload)
            goals.push_back(judge(
                boot.kernel,
                fmt::format("Send contexts, slow releases, {} credits", boot.overload->credits), {},
                static_cast<double>(boot.overload->send_ctxts), Bound::at_most,
                boot.overload->credits + spare_contexts, 0));
        goals.push_back(judge(boot.kernel, "KiB per idle connection, the module's own",
                              memory(boot, Transport::rpcrdma, &ConnectionCost::own_bytes),
                              memory(boot, Transport::svcrdma, &ConnectionCost::own_bytes),
                              Bound::at_most, 64, 0));
        goals.push_back(judge(boot.kernel, "KiB per idle connection, all of it",
                              memory(boot, Transport::rpcrdma, &ConnectionCost::bytes),
                              memory(boot, Transport::svcrdma, &ConnectionCost::bytes),
                              Bound::at_most_of_stock, 0.35, 0));
    }
    return goals;
}

} // namespace lab
