// SPDX-License-Identifier: GPL-2.0-only
// What is made of the conformance suite's runs: tables, reports, a verdict.
#include "report/conformance_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include <algorithm>

namespace lab {
namespace {

using testing::HasSubstr;

ConformanceRun make_run(Transport transport, const std::string &status, const std::string &why) {
    return {.kernel = "6.12.1",
            .transport = transport,
            .tests = {{.name = "connect.plain", .what = "connects", .status = "pass"},
                      {.name = "error.short",
                       .what = "is discarded",
                       .status = status,
                       .why = why,
                       .requirements = {"8166-4.5-1"},
                       .seconds = 0.5}},
            .outcome = Outcome::pass(),
            .seconds = 60};
}

/// Ours passes, the kernel's own does not.
ConformanceReport make_report() {
    ConformanceReport report = {.started = "2026-01-02T03:04:05Z", .seconds = 120, .seed = 7};
    report.runs = {make_run(Transport::svcrdma, "pass", ""),
                   make_run(Transport::rpcrdma, "fail", "it answers")};
    return report;
}

TEST(Conformance, ReadsWhatTheSuiteWrites) {
    const auto tests = read_conformance_tests(
        R"({"schema": 1, "seed": 3, "tests": [{"name": "error.short", "requirements": ["a", "b"],
            "what": "w", "status": "fail", "why": "y", "seconds": 1.5, "messages": []}]})");
    ASSERT_TRUE(tests);
    ASSERT_EQ(tests->size(), 1U);
    const auto &test = tests->front();
    EXPECT_EQ(test.name, "error.short");
    EXPECT_EQ(test.status, "fail");
    EXPECT_EQ(test.why, "y");
    EXPECT_EQ(test.requirements, (std::vector<std::string>{"a", "b"}));
    EXPECT_DOUBLE_EQ(test.seconds, 1.5);
}

TEST(Conformance, RefusesOtherFiles) {
    for (const auto *text : {"", "{", "[]", "{}", R"({"schema": 2, "tests": []})"})
        EXPECT_FALSE(read_conformance_tests(text)) << text;
}

/// Cases that are no pass and not skipped.
int junit_failures(const ConformanceReport &report) {
    pugi::xml_document document;
    EXPECT_TRUE(document.load_string(to_junit(report).c_str()));
    int count = 0;
    auto run = report.runs.begin();
    for (const auto suite : document.child("testsuites").children("testsuite")) {
        EXPECT_EQ(suite.attribute("tests").as_uint(), 1 + run++->tests.size()); // the run itself
        count += suite.attribute("failures").as_int() + suite.attribute("errors").as_int();
    }
    return count;
}

TEST(Conformance, OnlyOurFailuresFail) {
    auto report = make_report();
    EXPECT_EQ(judge(report).verdict, Verdict::pass);
    report.runs[0].tests[1].status = "fail";
    report.runs[0].tests[1].why = "it answers";
    EXPECT_EQ(judge(report).verdict, Verdict::fail);
    EXPECT_THAT(judge(report).why, HasSubstr("error.short"));
}

TEST(Conformance, WhatEndedOurRunCounts) {
    auto report = make_report();
    report.runs[1].outcome = {Verdict::kernel_splat, "BUG"};
    EXPECT_EQ(judge(report).verdict, Verdict::pass);
    report.runs[0].outcome = {Verdict::kernel_splat, "BUG"};
    EXPECT_EQ(judge(report).verdict, Verdict::kernel_splat);
}

TEST(Conformance, NothingTestedIsNoPass) {
    EXPECT_EQ(judge({}).verdict, Verdict::fail);
    auto report = make_report();
    report.runs[0].tests.clear();
    EXPECT_EQ(judge(report).verdict, Verdict::fail);
    report.runs.erase(report.runs.begin());
    EXPECT_EQ(judge(report).verdict, Verdict::fail);
}

TEST(Conformance, WhatIsPlannedHasToBeDone) {
    auto report = make_report();
    const auto runs = report.runs;
    report.runs = plan_runs({"6.12.1", "7.3.4"});
    ASSERT_EQ(report.runs.size(), 4U);
    std::ranges::copy(runs, report.runs.begin());
    EXPECT_EQ(judge(report).verdict, Verdict::fail);
    EXPECT_THAT(judge(report).why, HasSubstr("7.3.4"));
    EXPECT_EQ(junit_failures(report), 1);
    EXPECT_THAT(to_markdown(report), HasSubstr("svcrdma on 7.3.4: fail: did not finish"));
    report.runs[2].tests = runs[0].tests;
    report.runs[2].outcome = Outcome::pass();
    EXPECT_EQ(judge(report).verdict, Verdict::pass);
}

