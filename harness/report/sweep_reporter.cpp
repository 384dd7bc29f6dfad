// SPDX-License-Identifier: GPL-2.0-only
#include "report/sweep_reporter.h"

#include "report/plot.h"
#include "util/file.h"

#include <cmath>
#include <fmt/format.h>
#include <tuple>
#include <vector>

namespace lab {
namespace {

/// The names, or the values, of "release=inline unmap_us=2".
std::string columns(std::string_view variant, bool names) {
    std::string text;
    while (!variant.empty()) {
        const auto word = variant.substr(0, variant.find(' '));
        variant.remove_prefix(std::min(word.size() + 1, variant.size()));
        const auto equals = word.find('=');
        text += fmt::format("\t{}", names ? word.substr(0, equals) : word.substr(equals + 1));
    }
    return text;
}

} // namespace

std::string sweep_tsv(const Report &report) {
    using Key = std::tuple<std::string, std::string, std::string, std::string, std::string>;
    std::vector<Key> keys; // in the order of the runs
    std::map<Key, std::vector<const Run *>> members;
    for (const Run &run : report.runs) {
        if (run.outcome.verdict != Verdict::pass)
            continue;
        const Key key{run.key.kernel, run.key.nfs, std::string(transport_name(run.key.transport)),
                      run.key.workload, run.key.variant};
        if (!members.contains(key))
            keys.push_back(key);
        members[key].push_back(&run);
    }
    if (keys.empty())
        return {};
    auto text =
        fmt::format("kernel\tnfs\ttransport\tworkload{}", columns(std::get<4>(keys.front()), true));
    for (const MetricInfo &info : metrics())
        if (info.in_sweep)
            text += fmt::format("\t{}", info.name);
    text += "\n";
    for (const Key &key : keys) {
        const auto &[kernel, nfs, transport, workload, variant] = key;
        text += fmt::format("{}\t{}\t{}\t{}{}", kernel, nfs, transport, workload,
                            columns(variant, false));
        for (const MetricInfo &info : metrics()) {
            if (!info.in_sweep)
                continue;
            std::vector<double> values;
            for (const Run *run : members[key])
                if (const auto value = metric_of(*run, info.metric))
                    values.push_back(*value);
            text += fmt::format("\t{:.6g}", values.empty() ? std::nan("") : median(values));
        }
        text += "\n";
    }
    return text;
}

Result<void> SweepReporter::finish(const Report &report) {
    const auto text = sweep_tsv(report);
    if (text.empty())
        return {};
    TRY(write_file(directory_ / "sweep.tsv", text));
    return plot_.empty() ? Result<void>() : draw(plot_, directory_);
}

} // namespace lab
