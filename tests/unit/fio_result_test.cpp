// SPDX-License-Identifier: GPL-2.0-only
#include "workload/fio_result.h"

#include "data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lab {
namespace {

using testing::HasSubstr;

struct Recorded {
    std::string version;
    std::uint64_t runtime_ms, p50, p90, p99, p999; // of the 256 random reads of 4 KiB
};

class RecordedFio : public testing::TestWithParam<Recorded> {};

TEST_P(RecordedFio, GivesEveryFigureOfARead) {
    const auto result = parse_fio(test_data("fio/" + GetParam().version + "-randread.json"), "");
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->version, "fio-" + GetParam().version);
    EXPECT_EQ(result->ops, 256U);
    EXPECT_EQ(result->read_ops, 256U);
    EXPECT_EQ(result->write_ops, 0U);
    EXPECT_EQ(result->bytes, 256U * 4096);
    EXPECT_EQ(result->runtime_ms, GetParam().runtime_ms);
    const double seconds = static_cast<double>(GetParam().runtime_ms) / 1000;
    EXPECT_NEAR(result->iops, 256 / seconds, 0.01);
    EXPECT_NEAR(static_cast<double>(result->bytes_per_s), 1048576 / seconds, 1);
    ASSERT_TRUE(result->latency_ns);
    EXPECT_EQ(result->latency_ns->p50, GetParam().p50);
    EXPECT_EQ(result->latency_ns->p90, GetParam().p90);
    EXPECT_EQ(result->latency_ns->p99, GetParam().p99);
    EXPECT_EQ(result->latency_ns->p999, GetParam().p999);
    EXPECT_EQ(result->verify_errors, 0U);
    EXPECT_EQ(result->error, "");
}

TEST_P(RecordedFio, CountsTheReadsThatVerify) {
    const auto result = parse_fio(test_data("fio/" + GetParam().version + "-verify.json"), "");
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->write_ops, 124U);
    EXPECT_EQ(result->read_ops, 256U); // 132 of the mix, 124 to verify
    EXPECT_EQ(result->ops, 380U);
    EXPECT_EQ(result->verify_errors, 0U);
    EXPECT_FALSE(result->latency_ns) << "percentiles of reads and writes do not add up";
}

INSTANTIATE_TEST_SUITE_P(Versions, RecordedFio,
                         testing::Values(Recorded{"3.25", 28, 99840, 118272, 211968, 296960},
                                         Recorded{"3.33", 34, 122368, 144384, 292864, 864256},
                                         Recorded{"3.39", 23, 86528, 109056, 142336, 252928}),
                         [](const auto &info) { return "fio3" + info.param.version.substr(2); });

TEST(FioResult, ReadsTheUnifiedReport) {
    const auto result = parse_fio(test_data("fio/3.33-unified.json"), "");
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->ops, 380U);
    ASSERT_TRUE(result->latency_ns);
    EXPECT_EQ(result->latency_ns->p50, 72192U);
}

TEST(FioResult, DoesNotCountTwiceWhatIsReportedBothWays) {
    const auto result = parse_fio(test_data("fio/3.39-both.json"), "");
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->ops, 380U);
    EXPECT_EQ(result->read_ops, 256U);
    EXPECT_EQ(result->write_ops, 124U);
    ASSERT_TRUE(result->latency_ns);
    EXPECT_EQ(result->latency_ns->p50, 93696U);
}

TEST(FioResult, AddsUpJobsThatRanSideBySide) {
    const auto result = parse_fio(test_data("fio/3.33-two-jobs.json"), "");
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->ops, 512U);
    EXPECT_EQ(result->runtime_ms, 39U);
    EXPECT_FALSE(result->latency_ns);
}

TEST(FioResult, TakesFiosSumOfSeveralClients) {
    const auto result = parse_fio(test_data("fio/3.39-clients.json"), "");
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->ops, 3072U);
    EXPECT_EQ(result->read_ops, 2048U);
    EXPECT_EQ(result->write_ops, 1024U);
    EXPECT_EQ(result->runtime_ms, 262U);
    ASSERT_EQ(result->clients.size(), 2U);
    EXPECT_EQ(result->clients[0].host, "127.0.0.1");
    EXPECT_EQ(result->clients[1].host, "localhost");
    EXPECT_EQ(result->clients[1].ops, 1536U);
    EXPECT_NEAR(result->clients[1].iops, 1536 / 0.257, 1);
    EXPECT_TRUE(result->error.empty());
}

// One that is not there is left out of fio's output, and so is the sum.
TEST(FioResult, RefusesClientsWithoutASum) {
    const auto text = test_data("fio/3.39-clients.json");
    auto document = nlohmann::json::parse(text.substr(text.find("\n{")));
    document["client_stats"].erase(2);
    const auto result = parse_fio(document.dump(), "");
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().what, HasSubstr("no sum of its clients"));
}

TEST(FioResult, NoticesAVerifyErrorThatEndedTheJob) {
    // The recorded output carries a line of text before the JSON.
    const auto result = parse_fio(test_data("fio/3.33-verify-stops.json"),
                                  test_data("fio/3.33-verify-stops.stderr"));
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->verify_errors, 1U);
    EXPECT_EQ(result->error, "");
}

TEST(FioResult, CountsVerifyErrorsOfAJobThatWentOn) {
    // fio's exit status was 0 here.
    const auto out = test_data("fio/3.33-verify-continues.json");
    const auto result = parse_fio(out, test_data("fio/3.33-verify-continues.stderr"));
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->verify_errors, 2U);
    EXPECT_EQ(parse_fio(out, "")->verify_errors, 2U) << "JSON alone tells as well";
}

TEST(FioResult, CountsVerifyMessagesThatTheJsonDoesNotTell) {
    const auto result =
        parse_fio(test_data("fio/3.33-verify.json"), test_data("fio/3.33-verify-continues.stderr"));
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->verify_errors, 2U);
}

TEST(FioResult, SaysWhatFioSaidWhenThereIsNoJson) {
    const auto result = parse_fio(test_data("fio/3.33-no-directory.json"),
                                  test_data("fio/3.33-no-directory.stderr"));
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().what, HasSubstr("/nonexistent is not a directory"));
    EXPECT_THAT(parse_fio("", "").error().what, HasSubstr("printed nothing"));
}

TEST(FioResult, NamesTheErrorOfAJob) {
    auto out = test_data("fio/3.33-randread.json");
    const std::string ok = R"("error" : 0)";
    out.replace(out.find(ok), ok.size(), R"("error" : 5)");
    const auto result = parse_fio(out, "");
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_THAT(result->error, HasSubstr("Input/output error"));
    EXPECT_EQ(result->verify_errors, 0U);
}

TEST(FioResult, RefusesWhatIsCutOff) {
    const auto whole = test_data("fio/3.39-randread.json");
    const auto result = parse_fio(whole.substr(0, whole.size() / 2), "");
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().what, HasSubstr("cut off"));
}

TEST(FioResult, RefusesOutputWithoutJobs) {
    EXPECT_THAT(parse_fio(R"({"fio version": "fio-3.39", "jobs": []})", "").error().what,
                HasSubstr("names no job"));
    EXPECT_THAT(parse_fio(R"({"fio version": "fio-2.16", "jobs": [{}]})", "").error().what,
                HasSubstr("too old"));
    EXPECT_FALSE(parse_fio(R"({"fio version": 3, "jobs": 7})", ""));
}

} // namespace
} // namespace lab
