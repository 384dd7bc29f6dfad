// SPDX-License-Identifier: GPL-2.0-only
#include "lab/soak_machines.h"

#include "fake_pair.h"
#include "lab/judge.h"
#include "lab/soak_tally.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

namespace lab {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class SoakMachinesTest : public testing::Test {
  protected:
    FakePair pair{2};
    Scenario scenario;
    SoakMachines machines{pair, scenario};
    std::stop_source stop;

    /// Until something is so that another thread does; false when it never is.
    template <typename Condition> static bool comes(Condition condition) {
        for (int i = 0; i < 1000 && !condition(); i++)
            std::this_thread::sleep_for(1ms);
        return condition();
    }
};

TEST_F(SoakMachinesTest, ClientThatIsUsedIsNotBooted) {
    const auto shift = machines.begin(0, stop.get_token());
    ASSERT_TRUE(shift);
    {
        const std::jthread reset([&] { EXPECT_TRUE(machines.reset(0)); });
        ASSERT_TRUE(comes([&] { return pair.killed == 1U; }));
        EXPECT_TRUE(machines.lost_power(0, *shift));
        std::this_thread::sleep_for(20ms);
        EXPECT_EQ(pair.revived, 0U);
        machines.end(0);
    }
    EXPECT_EQ(pair.revived, 1U);
    const auto next = machines.begin(0, stop.get_token());
    ASSERT_TRUE(next);
    EXPECT_FALSE(machines.lost_power(0, *next));
}

TEST_F(SoakMachinesTest, OtherClientsWorkOn) {
    ASSERT_TRUE(machines.begin(1, stop.get_token()));
    EXPECT_TRUE(machines.reset(0));
    EXPECT_EQ(pair.revived, 1U);
}

TEST_F(SoakMachinesTest, NobodyWaitsForPowerForever) {
    machines.cut_off();
    EXPECT_EQ(pair.killed, 2U);
    const std::jthread ends([&] { stop.request_stop(); });
    EXPECT_FALSE(machines.begin(0, stop.get_token()));
}

TEST_F(SoakMachinesTest, OneMendsTheDeviceAndTheOthersKnow) {
    const auto first = machines.begin(0, stop.get_token());
    const auto second = machines.begin(1, stop.get_token());
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(machines.mended(0, *first));
    pair.server().answer("type GSI state ERR", Output{.out = "deleted\n"});
    EXPECT_TRUE(machines.mended(0, *first));
    pair.server().answer("type GSI state ERR", Output{});
    EXPECT_TRUE(machines.mended(1, *second));
    const auto later = machines.begin(1, stop.get_token());
    ASSERT_TRUE(later);
    EXPECT_FALSE(machines.mended(1, *later));
    // One's own is nobody else's matter.
    pair.client(1).answer("type GSI state ERR", Output{.out = "deleted\n"});
    EXPECT_TRUE(machines.mended(1, *later));
    EXPECT_FALSE(machines.mended(0, *machines.begin(0, stop.get_token())));
}

TEST(SoakTally, FirstReasonCountsAndEndsTheWait) {
    std::vector<lab::Run> runs;
    SoakTally tally(7, [&](lab::Run run) { runs.push_back(std::move(run)); });
    tally.job({});
    EXPECT_EQ(tally.trouble("nfsd stopped"), 1U);
    tally.job({});
    tally.count(&Soak::mended);
    EXPECT_FALSE(tally.over());
    const auto start = std::chrono::steady_clock::now();
    const std::jthread other([&] { tally.give_up({Verdict::fail, "first"}); });
    tally.wait(1min);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
    tally.give_up({Verdict::hang, "second"});
    EXPECT_TRUE(tally.over());
    EXPECT_EQ(tally.outcome().verdict, Verdict::fail);
    EXPECT_EQ(tally.outcome().why, "first");
    ASSERT_EQ(runs.size(), 2U);
    EXPECT_EQ(runs[1].key.repeat, 2U);
    const Soak soak = tally.soak();
    EXPECT_EQ(soak.seed, 7U);
    EXPECT_EQ(soak.jobs, 2U);
    EXPECT_EQ(soak.mended, 1U);
    EXPECT_EQ(soak.troubles.at("nfsd stopped"), 1U);
}

TEST(Judge, MachineThatDiedExplainsMore) {
    FakePair pair(1);
    const Error error{"no answer", Cause::timeout};
    EXPECT_EQ(outcome_of(pair, error).verdict, Verdict::hang);
    pair.health = fail("server: it panicked", Cause::panic);
    const auto outcome = outcome_of(pair, error);
    EXPECT_THAT(outcome.why, HasSubstr("it panicked"));
    EXPECT_EQ(outcome.verdict, Verdict::kernel_splat);
}

} // namespace
} // namespace lab
