// SPDX-License-Identifier: GPL-2.0-only
// A job in one place and in several, as hosts are asked for it.
#include "workload/fio.h"

#include "host/fake_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const JobFile job = {.path = "reads.fio", .name = "reads"};

TEST(RunFio, InOnePlaceWatchesForItself) {
    FakeHost client;
    client.answer("run-fio", Output{.status = 1, .out = "{}", .err = "trouble"});
    const auto output = run_fio({{&client, "/mnt/nfs/reads"}}, job, 3, 45s, Deadline::in(1s));
    ASSERT_TRUE(output) << output.error().what;
    EXPECT_EQ(output->status, 1);
    EXPECT_EQ(output->out, "{}");
    EXPECT_EQ(output->err, "trouble");
    EXPECT_THAT(client.commands,
                ElementsAre(AllOf(HasSubstr("/mnt/nfs/reads"), HasSubstr(" 45 "))));
}

TEST(RunFio, InSeveralIsDrivenByTheFirst) {
    FakeHost first("client");
    FakeHost second("client2");
    ASSERT_TRUE(run_fio({{&first, "/mnt/nfs/client/reads"}, {&second, "/mnt/nfs/client2/reads"}},
                        job, 3, 45s, Deadline::in(1s)));
    // Who watches may have asked, or not yet.
    for (auto *host : {&first, &second})
        std::erase_if(host->commands, [](const std::string &command) {
            return command.starts_with("sed ") && command.ends_with("/proc/net/rpc/nfs");
        });
    ASSERT_EQ(first.commands.size(), 2U);
    EXPECT_THAT(first.commands[0], HasSubstr("ln -sfn /mnt/nfs/client/reads "));
    // The driver does not tell by its own RPCs alone that nothing moves.
    EXPECT_THAT(first.commands[1],
                AllOf(HasSubstr(" 0 "), HasSubstr("192.0.2.1 192.0.2.1"), Not(HasSubstr(" 45 "))));
    EXPECT_THAT(second.commands, ElementsAre(HasSubstr("ln -sfn /mnt/nfs/client2/reads ")));
}

TEST(RunFio, SaysThatNothingMoved) {
    FakeHost client;
    client.answer("", Output{.status = 75});
    const auto output = run_fio({{&client, "/mnt/nfs/reads"}}, job, {}, 45s, Deadline::in(1s));
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().cause, Cause::timeout);
    EXPECT_THAT(output.error().what, HasSubstr("no RPC was sent for 45 s"));
}

TEST(FioServer, IsStartedAndEnded) {
    FakeHost client;
    ASSERT_TRUE(start_fio_server(client, Deadline::in(1s)));
    ASSERT_TRUE(stop_fio_server(client, Deadline::in(1s)));
    EXPECT_THAT(client.commands,
                ElementsAre(HasSubstr("fio --server --daemonize="), HasSubstr("kill $(cat ")));
}

} // namespace
} // namespace lab
