// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace lab {

struct Run;

/// What can be said of a run in one number.
enum class Metric {
    ops,
    iops,
    bytes_per_s,
    latency_p50_ms,
    latency_p90_ms,
    latency_p99_ms,
    latency_p999_ms,
    fairness,    ///< I/Os of the slowest client, divided by those of the fastest
    sends_per_s, ///< replies of our module
    nfsd_wakeups_per_op,
    context_switches_per_op,
    instructions_per_op,
    transport_instructions_per_op,
    enqueues_per_op,        ///< attempts to have a thread look after the transport
    futile_enqueues,        ///< the share of these that woke nobody
    futile_visits,          ///< the share of threads that came and found no call
    transport_works_per_op, ///< what workers were woken for on behalf of the transport
    send_handler_ns,        ///< the middle call of the Send completion handler
    send_ctxts,             ///< at the most
    pinned_pages,           ///< at the most
};

/// What reports know about one: everything that differs between metrics is here.
struct MetricInfo {
    Metric metric;
    std::string_view name;    ///< in summary.json, sweep.tsv
    std::string_view label;   ///< in tables, with its unit; empty: it is not in tables
    double unit = 1;          ///< tables show the value divided by this
    int digits = 0;           ///< behind the point, in tables
    bool compared = false;    ///< between transports: it has ratios in summary.json
    bool ratio_shown = false; ///< in tables, too
    bool optional = false;    ///< tables leave it out where nobody has a value
    bool in_sweep = false;    ///< it is a column of sweep.tsv
    bool in_summary = false;  ///< it is in summary.json as it is here, with what the server counted
    /// Its value, where the run measured it. The run's fio did at least one operation.
    std::optional<double> (*value)(const Run &run) = nullptr;
};

/// All of them, in the order in which reports list them.
std::span<const MetricInfo> metrics();

/// As summary.json spells it.
std::string_view metric_name(Metric metric);

/// The value of a metric, where the run measured it.
std::optional<double> metric_of(const Run &run, Metric metric);

} // namespace lab
