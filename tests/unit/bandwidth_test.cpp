// SPDX-License-Identifier: GPL-2.0-only
// RDMA Writes without NFS: perftest's two ends, on one host each.
#include "bench/bandwidth.h"
#include "host/fake_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto table =
    " #bytes     #iterations    BW peak[MiB/sec]    BW average[MiB/sec]   MsgRate[Mpps]\n"
    " 262144     150              26.59              24.50              0.000098\n";

/// Fails the first writes that it is asked for.
class Refused : public FakeHost {
  public:
    Result<Output> run(const std::string &command, Deadline deadline) override {
        auto output = FakeHost::run(command, deadline);
        if (command.starts_with("ib_write_bw") && refusals > 0) {
            refusals--;
            return Output{.status = 1, .err = "Couldn't connect\n"};
        }
        return output;
    }

    unsigned refusals = 0;
};

class RawWritesTest : public testing::Test {
  protected:
    void SetUp() override {
        client.answer("echo $pid", Output{.out = "4711\n"});
        server.answer("ib_write_bw", Output{.out = table});
    }

    Refused server;
    FakeHost client;
};

TEST_F(RawWritesTest, GoFromTheServerToTheClient) {
    const auto speed = measure_raw_writes(server, client);
    ASSERT_TRUE(speed) << speed.error().what;
    EXPECT_DOUBLE_EQ(*speed, 24.5 * 1024 * 1024);
    EXPECT_THAT(server.commands,
                ElementsAre(HasSubstr("modprobe"),
                            AllOf(HasSubstr("ib_write_bw -R"), HasSubstr(" 192.0.2.1"))));
    // The listener is not left behind.
    EXPECT_THAT(client.commands, ElementsAre(HasSubstr("modprobe"), HasSubstr("ib_write_bw -R"),
                                             HasSubstr("kill 4711")));
}

// Takes the second that it pauses for.
TEST_F(RawWritesTest, AreTriedAgainWithANewListener) {
    server.refusals = 1;
    const auto speed = measure_raw_writes(server, client);
    ASSERT_TRUE(speed) << speed.error().what;
    EXPECT_THAT(client.commands, Contains(HasSubstr("echo $pid")).Times(2));
    EXPECT_THAT(client.commands, Contains(HasSubstr("kill 4711")).Times(2));
}

TEST_F(RawWritesTest, NeedAResult) {
    server.answer("ib_write_bw", Output{.out = "Device not recognized\n"});
    const auto speed = measure_raw_writes(server, client);
    ASSERT_FALSE(speed);
    EXPECT_EQ(speed.error().what, "ib_write_bw printed no result:\nDevice not recognized\n");
}

TEST_F(RawWritesTest, NeedTheModulesOfBoth) {
    client.answer("modprobe", Output{.status = 1, .err = "rdma_ucm not found\n"});
    const auto speed = measure_raw_writes(server, client);
    ASSERT_FALSE(speed);
    EXPECT_THAT(speed.error().what, HasSubstr("rdma_ucm not found"));
    EXPECT_THAT(server.commands, IsEmpty());
}

} // namespace
} // namespace lab
