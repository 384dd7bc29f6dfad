// SPDX-License-Identifier: GPL-2.0-only
#include "lab/network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace lab {

namespace {

using std::chrono::microseconds;

constexpr auto nic = "eth1";
constexpr auto step = std::chrono::seconds(20);

/// A unit, and how many of the smallest it is.
struct Unit {
    std::string_view name;
    std::uint64_t size;
};

constexpr std::array times = {Unit{"us", 1}, Unit{"ms", 1000}, Unit{"s", 1000000}};
constexpr std::array rates = {Unit{"bit", 1}, Unit{"kbit", 1000}, Unit{"mbit", 1000000},
                              Unit{"gbit", 1000000000}};
constexpr std::array counts = {Unit{"", 1}};

/// A whole number of a unit, in the smallest, from 0 to `most`.
std::optional<std::uint64_t> read_whole(std::string_view text, std::span<const Unit> units,
                                        std::uint64_t most) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc())
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    const auto unit = std::ranges::find(units, text, &Unit::name);
    if (unit == units.end() || value > most / unit->size)
        return std::nullopt;
    return value * unit->size;
}

std::optional<double> read_percent(std::string_view text) {
    double value = 0;
    const auto read =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (read.ec != std::errc())
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    if (text != "%" || !std::isfinite(value) || std::signbit(value) || value > 100)
        return std::nullopt;
    return value;
}

/// In the largest unit of which it is a whole number.
std::string write_whole(std::uint64_t value, std::span<const Unit> units) {
    std::string text;
    for (const auto &unit : units)
        if (value % unit.size == 0)
            text = fmt::format("{}{}", value / unit.size, unit.name);
    return text;
}

std::string write_time(microseconds time) {
    return write_whole(static_cast<std::uint64_t>(time.count()), times);
}

constexpr std::uint64_t most_us = 2'000'000;
constexpr std::uint64_t most_rate = 100'000'000'000;
constexpr std::uint64_t most_packets = 1'000'000;
constexpr unsigned usual_mtu = 9000; // of init in the guests
constexpr unsigned least_mtu = 1280; // IPv6 takes no less

constexpr std::array<std::pair<std::string_view, Sender>, 3> senders{
    {{"server", Sender::server}, {"clients", Sender::clients}, {"both", Sender::both}}};

std::string netem_words(const NetworkOptions &options) {
    std::vector<std::string> words;
    if (options.delay.count() != 0)
        words.push_back("delay " + write_time(options.delay));
    if (options.jitter.count() != 0)
        words.push_back(write_time(options.jitter));
    if (options.reorder != 0)
        words.push_back(fmt::format("reorder {}%", options.reorder));
    if (options.loss != 0)
        words.push_back(fmt::format("loss {}%", options.loss));
    if (options.rate != 0)
        words.push_back("rate " + write_whole(options.rate, rates));
    words.push_back(fmt::format("limit {}", options.limit));
    return fmt::format("{}", fmt::join(words, " "));
}

} // namespace

bool NetworkOptions::treats() const {
    return delay.count() != 0 || loss != 0 || rate != 0;
}

bool NetworkOptions::any() const {
    return treats() || mtu != 0;
}

