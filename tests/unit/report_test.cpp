// SPDX-License-Identifier: GPL-2.0-only
#include "report/report.h"

#include "report/html_reporter.h"
#include "report/json_reporter.h"
#include "report/junit_reporter.h"
#include "report/table.h"
#include "report/text_reporter.h"
#include "schema.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <set>

namespace lab {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

Run make_run(Transport transport, unsigned repeat, double iops, std::int64_t nfsd = 0) {
    lab::Run run;
    run.key = {"6.12.1", transport, "4.2", "randread", repeat};
    run.outcome = Outcome::pass();
    run.seconds = 1.5;
    run.fio = FioResult{};
    run.fio->ops = 1000;
    run.fio->iops = iops;
    run.fio->bytes_per_s = static_cast<std::uint64_t>(iops) * 4096;
    run.fio->latency_ns = Latency{.p50 = 2'000'000, .p90 = 5'000'000, .p99 = 9'000'000, .p999 = {}};
    run.server = Delta{};
    run.server->context_switches = 3000;
    run.trace = Trace{{{"nfsd", nfsd}, {"kworker", 7}}, {{"do_work [rdma_rxe]", 5}}, {{1000, 3}}};
    run.server->module = {{"calls", transport == Transport::svcrdma ? 1003 : 0}};
    return run;
}

Report make_report() {
    Report report;
    report.scenario = "demo";
    report.started = "2026-01-02T03:04:05Z";
    report.environment.accelerator = "tcg";
    report.environment.guest_cpus = 4;
    report.boots.push_back({.kernel = "6.12.1",
                            .outcome = Outcome::pass(),
                            .boot_ms = 12000,
                            .seconds = 60,
                            .directory = "6.12.1"});
    report.runs = {
        make_run(Transport::rpcrdma, 1, 500, 1000), make_run(Transport::svcrdma, 1, 1000, 400),
        make_run(Transport::svcrdma, 2, 900, 500), make_run(Transport::rpcrdma, 2, 300, 1000)};
    report.planned_runs = report.runs.size();
    report.comparisons = compare(report.runs);
    report.outcome = conclude(report);
    return report;
}

const Comparison *find(const std::vector<Comparison> &all, Metric metric) {
    for (const Comparison &comparison : all)
        if (comparison.metric == metric)
            return &comparison;
    return nullptr;
}

// A program that reads summary.json finds what the schema says.
TEST(SummarySchema, TakesWhatIsWritten) {
    auto report = make_report();
    report.environment.settings = {{"memory", "4096 MiB"}};
    report.boots[0].setup = "cpus=4";
    report.boots[0].soak = Soak{.seed = 7, .troubles = {{"client reset", 2}}};
    report.runs[0].fio->clients = {{"192.0.2.2", 600, 300, 1'200'000},
                                   {"192.0.2.3", 400, 200, 800'000}};
    const auto summary = json::parse(to_json(report));
    EXPECT_THAT(violations(summary, "summary.schema.json"), testing::IsEmpty());
    auto other = summary;
    other["runs"][0].erase("verdict");
    EXPECT_THAT(violations(other, "summary.schema.json"), Not(testing::IsEmpty()));
    other = summary;
    other["schema"] = 3;
    EXPECT_THAT(violations(other, "summary.schema.json"), Not(testing::IsEmpty()));
}

TEST(Metric, FairnessIsOfSeveralClients) {
    auto run = make_run(Transport::svcrdma, 1, 500);
    EXPECT_FALSE(metric_of(run, Metric::fairness));
    run.fio->clients = {{"a", 600, 300, 0}, {"b", 400, 200, 0}, {"c", 500, 250, 0}};
    EXPECT_NEAR(metric_of(run, Metric::fairness).value_or(0), 2.0 / 3, 1e-9);
}

TEST(Tables, HaveFairnessWhereThereAreSeveralClients) {
    auto report = make_report();
    const auto rows = [&] {
        std::vector<std::string> names;
        const auto tables = make_tables(report);
        for (const Table::Row &row : tables.at(0).rows)
            names.push_back(row.metric);
        return names;
    };
    EXPECT_THAT(rows(), Not(testing::Contains("slowest client / fastest")));
    report.runs[0].fio->clients = {{"a", 600, 300, 0}, {"b", 400, 200, 0}};
    EXPECT_THAT(rows(), testing::Contains("slowest client / fastest"));
}

TEST(ReaderNotes, SayWhatTheScenarioSays) {
    Environment environment;
    environment.settings = {{"export", "rw,sync"}, {"threads", "16"}};
    EXPECT_THAT(reader_notes(environment),
                testing::Contains("The scenario says: export = rw,sync, threads = 16."));
}

TEST(Comparisons, PairRunsOfOneRepeat) {
    const auto all = compare(make_report().runs);
    const Comparison *iops = find(all, Metric::iops);
    ASSERT_NE(iops, nullptr);
    EXPECT_EQ(iops->a, Transport::svcrdma);
    EXPECT_EQ(iops->b, Transport::rpcrdma);
    EXPECT_EQ(iops->pairs, 2U);
    EXPECT_DOUBLE_EQ(iops->ratio_min, 2.0);
    EXPECT_DOUBLE_EQ(iops->ratio_max, 3.0);
    EXPECT_DOUBLE_EQ(iops->ratio_median, 2.5);
    const Comparison *wakeups = find(all, Metric::nfsd_wakeups_per_op);
    ASSERT_NE(wakeups, nullptr);
    EXPECT_DOUBLE_EQ(wakeups->ratio_min, 0.4);
    EXPECT_DOUBLE_EQ(wakeups->ratio_max, 0.5);
    const Comparison *switches = find(all, Metric::context_switches_per_op);
    ASSERT_NE(switches, nullptr);
    EXPECT_DOUBLE_EQ(switches->ratio_median, 1);
}

TEST(Metrics, FollowFromCalls) {
    lab::Run run = make_run(Transport::rpcrdma, 1, 100, 400);
    run.fio->ops = 100;
    run.profile = Profile{{{"svc_xprt_enqueue", "sunrpc", "sunrpc", 9, 500},
                           {"svc_pool_wake_idle_thread", "sunrpc", "sunrpc", 9, 200},
                           {"svc_rdma_recvfrom", "rpcrdma", "transport", 9, 300},
                           {"svc_process", "sunrpc", "sunrpc", 9, 120}}};
    run.trace->works = {{"do_work [rdma_rxe]", 900},
                        {"vmstat_update", 70},
                        {"ib_cq_poll_work [ib_core]", 150},
                        {"svc_rdma_write_info_free_async [rpcrdma]", 50}};
    EXPECT_EQ(metric_of(run, Metric::enqueues_per_op), 5);
    EXPECT_EQ(metric_of(run, Metric::futile_enqueues), 0.6);
    EXPECT_EQ(metric_of(run, Metric::futile_visits), 0.6);
    EXPECT_EQ(metric_of(run, Metric::transport_works_per_op), 2);
    EXPECT_EQ(metric_of(run, Metric::instructions_per_op), 0.36);
    EXPECT_EQ(metric_of(run, Metric::transport_instructions_per_op), 0.09);
    EXPECT_EQ(metric_of(run, Metric::iops), 100);
    run.set_aside = true;
    EXPECT_FALSE(metric_of(run, Metric::iops));
    // Over TCP there is no such function: not measured, which is not the same as none.
    run.key.transport = Transport::tcp;
    EXPECT_FALSE(metric_of(run, Metric::futile_visits));
    EXPECT_FALSE(metric_of(run, Metric::transport_instructions_per_op));
}

TEST(Metrics, PercentilesNeedEnoughBeyondThem) {
    lab::Run run = make_run(Transport::svcrdma, 1, 100);
    run.fio->latency_ns->p999 = 20'000'000;
    const auto known = [&](std::uint64_t ops) {
        run.fio->ops = ops;
        std::vector<std::string_view> names;
        for (const Metric metric : {Metric::latency_p50_ms, Metric::latency_p90_ms,
                                    Metric::latency_p99_ms, Metric::latency_p999_ms})
            if (metric_of(run, metric))
                names.push_back(metric_name(metric));
        return names;
    };
    EXPECT_THAT(known(99), testing::ElementsAre("latency_p50_ms"));
    EXPECT_THAT(known(999), testing::ElementsAre("latency_p50_ms", "latency_p90_ms"));
    EXPECT_EQ(known(9999).size(), 3U);
    EXPECT_EQ(known(10'000).size(), 4U);
    EXPECT_EQ(metric_of(run, Metric::latency_p999_ms), 20);
    // What the job file did not ask fio for is not known, however many I/Os there were.
    run.fio->latency_ns->p90.reset();
    EXPECT_EQ(known(10'000).size(), 3U);
}

TEST(Tables, SayHowManyRunsAreBehindAValue) {
    auto report = make_report();
    const auto runs = [&](std::string_view metric) -> std::string {
        const auto tables = make_tables(report);
        for (const Table::Row &row : tables.at(0).rows)
            if (row.metric == metric)
                return row.runs;
        return "no such row";
    };
    EXPECT_EQ(runs("I/O per s"), "2");
    report.runs[0].set_aside = true;
    EXPECT_EQ(runs("I/O per s"), "2/1") << "one of svcrdma's is not there";
    report.runs[1].set_aside = true;
    EXPECT_EQ(runs("I/O per s"), "1");
    EXPECT_EQ(runs("nfsd wakeups per I/O"), "2");
    EXPECT_EQ(runs("instructions per I/O"), "-") << "nobody counted them";
}

TEST(Comparisons, LeaveOutWhatFailedOrHasNoCounterpart) {
    auto runs = make_report().runs;
    runs[0].outcome = {Verdict::fail, "bad data"};
    const auto all = compare(runs);
    ASSERT_NE(find(all, Metric::iops), nullptr);
    EXPECT_EQ(find(all, Metric::iops)->pairs, 1U);
    EXPECT_DOUBLE_EQ(find(all, Metric::iops)->ratio_median, 3.0);
    runs.erase(runs.begin() + 3);
    EXPECT_TRUE(compare(runs).empty());
}

TEST(Comparisons, KeepWorkloadsAndKernelsApart) {
    auto runs = make_report().runs;
    runs[0].key.workload = "other";
    runs[3].key.kernel = "7.2.1";
    EXPECT_TRUE(compare(runs).empty());
}

TEST(Median, IsTheMiddle) {
    EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
    EXPECT_DOUBLE_EQ(median({4, 1, 2, 3}), 2.5);
}

TEST(Conclusion, NeedsEveryPlannedRun) {
    auto report = make_report();
    EXPECT_EQ(conclude(report).verdict, Verdict::pass);
    report.planned_runs = 5;
    EXPECT_EQ(conclude(report).verdict, Verdict::fail);
    report.planned_runs = 4;
    report.runs[2].outcome = {Verdict::skip, "boot given up"};
    EXPECT_EQ(conclude(report).verdict, Verdict::fail);
    EXPECT_EQ(conclude({}).verdict, Verdict::fail) << "nothing ran: nothing is proven";
}

TEST(Conclusion, TellsTheWorst) {
    auto report = make_report();
    report.runs[1].outcome = {Verdict::fail, "bad data"};
    report.boots[0].outcome = {Verdict::kernel_splat, "oops"};
    EXPECT_EQ(conclude(report).verdict, Verdict::kernel_splat);
    EXPECT_EQ(conclude(report).why, "oops");
}

TEST(JsonReport, FollowsTheSchema) {
    const auto document = json::parse(to_json(make_report()));
    EXPECT_EQ(document["schema"], 2);
    EXPECT_EQ(document["verdict"], "pass");
    EXPECT_EQ(document["environment"]["accelerator"], "tcg");
    EXPECT_EQ(document["environment"]["guest_cpus"], 4);
    const json &run = document["runs"][1];
    EXPECT_EQ(run["kernel"], "6.12.1");
    EXPECT_EQ(run["transport"], "svcrdma");
    EXPECT_EQ(run["nfs"], "4.2");
    EXPECT_EQ(run["workload"], "randread");
    EXPECT_EQ(run["repeat"], 1);
    EXPECT_EQ(run["ops"], 1000);
    EXPECT_EQ(run["iops"], 1000.0);
    EXPECT_EQ(run["bytes_per_s"], 4096000);
    EXPECT_EQ(run["latency_ns"], (json{{"p50", 2000000}, {"p90", 5000000}, {"p99", 9000000}}));
    EXPECT_EQ(run["verify_errors"], 0);
    EXPECT_EQ(run["server"]["context_switches"], 3000);
    EXPECT_EQ(run["server"]["wakeups"], (json{{"nfsd", 400}, {"kworker", 7}}));
    EXPECT_EQ(run["server"]["works"], (json{{"do_work [rdma_rxe]", 5}}));
    EXPECT_EQ(run["server"]["send_handler_ns"], (json{{"1000", 3}}));
    EXPECT_EQ(run["module"], (json{{"calls", 1003}}));
    const json &comparison = document["comparisons"][0];
    EXPECT_EQ(comparison["metric"], "iops");
    EXPECT_EQ(comparison["a"], "svcrdma");
    EXPECT_EQ(comparison["b"], "rpcrdma");
    EXPECT_EQ(comparison["ratio_median"], 2.5);
    EXPECT_EQ(comparison["ratio_min"], 2.0);
    EXPECT_EQ(comparison["ratio_max"], 3.0);
}

TEST(JsonReport, PrintsNothingThatWasNotMeasured) {
    Report report;
    lab::Run run;
    run.key = {"6.12.1", Transport::tcp, "3", "w", 1};
    report.runs.push_back(run);
    const auto document = json::parse(to_json(report));
    EXPECT_EQ(document["verdict"], "fail");
    EXPECT_EQ(document["runs"][0]["verdict"], "fail");
    for (const char *key : {"ops", "iops", "latency_ns", "verify_errors", "server", "module"})
        EXPECT_FALSE(document["runs"][0].contains(key)) << key;
}

TEST(JsonReport, SurvivesAnyBytes) {
    auto report = make_report();
    report.boots[0].findings.push_back({"oops", 3, {"Oops: \xff\xfe\x01"}});
    EXPECT_FALSE(json::parse(to_json(report), nullptr, false).is_discarded());
}

TEST(JsonReport, SaysFailureUntilTheEnd) {
    std::string pattern = testing::TempDir() + "report-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    const auto file = std::filesystem::path(pattern) / "summary.json";
    JsonReporter reporter(file);
    auto report = make_report();
    report.outcome = Outcome();
    ASSERT_TRUE(reporter.start(report));
    std::ifstream in(file);
    EXPECT_EQ(json::parse(in)["verdict"], "fail");
    std::filesystem::remove_all(pattern);
    EXPECT_THAT(reporter.run(report).error().what, HasSubstr("No such file or directory"));
}

TEST(JunitReport, HasACasePerBootAndRun) {
    auto report = make_report();
    report.runs[0].outcome = {Verdict::hang, "no RPC was sent for 45 s"};
    report.runs[3].outcome = {Verdict::skip, "the boot was given up"};
    report.boots[0].outcome = {Verdict::kernel_splat, "BUG: \x1b[0m <here>"};
    report.boots[0].findings.push_back({"bug", 3, {"BUG: \x1b[0m <here>", "RIP: f"}});
    pugi::xml_document document;
    const auto parsed = document.load_string(to_junit(report).c_str());
    ASSERT_TRUE(parsed) << parsed.description();
    const auto suite = document.child("testsuites").child("testsuite");
    EXPECT_STREQ(suite.attribute("name").value(), "demo.6.12.1");
    EXPECT_EQ(suite.attribute("tests").as_int(), 5);
    EXPECT_EQ(suite.attribute("failures").as_int(), 2);
    EXPECT_EQ(suite.attribute("errors").as_int(), 0);
    EXPECT_EQ(suite.attribute("skipped").as_int(), 1);
    const auto boot = suite.child("testcase");
    EXPECT_STREQ(boot.attribute("name").value(), "boot");
    EXPECT_STREQ(boot.child("failure").attribute("type").value(), "kernel-splat");
    EXPECT_THAT(boot.child("failure").text().get(), HasSubstr("RIP: f"));
    const auto run = boot.next_sibling("testcase");
    EXPECT_STREQ(run.attribute("name").value(), "NFSv4.2 randread over rpcrdma #1");
    EXPECT_STREQ(run.child("failure").attribute("message").value(), "no RPC was sent for 45 s");
}

TEST(JunitReport, IsUtf8WhateverAConsoleSaid) {
    auto report = make_report();
    report.boots[0].outcome = {Verdict::kernel_splat, "Oops: \xff\xfe"};
    report.boots[0].findings.push_back({"oops", 3, {"Oops: \xff\xfe", "RIP: f"}});
    const auto text = to_junit(report);
    EXPECT_THAT(text, HasSubstr("message=\"Oops: ??\""));
    EXPECT_THAT(text, testing::Each(testing::Ge('\0')));
}

TEST(HtmlReport, IsOnePageWithEverythingEscaped) {
    auto report = make_report();
    report.runs[0].outcome = {Verdict::fail, "<script>alert(1)</script>"};
    const auto page = to_html(report);
    EXPECT_THAT(page, HasSubstr("<!DOCTYPE html>"));
    EXPECT_THAT(page, HasSubstr("svcrdma/rpcrdma"));
    EXPECT_THAT(page, HasSubstr("emulated CPU"));
    EXPECT_THAT(page, Not(HasSubstr("<script")));
    EXPECT_THAT(page, Not(HasSubstr("http"))) << "needs no other file";
}

TEST(Reports, NameTheVariant) {
    auto report = make_report();
    for (lab::Run &run : report.runs) {
        run.key.variant = run.key.repeat == 1 ? "unmap_us=0" : "unmap_us=5";
        run.key.repeat = 1;
    }
    report.runs[2].outcome = {Verdict::fail, "bad data"};
    EXPECT_THAT(to_text(report), HasSubstr("randread unmap_us=5 over svcrdma, repeat 1: bad data"));
    EXPECT_THAT(to_html(report), testing::ContainsRegex("unmap_us=5</td>[ \n]+<td>svcrdma</td>"));
    pugi::xml_document document;
    ASSERT_TRUE(document.load_string(to_junit(report).c_str()));
    std::set<std::string> names;
    for (const auto &test : document.child("testsuites").child("testsuite").children("testcase"))
        names.insert(test.attribute("name").value());
    EXPECT_EQ(names.size(), 1 + report.runs.size());
    EXPECT_TRUE(names.contains("NFSv4.2 randread unmap_us=5 over svcrdma #1"));
}

TEST(TextReport, PutsTransportsSideBySide) {
    auto report = make_report();
    auto text = to_text(report);
    EXPECT_THAT(text, HasSubstr("Kernel 6.12.1, NFSv4.2"));
    EXPECT_THAT(text, HasSubstr("950       400   2.50 (2.00..3.00)"));
    EXPECT_THAT(text, HasSubstr("emulated CPU"));
    EXPECT_THAT(text, HasSubstr("Verdict: pass\n"));
    EXPECT_THAT(text, Not(HasSubstr("on purpose")));
    EXPECT_THAT(text, Not(HasSubstr("Instructions:")));
    report.environment.accelerator = "kvm";
    report.environment.network = "delay 20ms limit 10000";
    report.environment.instructions = "not counted: there is no such counter";
    text = to_text(report);
    EXPECT_THAT(text, Not(HasSubstr("emulated CPU")));
    EXPECT_THAT(text, HasSubstr("on purpose: delay 20ms limit 10000."));
    EXPECT_THAT(text, HasSubstr("Instructions: not counted: there is no such counter."));
}

TEST(TextReport, ShowsADashForWhatWasNotMeasuredAndSaysWhatFailed) {
    auto report = make_report();
    for (lab::Run &run : report.runs) {
        run.server.reset();
        run.fio->latency_ns.reset();
    }
    report.runs[0].outcome = {Verdict::fail, "3 verification errors"};
    report.outcome = conclude(report);
    report.comparisons = compare(report.runs);
    const auto text = to_text(report);
    EXPECT_THAT(text, testing::ContainsRegex("switches per I/O +- +- +-"));
    EXPECT_THAT(text, HasSubstr("randread over rpcrdma, repeat 1: 3 verification errors"));
    EXPECT_THAT(text, HasSubstr("Verdict: fail: 3 verification errors"));
}

TEST(TextReport, LeavesOutWhatASoakDoesNotMeasure) {
    auto report = make_report();
    for (lab::Run &run : report.runs)
        run.server.reset();
    report.boots[0].soak = Soak{.seed = 7};
    const auto text = to_text(report);
    EXPECT_THAT(text, Not(HasSubstr("switches per I/O")));
    EXPECT_THAT(text, HasSubstr("I/O per s"));
}

} // namespace
} // namespace lab
