// SPDX-License-Identifier: GPL-2.0-only
#include "report/text_reporter.h"

#include "report/table.h"

#include <algorithm>
#include <fmt/format.h>

namespace lab {
namespace {

std::size_t widest(const std::string &title, const Table &table,
                   const std::string &(*cell)(const Table::Row &)) {
    std::size_t width = title.size();
    for (const Table::Row &row : table.rows)
        width = std::max(width, cell(row).size());
    return width;
}

std::string table_text(const Table &table) {
    const auto first = widest("workload", table, [](const Table::Row &row) -> const std::string & {
        return row.workload;
    });
    const auto second =
        widest("", table, [](const Table::Row &row) -> const std::string & { return row.metric; });
    const auto third = widest(
        "runs", table, [](const Table::Row &row) -> const std::string & { return row.runs; });
    constexpr std::size_t value_width = 9;
    constexpr std::size_t ratio_width = 19;

    auto text = fmt::format("Kernel {}, NFSv{}\n", table.kernel, table.nfs);
    const auto line = [&](const Table::Row &row) {
        auto words = fmt::format("  {:<{}}  {:<{}} {:>{}}", row.workload, first, row.metric, second,
                                 row.runs, third);
        for (const std::string &value : row.values)
            words += fmt::format(" {:>{}}", value, value_width);
        for (const std::string &ratio : row.ratios)
            words += fmt::format(" {:>{}}", ratio, ratio_width);
        text += words.substr(0, words.find_last_not_of(' ') + 1) + "\n";
    };
    line({"workload", "", "runs", table.transports, table.comparisons});
    std::string last;
    for (Table::Row row : table.rows) {
        const bool same = row.workload == last;
        last = row.workload;
        if (same)
            row.workload.clear();
        line(row);
    }
    return text;
}

} // namespace

std::string goals_text(const std::vector<Goal> &goals) {
    std::string text;
    std::string_view kernel;
    const auto number = [](std::optional<double> value, int digits) {
        return value ? fmt::format("{:.{}f}", *value, digits) : std::string("-");
    };
    for (const Goal &goal : goals) {
        if (goal.kernel != kernel)
            text += fmt::format("{}Kernel {}\n  {:<50} {:>9} {:>9} {:>6}  {:<26}\n",
                                text.empty() ? "" : "\n", goal.kernel, "", "stock", "ours", "ratio",
                                "goal");
        kernel = goal.kernel;
        text += fmt::format("  {:<50} {:>9} {:>9} {:>6}  {:<22} {}\n", goal.what,
                            number(goal.stock, goal.digits), number(goal.ours, goal.digits),
                            number(goal.ratio, 2), goal.limit,
                            goal.met    ? "met"
                            : goal.ours ? "MISSED"
                                        : "not measured");
    }
    return text.empty() ? text : text + "\n";
}

std::string to_text(const Report &report) {
    std::string text;
    for (const Table &table : make_tables(report))
        text += table_text(table) + "\n";
    text += goals_text(report.goals);
    if (!report.comparisons.empty())
        text += "Values are medians over the repeats. Ratios are taken repeat by repeat: median "
                "(min..max).\n";
    for (const std::string &line : soak_lines(report))
        text += line + "\n";
    for (const std::string &note : reader_notes(report.environment))
        text += note + "\n";
    for (const std::string &line : list_troubles(report))
        text += line + "\n";
    text += fmt::format("\nVerdict: {}", verdict_name(report.outcome.verdict));
    if (!report.outcome.why.empty())
        text += ": " + report.outcome.why;
    return text + "\n";
}

Result<void> TextReporter::finish(const Report &report) {
    fmt::print(out_, "\n{}Results: {}\n", to_text(report), results_.string());
    return {};
}

} // namespace lab
