// SPDX-License-Identifier: GPL-2.0-only
#include "report/html_reporter.h"

#include "report/table.h"
#include "util/file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pugixml.hpp>
#include <sstream>

namespace lab {
namespace {

constexpr auto style = "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;"
                       "padding:0 1em}"
                       "table{border-collapse:collapse;margin:1em 0}"
                       "th,td{padding:.2em .8em;border-bottom:1px solid #8884;text-align:right}"
                       "th:first-child,td:first-child,.text{text-align:left}"
                       "pre{overflow:auto;background:#8881;padding:.5em}"
                       ".pass{color:#287d3c}.bad{color:#c0262d}"
                       "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}}";

pugi::xml_node add(pugi::xml_node parent, const char *name, const std::string &text = {}) {
    auto node = parent.append_child(name);
    if (!text.empty())
        node.text().set(text.c_str());
    return node;
}

void add_class(pugi::xml_node node, const char *name) {
    node.append_attribute("class").set_value(name);
}

void add_row(pugi::xml_node table, const char *cell, const std::vector<std::string> &texts) {
    auto row = add(table, "tr");
    for (const std::string &text : texts)
        add(row, cell, text);
}

void add_link(pugi::xml_node parent, const std::string &target) {
    add(parent, "a", target).append_attribute("href").set_value((target + "/").c_str());
}

void add_outcome(pugi::xml_node parent, const char *name, const Outcome &outcome) {
    const bool passed = outcome.verdict == Verdict::pass;
    auto text = std::string(verdict_name(outcome.verdict));
    if (!outcome.why.empty())
        text += ": " + outcome.why;
    add_class(add(parent, name, text), passed ? "pass text" : "bad text");
}

void add_tables(pugi::xml_node body, const Report &report) {
    for (const Table &table : make_tables(report)) {
        add(body, "h2", fmt::format("Kernel {}, NFSv{}", table.kernel, table.nfs));
        auto node = add(body, "table");
        std::vector<std::string> head{"workload", "", "runs"};
        head.insert(head.end(), table.transports.begin(), table.transports.end());
        head.insert(head.end(), table.comparisons.begin(), table.comparisons.end());
        add_row(node, "th", head);
        for (const Table::Row &row : table.rows) {
            std::vector<std::string> cells{row.workload, row.metric, row.runs};
            cells.insert(cells.end(), row.values.begin(), row.values.end());
            cells.insert(cells.end(), row.ratios.begin(), row.ratios.end());
            add_row(node, "td", cells);
        }
    }
}

void add_environment(pugi::xml_node body, const Report &report) {
    const Environment &environment = report.environment;
    add(body, "h2", "Environment");
    auto table = add(body, "table");
    const auto row = [&](const char *name, const std::string &value) {
        if (value.empty())
            return;
        auto node = add(table, "tr");
        add(node, "td", name);
        add_class(add(node, "td", value), "text");
    };
    row("started", report.started);
    row("accelerator", environment.accelerator);
    row("QEMU", environment.qemu);
    row("host", environment.host);
    row("host CPUs", std::to_string(environment.host_cpus));
    row("CPUs of each VM", std::to_string(environment.guest_cpus));
    row("network", environment.network);
    for (const auto &[key, value] : environment.settings)
        row(key.c_str(), value);
    row("image", environment.image);
    row("tree", environment.git_revision);
    row("fio", environment.fio);
    for (const auto &[kernel, hash] : environment.modules)
        row("svcrdma.ko", fmt::format("{} for {}", hash, kernel));
}

void add_boots(pugi::xml_node body, const Report &report) {
    add(body, "h2", "Boots");
    auto table = add(body, "table");
    add_row(table, "th", {"kernel", "verdict", "up after", "files"});
    for (const Boot &boot : report.boots) {
        auto row = add(table, "tr");
        add(row, "td", boot.setup.empty() ? boot.kernel : boot.kernel + " " + boot.setup);
        add_outcome(row, "td", boot.outcome);
        add(row, "td",
            boot.boot_ms > 0 ? fmt::format("{:.1f} s", static_cast<double>(boot.boot_ms) / 1000)
                             : "-");
        add_link(add(row, "td"), boot.directory);
    }
    for (const Boot &boot : report.boots)
        for (const Finding &finding : boot.findings)
            add(body, "pre", fmt::format("{}", fmt::join(finding.lines, "\n")));
}

void add_runs(pugi::xml_node body, const Report &report) {
    add(body, "h2", "Runs");
    auto table = add(body, "table");
    add_row(table, "th", {"kernel", "NFS", "workload", "transport", "repeat", "verdict", "files"});
    for (const Run &run : report.runs) {
        auto row = add(table, "tr");
        add(row, "td", run.key.kernel);
        add(row, "td", run.key.nfs);
        add(row, "td", run.key.what());
        add(row, "td", std::string(transport_name(run.key.transport)));
        add(row, "td", std::to_string(run.key.repeat));
        add_outcome(row, "td", run.outcome);
        auto files = add(row, "td");
        if (!run.directory.empty())
            add_link(files, run.directory);
    }
}

} // namespace

std::string to_html(const Report &report) {
    pugi::xml_document document;
    document.append_child(pugi::node_doctype).set_value("html");
    auto html = document.append_child("html");
    html.append_attribute("lang").set_value("en");
    auto head = add(html, "head");
    add(head, "meta").append_attribute("charset").set_value("utf-8");
    add(head, "title", "nfsrdma-lab: " + report.scenario);
    add(head, "style", style);
    auto body = add(html, "body");
    add(body, "h1", report.scenario);
    add_outcome(body, "p", report.outcome);
    for (const std::string &note : reader_notes(report.environment))
        add(body, "p", note);
    for (const std::string &line : soak_lines(report))
        add(body, "p", line);
    add_tables(body, report);
    if (!report.comparisons.empty())
        add(body, "p",
            "Values are medians over the repeats. Ratios are taken repeat by repeat: median "
            "(min..max).");
    add_boots(body, report);
    add_runs(body, report);
    add_environment(body, report);
    std::ostringstream text;
    document.save(text, " ",
                  pugi::format_indent | pugi::format_no_declaration |
                      pugi::format_no_empty_element_tags);
    return text.str();
}

Result<void> HtmlReporter::finish(const Report &report) {
    return write_file(file_, to_html(report));
}

} // namespace lab
