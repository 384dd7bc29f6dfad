// SPDX-License-Identifier: GPL-2.0-only
#include "report/conformance_report.h"

#include "report/junit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace lab {
namespace {

using json = nlohmann::ordered_json;

constexpr std::array compared = {Transport::svcrdma, Transport::rpcrdma};
constexpr std::array statuses = {"pass", "fail", "not applicable"};

const ConformanceTest *find(const ConformanceRun &run, std::string_view name) {
    const auto found = std::ranges::find(run.tests, name, &ConformanceTest::name);
    return found == run.tests.end() ? nullptr : &*found;
}

/// Every test of any run, in the suite's order.
std::vector<const ConformanceTest *> all_tests(const ConformanceReport &report) {
    std::vector<const ConformanceTest *> all;
    for (const auto &run : report.runs)
        for (const auto &test : run.tests)
            if (std::ranges::none_of(all, [&](const auto *t) { return t->name == test.name; }))
                all.push_back(&test);
    return all;
}

std::string row(std::string_view first, const std::vector<std::string> &cells) {
    return fmt::format("| {} | {} |\n", first, fmt::join(cells, " | "));
}

std::string heads(const ConformanceReport &report) {
    std::vector<std::string> names;
    for (const auto &run : report.runs)
        names.push_back(fmt::format("{}, {}", transport_name(run.transport), run.kernel));
    return row("", names) + row("---", std::vector<std::string>(names.size(), "---"));
}

std::string totals(const ConformanceReport &report) {
    auto text = heads(report);
    for (const auto *status : statuses) {
        std::vector<std::string> cells;
        for (const auto &run : report.runs)
            cells.push_back(std::to_string(run.count(status)));
        text += row(status, cells);
    }
    return text;
}

std::string each_test(const ConformanceReport &report) {
    auto text = heads(report);
    for (const auto *test : all_tests(report)) {
        std::vector<std::string> cells;
        for (const auto &run : report.runs) {
            const auto *of_run = find(run, test->name);
            cells.push_back(of_run == nullptr          ? "-"
                            : of_run->status == "fail" ? "**fail**"
                                                       : of_run->status);
        }
        text += row(fmt::format("`{}` {}", test->name, test->what), cells);
    }
    return text;
}

/// One line per test and transport; kernels that say the same share it.
std::string how(const ConformanceReport &report) {
    std::string text;
    for (const auto *test : all_tests(report))
        for (const auto transport : compared) {
            std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
            for (const auto &run : report.runs) {
                const auto *of_run = find(run, test->name);
                if (run.transport != transport || of_run == nullptr || of_run->status == "pass")
                    continue;
                const auto reason = fmt::format("{}: {}", of_run->status, of_run->why);
                auto known =
                    std::ranges::find(reasons, reason, [](const auto &r) { return r.first; });
                if (known == reasons.end())
                    known = reasons.insert(known, {reason, {}});
                known->second.push_back(run.kernel);
            }
            for (const auto &[reason, kernels] : reasons)
                text += fmt::format("- `{}` [{}], {} on {}: {}\n", test->name,
                                    fmt::join(test->requirements, ", "), transport_name(transport),
                                    fmt::join(kernels, " and "), reason);
        }
    for (const auto &run : report.runs)
        if (run.outcome.verdict != Verdict::pass)
            text += fmt::format("- {} on {}: {}: {}\n", transport_name(run.transport), run.kernel,
                                verdict_name(run.outcome.verdict), run.outcome.why);
    return text;
}

} // namespace

Result<std::vector<ConformanceTest>> read_conformance_tests(std::string_view text) {
    const auto report = nlohmann::json::parse(text, nullptr, false);
    if (!report.is_object() || report.value("schema", 0) != 1 || !report.contains("tests"))
        return fail("this is no report of rpcrdma-conform");
    std::vector<ConformanceTest> tests;
    for (const auto &test : report["tests"])
        tests.push_back({.name = test.value("name", ""),
                         .what = test.value("what", ""),
                         .status = test.value("status", ""),
                         .why = test.value("why", ""),
                         .requirements = test.value("requirements", std::vector<std::string>()),
                         .seconds = test.value("seconds", 0.0)});
    return tests;
}

