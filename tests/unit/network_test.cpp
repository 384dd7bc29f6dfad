// SPDX-License-Identifier: GPL-2.0-only
#include "lab/network.h"

#include "host/fake_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace lab {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(std::string_view name, std::string_view value) {
    NetworkOptions options;
    const auto set = set_option(options, name, value);
    return set ? "no error" : set.error().what;
}

constexpr auto netem = "tc qdisc replace dev eth1 root netem ";
const auto undone = AllOf(HasSubstr("grep -q netem"), HasSubstr("tc qdisc del dev eth1 root"));

TEST(Network, IsToldInNetemsWords) {
    EXPECT_EQ(describe({}), "");
    EXPECT_EQ(describe({.delay = 150ms}), "delay 150ms limit 10000");
    EXPECT_EQ(describe({.delay = 1500us, .jitter = 1s, .limit = 7}), "delay 1500us 1s limit 7");
    EXPECT_EQ(describe({.delay = 1s, .loss = 0.25, .reorder = 5, .rate = 1'500'000}),
              "delay 1s reorder 5% loss 0.25% rate 1500kbit limit 10000");
    EXPECT_EQ(describe({.loss = 100}), "loss 100% limit 10000");
    EXPECT_EQ(describe({.loss = 1, .sender = Sender::both, .mtu = 1500}),
              "loss 1% limit 10000 from both mtu 1500");
    EXPECT_EQ(describe({.mtu = 1500}), "mtu 1500");
}

TEST(Network, IsReadFromWords) {
    NetworkOptions options;
    for (const auto &[name, value] : {std::pair{"delay", "20ms"},
                                      {"jitter", "300us"},
                                      {"loss", "0.5%"},
                                      {"reorder", "1%"},
                                      {"rate", "100mbit"},
                                      {"limit", "1000"},
                                      {"sender", "clients"},
                                      {"mtu", "4096"}})
        EXPECT_TRUE(set_option(options, name, value)) << name;
    EXPECT_EQ(options.delay, 20ms);
    EXPECT_EQ(options.jitter, 300us);
    EXPECT_EQ(options.loss, 0.5);
    EXPECT_EQ(options.reorder, 1);
    EXPECT_EQ(options.rate, 100'000'000U);
    EXPECT_EQ(options.limit, 1000U);
    EXPECT_EQ(options.sender, Sender::clients);
    EXPECT_EQ(options.mtu, 4096U);
    EXPECT_TRUE(options.any());
    EXPECT_TRUE(check(options));
}

TEST(Network, RefusesWhatIsNoValue) {
    for (const auto *value : {"", "20", "ms", "20 ms", "-1ms", "1.5ms", "3s", "2001ms",
                              "18446744073709551615s", "20ms; reboot"})
        EXPECT_THAT(error_of("delay", value), HasSubstr("\"20ms\", at most 2s")) << value;
    for (const auto *value : {"", "1", "%", "101%", "-1%", "-0%", "1e1%", "nan%", "inf%", "1%%"})
        EXPECT_THAT(error_of("loss", value), HasSubstr("\"0.1%\"")) << value;
    for (const auto *value : {"", "0mbit", "100", "100Mbps", "101gbit"})
        EXPECT_THAT(error_of("rate", value), HasSubstr("\"100mbit\", at most 100gbit")) << value;
    for (const auto *value : {"", "0", "10ms", "1000001"})
        EXPECT_THAT(error_of("limit", value), HasSubstr("from 1 to 1000000")) << value;
    for (const auto *value : {"", "1279", "9001", "1.5k"})
        EXPECT_THAT(error_of("mtu", value), HasSubstr("from 1280 to 9000")) << value;
    EXPECT_THAT(error_of("sender", "client"), HasSubstr("\"clients\" or \"both\""));
    EXPECT_THAT(error_of("speed", "1"), HasSubstr("unknown key \"speed\"; allowed are delay, "));
}

