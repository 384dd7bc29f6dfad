// SPDX-License-Identifier: GPL-2.0-only
#include "report/profile_report.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <tuple>

namespace lab {
namespace {

/// Instructions per operation by name, one set per run.
using Costs = std::map<std::string, double>;

struct Column {
    Transport transport = Transport::tcp;
    std::vector<Costs> groups, functions;
};

struct Sheet {
    std::string kernel, nfs, what;
    std::map<Transport, Column> columns; // ours first
};

const std::string total = "total";

std::string full_name(const Profile::Function &function) {
    return function.module.empty() ? function.name
                                   : fmt::format("{} [{}]", function.name, function.module);
}

/// The middle of a name's costs over all runs; a run that does not know it spent nothing on it.
double middle(const std::vector<Costs> &runs, const std::string &name) {
    std::vector<double> values;
    values.reserve(runs.size());
    for (const Costs &costs : runs) {
        const auto found = costs.find(name);
        values.push_back(found == costs.end() ? 0 : found->second);
    }
    return median(std::move(values));
}

std::vector<Sheet> make_sheets(const std::vector<ProfiledRun> &runs) {
    std::map<std::tuple<std::string, std::string, std::string>, Sheet> sheets;
    for (const ProfiledRun &run : runs) {
        auto &sheet = sheets[{run.key.kernel, run.key.nfs, run.key.what()}];
        sheet.kernel = run.key.kernel;
        sheet.nfs = run.key.nfs;
        sheet.what = run.key.what();
        auto &column = sheet.columns[run.key.transport];
        column.transport = run.key.transport;
        const auto ops = static_cast<double>(std::max<std::uint64_t>(run.ops, 1));
        auto &groups = column.groups.emplace_back();
        auto &functions = column.functions.emplace_back();
        for (const auto &function : run.profile.functions) {
            const auto cost = static_cast<double>(function.instructions) / ops;
            groups[function.group] += cost;
            groups[total] += cost;
            functions[fmt::format("{};{}", function.group, full_name(function))] += cost;
        }
    }
    std::vector<Sheet> list;
    list.reserve(sheets.size());
    for (auto &[key, sheet] : sheets)
        list.push_back(std::move(sheet));
    return list;
}

/// Every name that any run knows, the most expensive of any transport first.
std::vector<std::string> ranked(const Sheet &sheet, std::vector<Costs> Column::*of) {
    Costs highest;
    for (const auto &[transport, column] : sheet.columns)
        for (const Costs &costs : column.*of)
            for (const auto &[name, cost] : costs)
                highest[name] = std::max(highest[name], middle(column.*of, name));
    std::vector<std::string> names;
    names.reserve(highest.size());
    for (const auto &[name, cost] : highest)
        names.push_back(name);
    std::ranges::stable_sort(names, std::ranges::greater(),
                             [&](const std::string &name) { return highest.at(name); });
    return names;
}

std::string rows(const Sheet &sheet, std::vector<Costs> Column::*of,
                 const std::vector<std::string> &names) {
    std::string text;
    for (const std::string &name : names) {
        const auto group_end = name.find(';');
        text += fmt::format("  {:<44}", group_end == name.npos ? name : name.substr(group_end + 1));
        std::vector<double> costs;
        for (const auto &[transport, column] : sheet.columns) {
            costs.push_back(middle(column.*of, name));
            text += fmt::format(" {:>10.0f}", costs.back());
        }
        // Ours against each of the others.
        for (std::size_t i = 1; i < costs.size(); ++i)
            text += costs[i] > 0 ? fmt::format(" {:>8.2f}", costs[0] / costs[i])
                                 : fmt::format(" {:>8}", "-");
        text += "\n";
    }
    return text;
}

std::vector<std::string> functions_of(const Sheet &sheet, std::string_view group,
                                      std::size_t most) {
    std::vector<std::string> names;
    for (std::string &name : ranked(sheet, &Column::functions))
        if (names.size() < most && (group.empty() || name.starts_with(group)))
            names.push_back(std::move(name));
    return names;
}

} // namespace

std::string profile_text(const std::vector<ProfiledRun> &runs, std::size_t top) {
    std::string text;
    for (const Sheet &sheet : make_sheets(runs)) {
        text += fmt::format("{}, NFSv{}, {}: guest instructions of the server per I/O\n",
                            sheet.kernel, sheet.nfs, sheet.what);
        text += fmt::format("  {:<44}", "");
        for (const auto &[transport, column] : sheet.columns)
            text += fmt::format(" {:>10}", transport_name(transport));
        text += sheet.columns.size() > 1 ? "    ratio\n" : "\n";
        text += rows(sheet, &Column::groups, ranked(sheet, &Column::groups));
        text += "\n  inside the transport module\n" +
                rows(sheet, &Column::functions, functions_of(sheet, "transport;", top));
        text += "\n  everywhere\n" + rows(sheet, &Column::functions, functions_of(sheet, "", top)) +
                "\n";
    }
    return text;
}

std::string folded_text(const std::vector<ProfiledRun> &runs) {
    std::string text;
    for (const Sheet &sheet : make_sheets(runs))
        for (const auto &[transport, column] : sheet.columns)
            for (const std::string &name : functions_of(sheet, "", SIZE_MAX))
                if (const auto cost = middle(column.functions, name); cost >= 0.5)
                    text += fmt::format("{};{};{};{} {:.0f}\n", sheet.kernel, sheet.what,
                                        transport_name(transport), name, cost);
    return text;
}

} // namespace lab
