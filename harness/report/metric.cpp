// SPDX-License-Identifier: GPL-2.0-only
#include "report/metric.h"

#include "report/report.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace lab {
namespace {

using Value = std::optional<double>;

// What tracing costs goes into what fio and the scheduler measure: no measure, where another
// repeat went without.
Value ops(const Run &run) {
    return run.set_aside ? Value() : static_cast<double>(run.fio->ops);
}

Value iops(const Run &run) {
    return run.set_aside ? Value() : run.fio->iops;
}

Value bytes_per_s(const Run &run) {
    return run.set_aside ? Value() : static_cast<double>(run.fio->bytes_per_s);
}

/// A percentile, if at least ten I/Os are beyond it: fewer are what another run would not meet
/// again.
template <std::optional<std::uint64_t> Latency::*percentile, std::uint64_t fewest>
Value latency_ms(const Run &run) {
    if (run.set_aside || !run.fio->latency_ns || run.fio->ops < fewest)
        return std::nullopt;
    const auto ns = (*run.fio->latency_ns).*percentile;
    return ns ? Value(static_cast<double>(*ns) / 1e6) : std::nullopt;
}

Value fairness(const Run &run) {
    const auto &clients = run.fio->clients;
    if (run.set_aside || clients.size() < 2)
        return std::nullopt;
    const auto [slowest, fastest] = std::ranges::minmax_element(clients, {}, &ClientResult::iops);
    return fastest->iops == 0 ? Value() : slowest->iops / fastest->iops;
}

Value sends_per_s(const Run &run) {
    if (run.set_aside || !run.server || run.fio->runtime_ms == 0)
        return std::nullopt;
    const auto sent = run.server->module.find("replies");
    if (sent == run.server->module.end())
        return std::nullopt;
    return static_cast<double>(sent->second) * 1000 / static_cast<double>(run.fio->runtime_ms);
}

template <typename Count> double per_op(const Run &run, Count count) {
    return static_cast<double>(count) / static_cast<double>(run.fio->ops);
}

Value nfsd_wakeups(const Run &run) {
    if (!run.trace)
        return std::nullopt;
    const auto nfsd = run.trace->wakeups.find("nfsd");
    return nfsd == run.trace->wakeups.end() ? Value() : per_op(run, nfsd->second);
}

Value context_switches(const Run &run) {
    if (run.set_aside || !run.server)
        return std::nullopt;
    return per_op(run, run.server->context_switches);
}

Value instructions(const Run &run) {
    return run.profile ? per_op(run, run.profile->total()) : Value();
}

// TCP has no module of its own: what the others' do meanwhile is nothing to compare with.
Value transport_instructions(const Run &run) {
    if (!run.profile || run.key.transport == Transport::tcp)
        return std::nullopt;
    const auto groups = run.profile->groups();
    const auto transport = groups.find("transport");
    return transport == groups.end() ? Value() : per_op(run, transport->second);
}

/// A share of what was counted, or nothing when there was nothing to have a share of.
Value share(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0)
        return std::nullopt;
    return static_cast<double>(part) / static_cast<double>(whole);
}

// What functions of the kernel were called for is told by how often they were.

Value enqueues(const Run &run) {
    if (!run.profile)
        return std::nullopt;
    const auto enqueues = run.profile->calls("sunrpc", "svc_xprt_enqueue");
    return enqueues == 0 ? Value() : per_op(run, enqueues);
}

// An attempt that succeeds ends in the search for a thread to wake; one that finds the transport
// without work, or taken, does not.
Value futile_enqueues(const Run &run) {
    if (!run.profile)
        return std::nullopt;
    const auto enqueues = run.profile->calls("sunrpc", "svc_xprt_enqueue");
    const auto searches = run.profile->calls("sunrpc", "svc_pool_wake_idle_thread");
    return searches == 0 || enqueues < searches ? Value() : share(enqueues - searches, enqueues);
}

// A thread that was woken visits a transport; it found something if a call came of it.
Value futile_visits(const Run &run) {
    if (!run.profile)
        return std::nullopt;
    const auto visits = run.profile->calls(transport_name(run.key.transport), "svc_rdma_recvfrom");
    const auto rpcs = run.profile->calls("sunrpc", "svc_process");
    return rpcs == 0 ? Value() : share(visits - std::min(visits, rpcs), visits);
}

// Workers woken for the transport: its own works, and those that poll its completion queues.
Value transport_works(const Run &run) {
    if (!run.trace)
        return std::nullopt;
    const auto own = fmt::format("[{}]", transport_name(run.key.transport));
    std::int64_t sum = 0;
    for (const auto &[function, executions] : run.trace->works)
        if (function.ends_with("[ib_core]") || function.ends_with(own))
            sum += executions;
    return per_op(run, sum);
}

Value send_handler_ns(const Run &run) {
    return run.trace ? run.trace->send_handler_median() : std::nullopt;
}

Value peak(const Run &run, const std::string &name) {
    if (!run.peaks)
        return std::nullopt;
    const auto most = run.peaks->find(name);
    return most == run.peaks->end() ? Value() : static_cast<double>(most->second);
}

Value send_ctxts(const Run &run) {
    return peak(run, "send_ctxts");
}

Value pinned_pages(const Run &run) {
    return peak(run, "pinned_pages");
}