TEST(Network, RefusesWhatMakesNoSenseTogether) {
    EXPECT_FALSE(check({.jitter = 1ms}));
    EXPECT_FALSE(check({.delay = 1ms, .jitter = 2ms}));
    EXPECT_FALSE(check({.loss = 1, .reorder = 1}));
    EXPECT_TRUE(check({.delay = 2ms, .jitter = 2ms, .reorder = 1}));
    EXPECT_FALSE(check({.sender = Sender::clients}));
    EXPECT_FALSE(check({.sender = Sender::both, .mtu = 1500}));
    FakeHost host;
    EXPECT_FALSE(Network::make(host, {.delay = 1ms, .jitter = 2ms}));
    EXPECT_THAT(host.commands, ElementsAre());
}

TEST(Network, IsBackWhenItEnds) {
    FakeHost host;
    {
        auto network = Network::make(host, {.delay = 20ms});
        ASSERT_TRUE(network);
        EXPECT_THAT(host.commands, ElementsAre(std::string(netem) + "delay 20ms limit 10000"));
        const auto moved = std::move(*network);
        EXPECT_EQ(host.commands.size(), 1U);
    }
    EXPECT_THAT(host.commands, ElementsAre(HasSubstr(netem), undone));
}

TEST(Network, TreatsWhomTheOptionsName) {
    const std::string delay = std::string(netem) + "delay 20ms limit 10000";
    const auto commands = [&](Sender sender) {
        std::array<FakeHost, 3> hosts;
        auto &[server, client, other] = hosts;
        std::vector<std::vector<std::string>> said;
        auto network = Network::make({&server, &client, &other}, {.delay = 20ms, .sender = sender});
        EXPECT_TRUE(network);
        for (const FakeHost &host : hosts)
            said.push_back(host.commands);
        EXPECT_TRUE(network->restore());
        for (std::size_t i = 0; i < hosts.size(); i++)
            EXPECT_EQ(hosts.at(i).commands.size(), 2 * said[i].size());
        return said;
    };
    EXPECT_THAT(commands(Sender::server),
                ElementsAre(ElementsAre(delay), ElementsAre(), ElementsAre()));
    EXPECT_THAT(commands(Sender::clients),
                ElementsAre(ElementsAre(), ElementsAre(delay), ElementsAre(delay)));
    EXPECT_THAT(commands(Sender::both),
                ElementsAre(ElementsAre(delay), ElementsAre(delay), ElementsAre(delay)));
}

TEST(Network, HasPacketsOfAnotherSizeEverywhere) {
    FakeHost server;
    FakeHost client;
    {
        const auto network = Network::make({&server, &client}, {.mtu = 1500});
        ASSERT_TRUE(network);
        EXPECT_THAT(server.commands, ElementsAre("ip link set dev eth1 mtu 1500"));
    }
    for (const FakeHost *host : {&server, &client})
        EXPECT_THAT(host->commands,
                    ElementsAre("ip link set dev eth1 mtu 1500", "ip link set dev eth1 mtu 9000"));
}

TEST(Network, IsBroughtBackOnce) {
    FakeHost host;
    {
        auto network = Network::make(host, {.loss = 1});
        ASSERT_TRUE(network);
        EXPECT_TRUE(network->restore());
        EXPECT_TRUE(network->restore());
    }
    EXPECT_THAT(host.commands, ElementsAre(HasSubstr(netem), undone));
}

TEST(Network, IsLeftAloneWhenNothingIsAsked) {
    FakeHost host;
    EXPECT_TRUE(Network::make(host, {}));
    EXPECT_THAT(host.commands, ElementsAre());
}

TEST(Network, SaysThatItCouldNotBeBroughtBack) {
    FakeHost host;
    auto network = Network::make(host, {.delay = 20ms});
    ASSERT_TRUE(network);
    host.answer("tc ", Output{.status = 1});
    EXPECT_FALSE(network->restore());
    EXPECT_FALSE(Network::make(host, {.delay = 20ms}));
    EXPECT_THAT(host.commands.back(), undone) << "it may have worked all the same";
}

} // namespace
} // namespace lab
