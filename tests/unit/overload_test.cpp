// SPDX-License-Identifier: GPL-2.0-only
// Send contexts under a load that is released slowly: in which order, and what is undone.
#include "bench/overload.h"
#include "host/fake_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

/// One host is both ends, so that what they are told has one order.
class OverloadTest : public testing::Test {
  protected:
    void SetUp() override {
        host.answer("cat credits unmap_us", Output{.out = "64\n7\n"});
        host.answer(sampled, Output{.out = "send_ctxts 96\npinned_pages 3\n"});
    }

    Result<Overload> measure() {
        const auto nfs = TRY(NfsServer::start(host, {.transports = {Transport::svcrdma}}));
        host.commands.clear();
        return measure_overload(host, nfs);
    }

    void expect_all_is_as_before() const {
        ASSERT_GE(host.commands.size(), 2U);
        EXPECT_THAT(host.commands.end()[-2],
                    AllOf(HasSubstr("/sys/module/svcrdma/parameters"),
                          HasSubstr("echo 64 >credits"), HasSubstr("echo 7 >unmap_us")));
        EXPECT_EQ(host.commands.back(), "umount /mnt/overload");
    }

    static constexpr auto sampled = " sample-peaks stop";
    FakeHost host;
};

// Credits are granted to a connection when it is made; an unmap takes longer at once.
TEST_F(OverloadTest, SlowsDownReleasesOfAConnectionWithFewCredits) {
    const auto overload = measure();
    ASSERT_TRUE(overload) << overload.error().what;
    EXPECT_EQ(overload->credits, 32U);
    EXPECT_EQ(overload->send_ctxts, 96U);
    EXPECT_THAT(host.commands,
                ElementsAre(HasSubstr("cat credits unmap_us"), HasSubstr("echo 32 >credits"),
                            HasSubstr("mount -t nfs -o vers=3,proto=rdma,port=20049"),
                            HasSubstr("echo 5000 >unmap_us"), EndsWith(" sample-peaks start"),
                            HasSubstr("cd /mnt/overload && fio "), HasSubstr(sampled),
                            HasSubstr("echo 64 >credits"), "umount /mnt/overload"));
    expect_all_is_as_before();
}

TEST_F(OverloadTest, SettingsComeBackWhenTheLoadFails) {
    host.answer("fio --name=overload", Output{.status = 1, .err = "fio: input/output error\n"});
    const auto overload = measure();
    ASSERT_FALSE(overload);
    EXPECT_THAT(overload.error().what, HasSubstr("fio: input/output error"));
    EXPECT_THAT(host.commands.end()[-3], HasSubstr(sampled)) << "sampling is ended as well";
    expect_all_is_as_before();
}

TEST_F(OverloadTest, SettingsComeBackWhenSamplingFails) {
    host.answer(sampled, Output{.out = "cd: no such directory\n"});
    const auto overload = measure();
    ASSERT_FALSE(overload);
    EXPECT_THAT(overload.error().what, HasSubstr("no such directory"));
    expect_all_is_as_before();
}

TEST_F(OverloadTest, NothingIsSlowedDownWithoutAMount) {
    host.answer("mount -t nfs -o", Output{.status = 32, .err = "mount.nfs: refused\n"});
    const auto overload = measure();
    ASSERT_FALSE(overload);
    EXPECT_THAT(overload.error().what, HasSubstr("mount.nfs: refused"));
    EXPECT_THAT(host.commands.back(), HasSubstr("mount -t nfs"));
}

} // namespace
} // namespace lab
