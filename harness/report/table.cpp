// SPDX-License-Identifier: GPL-2.0-only
#include "report/table.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>

namespace lab {
namespace {

std::string number(std::optional<double> value, int digits) {
    return value ? fmt::format("{:.{}f}", *value, digits) : "-";
}

template <typename T> void add_once(std::vector<T> &list, const T &value) {
    if (std::ranges::find(list, value) == list.end())
        list.push_back(value);
}

using Runs = std::vector<const Run *>;

Runs select(const Runs &runs, const std::function<bool(const Run &)> &wanted) {
    Runs selected;
    for (const Run *run : runs)
        if (wanted(*run))
            selected.push_back(run);
    return selected;
}

std::string ratio_text(const Report &report, const Table &table, const std::string &workload,
                       Metric metric, Transport a, Transport b) {
    for (const Comparison &c : report.comparisons)
        if (c.kernel == table.kernel && c.nfs == table.nfs && c.workload == workload &&
            c.metric == metric && c.a == a && c.b == b)
            return c.pairs == 1 ? fmt::format("{:.2f} (one pair)", c.ratio_median)
                                : fmt::format("{:.2f} ({:.2f}..{:.2f})", c.ratio_median,
                                              c.ratio_min, c.ratio_max);
    return "-";
}

/// How many runs are behind the values of a row; where transports differ, of each that has any.
std::string runs_text(std::vector<std::size_t> counts) {
    std::erase(counts, 0U);
    const auto same = std::ranges::unique(counts).begin();
    if (counts.begin() != same && std::next(counts.begin()) == same)
        return std::to_string(counts.front());
    return counts.empty() ? "-" : fmt::format("{}", fmt::join(counts, "/"));
}

Table make_table(const Report &report, const std::string &kernel, const std::string &nfs,
                 const Runs &runs) {
    Table table{kernel, nfs, {}, {}, {}};
    std::vector<Transport> transports;
    std::vector<std::string> workloads;
    for (const Run *run : runs) {
        add_once(transports, run->key.transport);
        add_once(workloads, run->key.what());
    }
    std::ranges::sort(transports);
    for (const Transport transport : transports)
        table.transports.emplace_back(transport_name(transport));
    // Each against the first, which is ours when it is there; the rest is in summary.json.
    for (std::size_t i = 1; i < transports.size(); ++i)
        table.comparisons.push_back(table.transports[0] + "/" + table.transports[i]);

    // Nobody looks at the server while the jobs of a soak run.
    const bool looked =
        std::ranges::none_of(report.boots, [](const Boot &boot) { return boot.soak.has_value(); });
    for (const std::string &workload : workloads) {
        const auto passed = select(runs, [&](const Run &run) {
            return run.key.what() == workload && run.outcome.verdict == Verdict::pass;
        });
        for (const MetricInfo &info : metrics()) {
            if (info.label.empty())
                continue;
            Table::Row row{workload, std::string(info.label), "", {}, {}};
            bool known = looked && !info.optional;
            std::vector<std::size_t> counts;
            for (const Transport transport : transports) {
                std::vector<double> values;
                for (const Run *run : passed)
                    if (const auto value = metric_of(*run, info.metric);
                        value && run->key.transport == transport)
                        values.push_back(*value / info.unit);
                known = known || !values.empty();
                counts.push_back(values.size());
                row.values.push_back(number(
                    values.empty() ? std::nullopt : std::optional(median(values)), info.digits));
            }
            row.runs = runs_text(std::move(counts));
            for (std::size_t i = 1; i < transports.size(); ++i)
                row.ratios.push_back(info.ratio_shown
                                         ? ratio_text(report, table, workload, info.metric,
                                                      transports[0], transports[i])
                                         : "");
            if (known)
                table.rows.push_back(std::move(row));
        }
        Table::Row row{
            workload, "verify errors", "", {}, std::vector<std::string>(table.comparisons.size())};
        std::vector<std::size_t> counts;
        for (const Transport transport : transports) {
            const auto verified = select(runs, [&](const Run &run) {
                return run.key.what() == workload && run.key.transport == transport && run.fio &&
                       run.verified;
            });
            std::uint64_t errors = 0;
            for (const Run *run : verified)
                errors += run->fio->verify_errors;
            counts.push_back(verified.size());
            row.values.push_back(verified.empty() ? "-" : fmt::format("{}", errors));
        }
        row.runs = runs_text(std::move(counts));
        if (std::ranges::any_of(row.values, [](const std::string &v) { return v != "-"; }))
            table.rows.push_back(std::move(row));
    }
    return table;
}

} // namespace

std::vector<Table> make_tables(const Report &report) {
    struct Group {
        std::string kernel, nfs;
        Runs runs;
    };
    std::vector<Group> groups; // in the order of the runs
    for (const Run &run : report.runs) {
        auto group = std::ranges::find_if(groups, [&](const Group &other) {
            return other.kernel == run.key.kernel && other.nfs == run.key.nfs;
        });
        if (group == groups.end())
            group = groups.insert(group, {run.key.kernel, run.key.nfs, {}});
        group->runs.push_back(&run);
    }
    std::vector<Table> tables;
    tables.reserve(groups.size());
    for (const Group &group : groups)
        tables.push_back(make_table(report, group.kernel, group.nfs, group.runs));
    return tables;
}

std::vector<std::string> reader_notes(const Environment &environment) {
    std::vector<std::string> notes;
    if (environment.emulated())
        notes.emplace_back("Absolute numbers come from an emulated CPU (tcg): compare the "
                           "transports with each other, not with real machines.");
    if (!environment.network.empty())
        notes.push_back("The network was changed on purpose: " + environment.network + ".");
    if (!environment.settings.empty()) {
        std::vector<std::string> words;
        for (const auto &[key, value] : environment.settings)
            words.push_back(key + " = " + value);
        notes.push_back(fmt::format("The scenario says: {}.", fmt::join(words, ", ")));
    }
    if (environment.instructions.starts_with("not counted"))
        notes.push_back("Instructions: " + environment.instructions + ".");
    return notes;
}

std::vector<std::string> soak_lines(const Report &report) {
    std::vector<std::string> lines;
    for (const Boot &boot : report.boots) {
        if (!boot.soak)
            continue;
        const Soak &soak = *boot.soak;
        std::vector<std::string> troubles;
        for (const auto &[what, times] : soak.troubles)
            troubles.push_back(fmt::format("{} {} times", what, times));
        auto line = fmt::format("{}: a soak of {:.0f} minutes, seed {}: {} jobs; {}", boot.kernel,
                                soak.minutes, soak.seed, soak.jobs, fmt::join(troubles, ", "));
        if (soak.interrupted != 0)
            line += fmt::format("; {} jobs lost their client", soak.interrupted);
        if (soak.mended != 0)
            line += fmt::format("; {} jobs met a device that had to be mended", soak.mended);
        if (soak.available_after_kib != 0)
            line += fmt::format("; of the server's memory {} KiB were available before, {} after",
                                soak.available_before_kib, soak.available_after_kib);
        lines.push_back(line + ".");
    }
    return lines;
}

std::vector<std::string> list_troubles(const Report &report) {
    std::vector<std::string> lines;
    for (const Boot &boot : report.boots)
        if (boot.outcome.verdict != Verdict::pass)
            lines.push_back(fmt::format("{}: kernel {}: {}", verdict_name(boot.outcome.verdict),
                                        boot.kernel, boot.outcome.why));
    for (const Run &run : report.runs)
        if (run.outcome.verdict != Verdict::pass)
            lines.push_back(fmt::format(
                "{}: kernel {}, NFSv{}, {} over {}, repeat {}: {}",
                verdict_name(run.outcome.verdict), run.key.kernel, run.key.nfs, run.key.what(),
                transport_name(run.key.transport), run.key.repeat, run.outcome.why));
    return lines;
}

} // namespace lab