constexpr std::array table{
    MetricInfo{.metric = Metric::ops, .name = "ops", .label = "I/Os", .value = ops},
    MetricInfo{.metric = Metric::iops,
               .name = "iops",
               .label = "I/O per s",
               .compared = true,
               .ratio_shown = true,
               .in_sweep = true,
               .value = iops},
    MetricInfo{.metric = Metric::bytes_per_s,
               .name = "bytes_per_s",
               .label = "MB/s",
               .unit = 1e6,
               .digits = 1,
               .compared = true,
               .value = bytes_per_s},
    MetricInfo{.metric = Metric::latency_p50_ms,
               .name = "latency_p50_ms",
               .label = "latency p50, ms",
               .digits = 2,
               .optional = true,
               .in_sweep = true,
               .value = latency_ms<&Latency::p50, 1>},
    MetricInfo{.metric = Metric::latency_p90_ms,
               .name = "latency_p90_ms",
               .label = "latency p90, ms",
               .digits = 2,
               .optional = true,
               .value = latency_ms<&Latency::p90, 100>},
    MetricInfo{.metric = Metric::latency_p99_ms,
               .name = "latency_p99_ms",
               .label = "latency p99, ms",
               .digits = 2,
               .optional = true,
               .in_sweep = true,
               .value = latency_ms<&Latency::p99, 1000>},
    MetricInfo{.metric = Metric::latency_p999_ms,
               .name = "latency_p999_ms",
               .label = "latency p99.9, ms",
               .digits = 2,
               .optional = true,
               .value = latency_ms<&Latency::p999, 10000>},
    MetricInfo{.metric = Metric::fairness,
               .name = "fairness",
               .label = "slowest client / fastest",
               .digits = 2,
               .optional = true,
               .in_sweep = true,
               .value = fairness},
    MetricInfo{.metric = Metric::sends_per_s,
               .name = "sends_per_s",
               .in_sweep = true,
               .value = sends_per_s},
    MetricInfo{.metric = Metric::nfsd_wakeups_per_op,
               .name = "nfsd_wakeups_per_op",
               .label = "nfsd wakeups per I/O",
               .digits = 2,
               .compared = true,
               .ratio_shown = true,
               .value = nfsd_wakeups},
    MetricInfo{.metric = Metric::context_switches_per_op,
               .name = "context_switches_per_op",
               .label = "switches per I/O",
               .digits = 2,
               .compared = true,
               .ratio_shown = true,
               .value = context_switches},
    MetricInfo{.metric = Metric::instructions_per_op,
               .name = "instructions_per_op",
               .label = "instructions per I/O",
               .compared = true,
               .ratio_shown = true,
               .in_sweep = true,
               .value = instructions},
    MetricInfo{.metric = Metric::transport_instructions_per_op,
               .name = "transport_instructions_per_op",
               .label = "in the transport",
               .compared = true,
               .ratio_shown = true,
               .value = transport_instructions},
    MetricInfo{.metric = Metric::enqueues_per_op,
               .name = "enqueues_per_op",
               .label = "enqueues per I/O",
               .digits = 2,
               .compared = true,
               .ratio_shown = true,
               .in_summary = true,
               .value = enqueues},
    MetricInfo{.metric = Metric::futile_enqueues,
               .name = "futile_enqueues",
               .label = "of these, for nothing",
               .digits = 3,
               .compared = true,
               .in_summary = true,
               .value = futile_enqueues},
    MetricInfo{.metric = Metric::futile_visits,
               .name = "futile_visits",
               .label = "visits for nothing",
               .digits = 3,
               .compared = true,
               .in_summary = true,
               .value = futile_visits},
    MetricInfo{.metric = Metric::transport_works_per_op,
               .name = "transport_works_per_op",
               .label = "transport's works per I/O",
               .digits = 2,
               .compared = true,
               .in_summary = true,
               .value = transport_works},
    MetricInfo{.metric = Metric::send_handler_ns,
               .name = "send_handler_ns",
               .label = "Send handler, us",
               .unit = 1000,
               .digits = 1,
               .in_sweep = true,
               .value = send_handler_ns},
    MetricInfo{.metric = Metric::send_ctxts,
               .name = "send_ctxts",
               .label = "Send contexts, peak",
               .in_sweep = true,
               .value = send_ctxts},
    MetricInfo{.metric = Metric::pinned_pages,
               .name = "pinned_pages",
               .label = "pinned pages, peak",
               .in_sweep = true,
               .value = pinned_pages},
};

constexpr std::size_t place(Metric metric) {
    return static_cast<std::size_t>(metric);
}

static_assert(
    [] {
        for (std::size_t i = 0; i < table.size(); ++i)
            if (place(table[i].metric) != i)
                return false;
        return table.size() == place(Metric::pinned_pages) + 1;
    }(),
    "the table has a row for each metric, in the order of the enumeration");

} // namespace

std::span<const MetricInfo> metrics() {
    return table;
}

std::string_view metric_name(Metric metric) {
    return table[place(metric)].name;
}

std::optional<double> metric_of(const Run &run, Metric metric) {
    if (!run.fio || run.fio->ops == 0)
        return std::nullopt;
    return table[place(metric)].value(run);
}

} // namespace lab
