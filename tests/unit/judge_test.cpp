// SPDX-License-Identifier: GPL-2.0-only
#include "lab/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using testing::HasSubstr;

FioResult good() {
    FioResult result;
    result.ops = 380;
    result.read_ops = 256;
    result.write_ops = 124;
    return result;
}

const JobFile verify{"v.fio", "v", true};
const JobFile plain{"p.fio", "p", false};

TEST(JudgeFio, PassesWhatIsRight) {
    EXPECT_EQ(judge_fio(verify, 0, good()).verdict, Verdict::pass);
}

TEST(JudgeFio, FailsOnAnyDoubt) {
    auto result = good();
    result.verify_errors = 2;
    EXPECT_THAT(judge_fio(verify, 0, result).why, HasSubstr("2 verification errors"));
    result = good();
    result.error = "job a: Input/output error";
    EXPECT_THAT(judge_fio(verify, 0, result).why, HasSubstr("Input/output"));
    EXPECT_THAT(judge_fio(verify, 1, good()).why, HasSubstr("status 1"));
    EXPECT_THAT(judge_fio(verify, 0, FioResult{}).why, HasSubstr("no I/O"));
}

TEST(JudgeFio, WantsWhatWasWrittenReadBack) {
    auto result = good();
    result.read_ops = 0;
    EXPECT_EQ(judge_fio(verify, 0, result).verdict, Verdict::fail);
    EXPECT_EQ(judge_fio(plain, 0, result).verdict, Verdict::pass);
}

TEST(JudgeCounters, WantsACallForEveryOperation) {
    EXPECT_EQ(judge_counters(Transport::svcrdma, good(), {{"calls", 380}}).verdict, Verdict::pass);
    EXPECT_EQ(judge_counters(Transport::svcrdma, good(), {{"calls", 379}}).verdict, Verdict::fail);
    EXPECT_EQ(judge_counters(Transport::svcrdma, good(), {}).verdict, Verdict::fail);
}

TEST(JudgeCounters, WantsOurModuleLeftAloneByOthers) {
    for (const auto transport : {Transport::rpcrdma, Transport::tcp}) {
        EXPECT_EQ(judge_counters(transport, good(), {{"calls", 0}}).verdict, Verdict::pass);
        EXPECT_EQ(judge_counters(transport, good(), {}).verdict, Verdict::pass);
        EXPECT_EQ(judge_counters(transport, good(), {{"calls", 1}}).verdict, Verdict::fail);
    }
}

} // namespace
} // namespace lab