Result<void> set_option(NetworkOptions &options, std::string_view name, std::string_view value) {
    const auto wrong = [&](std::string_view allowed) {
        return fail(fmt::format("\"{}\" must be {}", name, allowed));
    };
    if (name == "delay" || name == "jitter") {
        const auto time = read_whole(value, times, most_us);
        if (!time)
            return wrong("a whole number of us, ms or s such as \"20ms\", at most 2s");
        (name == "delay" ? options.delay : options.jitter) = microseconds(*time);
    } else if (name == "loss" || name == "reorder") {
        const auto percent = read_percent(value);
        if (!percent)
            return wrong("a share of the packets such as \"0.1%\"");
        (name == "loss" ? options.loss : options.reorder) = *percent;
    } else if (name == "rate") {
        const auto rate = read_whole(value, rates, most_rate);
        if (!rate || *rate == 0)
            return wrong("a whole number of bit, kbit, mbit or gbit per second such as "
                         "\"100mbit\", at most 100gbit");
        options.rate = *rate;
    } else if (name == "limit") {
        const auto packets = read_whole(value, counts, most_packets);
        if (!packets || *packets == 0)
            return wrong("a whole number of packets from 1 to 1000000");
        options.limit = static_cast<unsigned>(*packets);
    } else if (name == "sender") {
        const auto sender =
            std::ranges::find(senders, value, &std::pair<std::string_view, Sender>::first);
        if (sender == senders.end())
            return wrong("\"server\", \"clients\" or \"both\"");
        options.sender = sender->second;
    } else if (name == "mtu") {
        const auto mtu = read_whole(value, counts, usual_mtu);
        if (!mtu || *mtu < least_mtu)
            return wrong("a whole number of bytes from 1280 to 9000");
        options.mtu = static_cast<unsigned>(*mtu);
    } else {
        return fail(fmt::format("unknown key \"{}\"; allowed are delay, jitter, loss, reorder, "
                                "rate, limit, sender, mtu",
                                name));
    }
    return {};
}

Result<void> check(const NetworkOptions &options) {
    if (options.jitter > options.delay)
        return fail("\"jitter\" is more than \"delay\": no packet arrives before it was sent");
    if (options.reorder != 0 && options.delay.count() == 0)
        return fail("\"reorder\" needs a \"delay\", of which some packets are spared");
    if (options.sender != Sender::server && !options.treats())
        return fail("\"sender\" needs a \"delay\", \"loss\" or \"rate\" that befalls its packets");
    return {};
}

std::string describe(const NetworkOptions &options) {
    std::vector<std::string> words;
    if (options.treats()) {
        words.push_back(netem_words(options));
        if (options.sender != Sender::server)
            words.push_back(fmt::format(
                "from {}", std::ranges::find(senders, options.sender,
                                             &std::pair<std::string_view, Sender>::second)
                               ->first));
    }
    if (options.mtu != 0)
        words.push_back(fmt::format("mtu {}", options.mtu));
    return fmt::format("{}", fmt::join(words, " "));
}

Result<void> Network::treat(Host &host, const NetworkOptions &options) {
    // Before it is tried: a command whose answer was lost may have worked.
    treated_.push_back(&host);
    if (auto done = host.check(
            fmt::format("tc qdisc replace dev {} root netem {}", nic, netem_words(options)),
            Deadline::scaled(step));
        !done)
        return fail("slowing the network down", done.error());
    return {};
}

Result<void> Network::resize(Host &host, unsigned mtu) {
    resized_.push_back(&host);
    if (auto done =
            host.check(fmt::format("ip link set dev {} mtu {}", nic, mtu), Deadline::scaled(step));
        !done)
        return fail("changing the size of packets", done.error());
    return {};
}

Result<Network> Network::make(Host &host, const NetworkOptions &options) {
    auto only = options;
    only.sender = Sender::server;
    return make(std::vector{&host}, only);
}

Result<Network> Network::make(const std::vector<Host *> &machines, const NetworkOptions &options) {
    TRY(check(options));
    Network network;
    for (Host *host : machines) {
        const auto who = host == machines.front() ? Sender::server : Sender::clients;
        if (options.treats() && (options.sender == who || options.sender == Sender::both))
            TRY(network.treat(*host, options));
        if (options.mtu != 0)
            TRY(network.resize(*host, options.mtu));
    }
    return network;
}

Result<void> Network::restore() {
    Result<void> first;
    const auto run = [&](Host *host, const std::string &command) {
        auto done = host->check(command, Deadline::scaled(step));
        if (!done && first)
            first = fail("bringing the network back", done.error());
    };
    for (auto *host : std::exchange(treated_, {}))
        run(host, fmt::format("! tc qdisc show dev {0} root | grep -q netem || "
                              "tc qdisc del dev {0} root",
                              nic));
    for (auto *host : std::exchange(resized_, {}))
        run(host, fmt::format("ip link set dev {} mtu {}", nic, usual_mtu));
    return first;
}

} // namespace lab
