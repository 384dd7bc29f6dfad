// SPDX-License-Identifier: GPL-2.0-only
#include "observe/perf_stat.h"

#include <gmock/gmock.h>

namespace lab {
namespace {

using testing::HasSubstr;

constexpr auto header = "# started on Sat Nov 21 18:00:00 2026\n\n";

TEST(PerfStat, TellsKernelAndUserSpaceApart) {
    const auto profile =
        parse_perf_stat(std::string(header) + "123456789,,instructions:k,2001340000,100.00,,\n"
                                              "1234,,instructions:u,2001340000,100.00,,\n");
    ASSERT_TRUE(profile) << profile.error().what;
    EXPECT_EQ(profile->total(), 123458023U);
    EXPECT_EQ(profile->groups().at("kernel"), 123456789U);
    EXPECT_EQ(profile->groups().at("user space"), 1234U);
    // It counts no calls: nothing may be derived from them.
    EXPECT_EQ(profile->calls("", "(kernel)"), 0U);
}

TEST(PerfStat, SaysThatItCannotCount) {
    const auto profile =
        parse_perf_stat(std::string(header) + "<not supported>,,instructions:k,0,100.00,,\n"
                                              "<not supported>,,instructions:u,0,100.00,,\n");
    ASSERT_FALSE(profile);
    EXPECT_THAT(profile.error().what, HasSubstr("<not supported>"));
}

// What version 6.12 wrote where there are no counters.
TEST(PerfStat, PassesOnWhatPerfSaidInstead) {
    const auto profile =
        parse_perf_stat(std::string(header) + "Error:\nNo supported events found.\n"
                                              "The instructions:k event is not supported.\n\n");
    ASSERT_FALSE(profile);
    EXPECT_EQ(profile.error().what,
              "perf stat counts no instructions here: The instructions:k event is not supported.");
}

TEST(PerfStat, WantsBothHalves) {
    EXPECT_FALSE(parse_perf_stat("123,,instructions:k,2001340000,100.00,,\n"));
}

} // namespace
} // namespace lab
