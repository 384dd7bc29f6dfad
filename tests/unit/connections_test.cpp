// SPDX-License-Identifier: GPL-2.0-only
// What idle connections cost, measured at hosts that know nothing of NFS but what it asks for.
#include "bench/connections.h"
#include "host/fake_host.h"

#include "deadline_scale.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace lab {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr unsigned own_bytes = 12345;
constexpr unsigned free_kib = 1'000'000;

/// KiB that the server lacks while so many connections are up.
unsigned taken_kib(unsigned connections) {
    return connections == 0 ? 0 : 100 + 40 * connections;
}

/// Brings up what its mounts ask for.
class IdleClient : public FakeHost {
  public:
    IdleClient() : FakeHost("client") {}

    Result<Output> run(const std::string &command, Deadline deadline) override {
        auto output = FakeHost::run(command, deadline);
        if (!output || output->status != 0)
            return output;
        if (command.find("umount") != std::string::npos)
            up = 0;
        constexpr std::string_view option = "nconnect=";
        if (const auto at = command.find(option); at != std::string::npos)
            up = std::min(
                most, up + static_cast<unsigned>(std::stoul(command.substr(at + option.size()))));
        return output;
    }

    unsigned up = 0;
    unsigned most = 256;
};

/// Answers as such a client's server, unless the test knows better.
class IdleServer : public FakeHost {
  public:
    explicit IdleServer(const IdleClient &client) : FakeHost("server"), client_(client) {}

    Result<Output> run(const std::string &command, Deadline deadline) override {
        auto output = FakeHost::run(command, deadline);
        if (!output || output->status != 0 || !output->out.empty())
            return output;
        if (command.starts_with("rdma resource show qp"))
            output->out = fmt::format("{}\n", client_.up);
        if (command.find("MemFree") != std::string::npos)
            output->out = fmt::format("{}\n", free_kib - taken_kib(client_.up));
        if (command.find("/proc/modules") != std::string::npos)
            output->out = "ffffffffc0a00000 299008\n";
        if (command.ends_with("trace-allocations stop"))
            output->out = fmt::format("{}\n", own_bytes);
        return output;
    }

  private:
    const IdleClient &client_;
};

class ConnectionsTest : public testing::Test {
  protected:
    Result<std::vector<ConnectionCost>> measure(Transport transport = Transport::svcrdma) {
        const auto nfs = TRY(NfsServer::start(server, {.transports = {transport}}));
        testing::internal::CaptureStderr(); // what a user sees of the progress
        auto costs = [&] {
            Progress progress("connections");
            return measure_connections(client, nfs, transport, progress);
        }();
        (void)testing::internal::GetCapturedStderr();
        return costs;
    }

    std::string error_of_measuring() {
        const auto costs = measure();
        return costs ? "no error" : costs.error().what;
    }

    /// Sixteen, as words of a command.
    static std::string all_addresses() {
        std::string words;
        for (unsigned i = 0; i < 16; i++)
            words += fmt::format(" 192.0.2.{}", 101 + i);
        return words;
    }

    void expect_nothing_is_left() const {
        EXPECT_EQ(client.up, 0U);
        EXPECT_THAT(client.commands.back(), AllOf(HasSubstr("/mnt/idle*"), HasSubstr("umount")));
        EXPECT_THAT(server.commands.back(),
                    EndsWith(" addresses remove 192.0.2.1" + all_addresses()));
    }

    IdleClient client;
    IdleServer server{client};
};

TEST_F(ConnectionsTest, AreDividedByTheirNumber) {
    for (const auto transport : {Transport::svcrdma, Transport::rpcrdma}) {
        const auto costs = measure(transport);
        ASSERT_TRUE(costs) << costs.error().what;
        ASSERT_THAT(*costs, SizeIs(4));
        unsigned connections = 1;
        for (const auto &cost : *costs) {
            EXPECT_EQ(cost.transport, transport);
            EXPECT_EQ(cost.connections, connections);
            EXPECT_DOUBLE_EQ(cost.bytes, taken_kib(connections) * 1024.0 / connections);
            EXPECT_EQ(cost.own_bytes, own_bytes);
            connections *= connections == 1 ? 16 : 4;
        }
        expect_nothing_is_left();
    }
}

