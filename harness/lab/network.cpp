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

} // namespace

bool NetworkOptions::any() const {
    return delay.count() != 0 || loss != 0 || rate != 0;
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
    } else {
        return fail(fmt::format("unknown key \"{}\"; allowed are delay, jitter, loss, reorder, "
                                "rate, limit",
                                name));
    }
    return {};
}

Result<void> check(const NetworkOptions &options) {
    if (options.jitter > options.delay)
        return fail("\"jitter\" is more than \"delay\": no packet arrives before it was sent");
    if (options.reorder != 0 && options.delay.count() == 0)
        return fail("\"reorder\" needs a \"delay\", of which some packets are spared");
    return {};
}

std::string describe(const NetworkOptions &options) {
    if (!options.any())
        return {};
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

Result<Network> Network::make(Host &host, const NetworkOptions &options) {
    if (!options.any())
        return Network(nullptr);
    TRY(check(options));
    // Before it is tried: a command whose answer was lost may have worked.
    Network network(&host);
    if (auto done =
            host.check(fmt::format("tc qdisc replace dev {} root netem {}", nic, describe(options)),
                       Deadline::scaled(step));
        !done)
        return fail("slowing the network down", done.error());
    return network;
}

Result<void> Network::restore() {
    auto *host = std::exchange(host_, nullptr);
    if (host == nullptr)
        return {};
    const auto command = fmt::format(
        "! tc qdisc show dev {0} root | grep -q netem || tc qdisc del dev {0} root", nic);
    if (auto done = host->check(command, Deadline::scaled(step)); !done)
        return fail("bringing the network back", done.error());
    return {};
}

} // namespace lab