// As when the guest exports nothing: whatever needs files is skipped.
TEST(Conformance, OursIsExcusedFromNothingElse) {
    auto report = make_report();
    auto &run = report.runs[0];
    auto &test = run.tests[1];
    test.status = "not applicable";
    test.why = "no export to make files in";
    EXPECT_EQ(judge(report).verdict, Verdict::fail);
    EXPECT_THAT(judge(report).why, HasSubstr("error.short: not applicable: no export"));
    EXPECT_EQ(junit_failures(report), 1);
    test.name = "compound.in-order";
    EXPECT_EQ(judge(report).verdict, Verdict::pass);
    EXPECT_EQ(junit_failures(report), 0);
    run.kernel = "7.3.4";
    EXPECT_EQ(judge(report).verdict, Verdict::fail);
    test.name = "deadly.crowded-nfs2";
    EXPECT_EQ(judge(report).verdict, Verdict::pass);
    test.status = "fail";
    EXPECT_EQ(judge(report).verdict, Verdict::fail);
    run.kernel = "6.12.1";
    test.name = "compound.in-order";
    EXPECT_EQ(judge(report).verdict, Verdict::fail);
}

TEST(Conformance, TheTableHasBothColumnsAndTheReasons) {
    auto report = make_report();
    report.runs.push_back(make_run(Transport::rpcrdma, "fail", "it answers"));
    report.runs.back().kernel = "7.3.4";
    report.runs.back().tests.pop_back(); // it died of it
    report.runs.back().outcome = {Verdict::hang, "no answer"};
    const auto text = to_markdown(report);
    EXPECT_THAT(text, HasSubstr("| svcrdma, 6.12.1 | rpcrdma, 6.12.1 | rpcrdma, 7.3.4 |"));
    EXPECT_THAT(text, HasSubstr("| pass | 2 | 1 | 1 |"));
    EXPECT_THAT(text, HasSubstr("| `error.short` is discarded | pass | **fail** | - |"));
    EXPECT_THAT(text, HasSubstr("`error.short` [8166-4.5-1], rpcrdma on 6.12.1: fail: it answers"));
    EXPECT_THAT(text, HasSubstr("rpcrdma on 7.3.4: hang: no answer"));
}

TEST(Conformance, KernelsWithTheSameReasonShareALine) {
    auto report = make_report();
    report.runs.push_back(report.runs[1]);
    report.runs.back().kernel = "7.3.4";
    EXPECT_THAT(to_markdown(report), HasSubstr("rpcrdma on 6.12.1 and 7.3.4: fail: it answers"));
    report.runs.back().tests[1].why = "otherwise";
    EXPECT_THAT(to_markdown(report), HasSubstr("rpcrdma on 7.3.4: fail: otherwise"));
}

TEST(Conformance, JsonHasEverything) {
    const auto json = nlohmann::json::parse(to_json(make_report()));
    EXPECT_EQ(json["schema"], 1);
    EXPECT_EQ(json["seed"], 7);
    EXPECT_EQ(json["verdict"], "pass");
    EXPECT_EQ(json["runs"][1]["transport"], "rpcrdma");
    EXPECT_EQ(json["runs"][1]["totals"]["fail"], 1);
    EXPECT_EQ(json["runs"][1]["tests"][1]["why"], "it answers");
}

TEST(Conformance, JsonSurvivesAnyBytes) {
    auto report = make_report();
    report.runs[0].outcome = {Verdict::lost_connection, "the console ends with \xff\xfe\x01"};
    const auto json = nlohmann::json::parse(to_json(report), nullptr, false);
    ASSERT_FALSE(json.is_discarded());
    EXPECT_EQ(json["verdict"], "lost-connection");
}

TEST(Conformance, JunitFailsWhenOursDoes) {
    auto report = make_report();
    EXPECT_EQ(junit_failures(report), 0);
    EXPECT_THAT(to_junit(report), HasSubstr("fail: it answers"));
    report.runs[0].tests[1].status = "fail";
    EXPECT_EQ(junit_failures(report), 1);
    report.runs[0].outcome = {Verdict::lost_connection, "gone"};
    EXPECT_EQ(junit_failures(report), 2);
}

} // namespace
} // namespace lab
