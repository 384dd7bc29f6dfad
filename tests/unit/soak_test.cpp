// SPDX-License-Identifier: GPL-2.0-only
// What a soak leaves to chance: the same seed gives the same, and nothing is left out.
#include "lab/soak_plan.h"
#include "report/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

namespace lab {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Scenario make_scenario() {
    Scenario scenario;
    scenario.nfs = {"3", "4.2"};
    scenario.workloads.resize(2);
    scenario.workloads[0].name = "small";
    scenario.workloads[1].name = "large";
    return scenario;
}

using Plan = std::vector<std::tuple<std::string, std::string, std::string, std::uint32_t>>;

Plan plan(const Scenario &scenario, unsigned seed, unsigned client) {
    Errands errands(scenario, seed, client);
    Plan plan;
    for (int n = 0; n < 100; n++) {
        const auto errand = errands.next();
        plan.emplace_back(errand.nfs, errand.job->name, errand.options, errand.seed);
    }
    return plan;
}

TEST(Errands, FollowFromTheSeedAndTheClient) {
    const auto scenario = make_scenario();
    EXPECT_EQ(plan(scenario, 7, 0), plan(scenario, 7, 0));
    EXPECT_NE(plan(scenario, 7, 0), plan(scenario, 7, 1));
    EXPECT_NE(plan(scenario, 7, 0), plan(scenario, 8, 0));
}

TEST(Errands, MixEverything) {
    auto scenario = make_scenario();
    std::set<std::tuple<std::string, std::string>> kinds;
    std::set<std::string> options;
    for (const auto &[nfs, job, option, seed] : plan(scenario, 7, 0)) {
        kinds.emplace(nfs, job);
        options.insert(option);
    }
    EXPECT_EQ(kinds.size(), 4U);
    EXPECT_GT(options.size(), 3U);
    EXPECT_TRUE(options.contains(""));
    scenario.mount = "soft";
    for (const auto &[nfs, job, option, seed] : plan(scenario, 7, 0)) {
        EXPECT_TRUE(option == "soft" || option.starts_with("soft,")) << option;
        EXPECT_FALSE(option.ends_with(",")) << option;
    }
}

TEST(Incidents, AreOfEveryKindAndToEveryClient) {
    Incidents incidents(7, 3);
    Incidents same(7, 3);
    std::map<Trouble, unsigned> kinds;
    std::set<unsigned> clients;
    for (int n = 0; n < 200; n++) {
        const auto incident = incidents.next();
        const auto again = same.next();
        EXPECT_EQ(incident.trouble, again.trouble);
        EXPECT_EQ(incident.after, again.after);
        EXPECT_EQ(incident.client, again.client);
        EXPECT_GE(incident.after, 15s);
        EXPECT_LE(incident.after, 60s);
        EXPECT_LT(incident.lasts, 8s);
        kinds[incident.trouble]++;
        clients.insert(incident.client);
    }
    EXPECT_EQ(kinds.size(), 4U);
    EXPECT_THAT(clients, ElementsAre(0U, 1U, 2U));
}

TEST(SoakLines, SayWhatWasDoneAndWhatWasMet) {
    Report report;
    report.boots.push_back({.kernel = "6.12.1"});
    EXPECT_THAT(soak_lines(report), testing::IsEmpty());
    report.boots[0].soak =
        Soak{.seed = 7, .minutes = 60.2, .troubles = {{"client reset", 3}}, .jobs = 500};
    auto lines = soak_lines(report);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0], "6.12.1: a soak of 60 minutes, seed 7: 500 jobs; client reset 3 times.");
    report.boots[0].soak->interrupted = 2;
    report.boots[0].soak->available_before_kib = 1000;
    report.boots[0].soak->available_after_kib = 990;
    lines = soak_lines(report);
    EXPECT_THAT(lines[0], AllOf(HasSubstr("2 jobs lost their client"), Not(HasSubstr("mended")),
                                HasSubstr("1000 KiB were available before, 990 after")));
}

} // namespace
} // namespace lab