bool excused(const ConformanceTest &test, std::string_view kernel) {
    const bool by_kernel = kernel.starts_with("6.") && test.name.starts_with("compound.");
    return test.status == "not applicable" && (by_kernel || test.name.ends_with("-nfs2"));
}

std::size_t ConformanceRun::count(std::string_view status) const {
    return static_cast<std::size_t>(std::ranges::count(tests, status, &ConformanceTest::status));
}

std::vector<ConformanceRun> plan_runs(const std::vector<std::string> &kernels) {
    std::vector<ConformanceRun> runs;
    for (const auto &kernel : kernels)
        for (const auto transport : compared)
            runs.push_back({.kernel = kernel, .transport = transport});
    return runs;
}

Outcome judge(const ConformanceReport &report) {
    bool tested = false;
    for (const auto &run : report.runs) {
        if (run.transport != Transport::svcrdma)
            continue;
        tested = true;
        if (run.outcome.verdict != Verdict::pass)
            return {run.outcome.verdict, fmt::format("{}: {}", run.kernel, run.outcome.why)};
        for (const auto &test : run.tests)
            if (test.status != "pass" && !excused(test, run.kernel))
                return {Verdict::fail, fmt::format("{}: {}: {}: {}", run.kernel, test.name,
                                                   test.status, test.why)};
        if (run.tests.empty())
            return {Verdict::fail, run.kernel + ": nothing was tested"};
    }
    if (!tested)
        return {Verdict::fail, "svcrdma was not tested"};
    return Outcome::pass();
}

std::string to_markdown(const ConformanceReport &report) {
    auto text = totals(report) + "\n" + each_test(report);
    if (const auto reasons = how(report); !reasons.empty())
        text += "\n" + reasons;
    return text;
}

std::string to_json(const ConformanceReport &report) {
    const auto outcome = judge(report);
    json document = {{"schema", 1},
                     {"started", report.started},
                     {"seconds", report.seconds},
                     {"seed", report.seed},
                     {"verdict", verdict_name(outcome.verdict)},
                     {"why", outcome.why},
                     {"accelerator", report.environment.accelerator},
                     {"guest_cpus", report.environment.guest_cpus},
                     {"image", report.environment.image},
                     {"git_revision", report.environment.git_revision}};
    auto &runs = document["runs"] = json::array();
    for (const auto &run : report.runs) {
        json object = {{"kernel", run.kernel},
                       {"transport", transport_name(run.transport)},
                       {"verdict", verdict_name(run.outcome.verdict)},
                       {"why", run.outcome.why},
                       {"seconds", run.seconds},
                       {"directory", run.directory}};
        for (const auto *status : statuses)
            object["totals"][status] = run.count(status);
        auto &tests = object["tests"] = json::array();
        for (const auto &test : run.tests)
            tests.push_back({{"name", test.name},
                             {"what", test.what},
                             {"requirements", test.requirements},
                             {"status", test.status},
                             {"why", test.why},
                             {"seconds", test.seconds}});
        runs.push_back(std::move(object));
    }
    // Why a run ended may be what a console said last: any bytes.
    return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string to_junit(const ConformanceReport &report) {
    JunitDocument document("conformance", report.seconds);
    for (const auto &run : report.runs) {
        const bool ours = run.transport == Transport::svcrdma;
        const auto shown = [&](Outcome outcome) {
            if (!ours && outcome.verdict != Verdict::pass)
                outcome.verdict = Verdict::skip;
            return outcome;
        };
        JunitSuite suite(
            document, fmt::format("conformance.{}.{}", run.kernel, transport_name(run.transport)),
            report.started, run.seconds);
        suite.add("run", run.seconds, shown(run.outcome));
        for (const auto &test : run.tests) {
            const auto verdict = test.status == "pass"       ? Verdict::pass
                                 : excused(test, run.kernel) ? Verdict::skip
                                                             : Verdict::fail;
            suite.add(test.name, test.seconds,
                      shown({verdict, fmt::format("{}: {}", test.status, test.why)}));
        }
    }
    return document.text();
}

} // namespace lab