// No mount can have more than 16; those of one address would share them.
TEST_F(ConnectionsTest, AreMadeByMountsOfDifferentAddresses) {
    ASSERT_EQ(error_of_measuring(), "no error");
    std::vector<std::string> mounts;
    for (const auto &command : client.commands)
        if (const auto at = command.find("nconnect="); at != std::string::npos)
            mounts.push_back(command.substr(at, command.find('\n', at) - at));
    std::vector<std::string> expected(2, "nconnect=1 192.0.2.101:/export /mnt/idle0");
    for (unsigned i = 0; i < 16; i++)
        expected.push_back(fmt::format("nconnect=16 192.0.2.{}:/export /mnt/idle{}", 101 + i, i));
    EXPECT_EQ(mounts, expected);
    EXPECT_THAT(client.commands, Contains(HasSubstr("vers=3,proto=rdma,port=20049,")).Times(18));
    EXPECT_THAT(server.commands,
                Contains(EndsWith(" addresses add 192.0.2.1" + all_addresses())).Times(1));
}

TEST_F(ConnectionsTest, AllocationsAreThoseOfTheModulesCode) {
    ASSERT_EQ(error_of_measuring(), "no error");
    EXPECT_THAT(server.commands, Contains(HasSubstr("$1 == \"svcrdma\"")));
    EXPECT_THAT(server.commands, Contains(EndsWith(" trace-allocations start 0xffffffffc0a00000 "
                                                   "0xffffffffc0a49000")));
}

// Unless the user may see addresses, the kernel shows zeros.
TEST_F(ConnectionsTest, NeedTheModulesPlaceInMemory) {
    for (const auto *modules : {"0000000000000000 299008\n", "ffffffffc0a00000\n", "\n"}) {
        server.answer("/proc/modules", Output{.out = modules});
        EXPECT_EQ(error_of_measuring(), "idle connections over svcrdma: /proc/modules does not "
                                        "tell where svcrdma is");
        EXPECT_THAT(server.commands, Not(Contains(HasSubstr("trace-allocations"))));
        expect_nothing_is_left();
    }
}

TEST_F(ConnectionsTest, AreEndedWhenTheFirstMountFails) {
    client.answer("nconnect=1 ", Output{.status = 32, .err = "mount.nfs: access denied\n"});
    EXPECT_THAT(error_of_measuring(),
                AllOf(HasSubstr("idle connections over svcrdma: mounting 192.0.2.101: client"),
                      HasSubstr("access denied")));
    EXPECT_THAT(server.commands, Contains(EndsWith(" trace-allocations stop")));
    expect_nothing_is_left();
}

TEST_F(ConnectionsTest, AreEndedWhenALaterMountFails) {
    client.answer("mkdir -p /mnt/idle3\n", Output{.status = 32, .err = "mount.nfs: busy\n"});
    EXPECT_THAT(error_of_measuring(), HasSubstr("mount.nfs: busy"));
    EXPECT_THAT(client.commands, Contains(HasSubstr("mkdir -p /mnt/idle2\n")));
    EXPECT_THAT(client.commands, Not(Contains(HasSubstr("mkdir -p /mnt/idle4\n"))));
    expect_nothing_is_left();
}

TEST_F(ConnectionsTest, HaveToComeUp) {
    client.most = 15;
    const KeepScale none(0); // Nothing is waited for.
    EXPECT_EQ(error_of_measuring(), "idle connections over svcrdma: 15 of 16 connections are up");
    expect_nothing_is_left();
}

TEST_F(ConnectionsTest, NeedNumbers) {
    server.answer("MemFree", Output{.out = "much\n"});
    EXPECT_THAT(error_of_measuring(), HasSubstr("server answered \"much\n\""));
    expect_nothing_is_left();
}

TEST_F(ConnectionsTest, AreNotBegunWithoutAddresses) {
    server.answer("addresses add 192.0.2.1", Output{.status = 2, .err = "ip: not permitted\n"});
    EXPECT_THAT(error_of_measuring(), HasSubstr("ip: not permitted"));
    EXPECT_THAT(client.commands, ElementsAre(HasSubstr("umount")));
    expect_nothing_is_left();
}

TEST_F(ConnectionsTest, SayThatTheyCannotBeUndone) {
    server.answer("addresses remove 192.0.2.1", Output{.status = 1, .err = "in use\n"});
    EXPECT_THAT(error_of_measuring(),
                AllOf(HasSubstr("ending idle connections over svcrdma: "), HasSubstr("in use")));
}

} // namespace
} // namespace lab
