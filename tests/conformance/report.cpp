// SPDX-License-Identifier: GPL-2.0-only
#include "report.h"

#include "report/junit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <map>

namespace conform {

namespace {

constexpr std::size_t shown_bytes = 512;   // of a message, in text
constexpr std::size_t shown_messages = 12; // of a failed test, in text

std::string message_text(const Traced &message) {
    return fmt::format("    {} {} ({} bytes) {}\n", message.sent ? "sent    " : "received",
                       message.connection, message.bytes.size(),
                       rpcrdma::to_hex(message.bytes, shown_bytes));
}

std::string messages_text(const std::vector<Traced> &messages, std::size_t most) {
    std::string text;
    const auto left_out = messages.size() > most ? messages.size() - most : 0;
    if (left_out > 0)
        text = fmt::format("    ... {} earlier messages\n", left_out);
    for (std::size_t i = left_out; i < messages.size(); i++)
        text += message_text(messages[i]);
    return text;
}

std::string group_of(const Test &test) {
    return std::string(test.name.substr(0, test.name.find('.')));
}

lab::Verdict verdict_of(Status status) {
    switch (status) {
    case Status::pass:
        return lab::Verdict::pass;
    case Status::fail:
        return lab::Verdict::fail;
    case Status::not_applicable:
        break;
    }
    return lab::Verdict::skip;
}

} // namespace

std::string_view status_name(Status status) {
    switch (status) {
    case Status::pass:
        return "pass";
    case Status::fail:
        return "fail";
    case Status::not_applicable:
        break;
    }
    return "not applicable";
}

std::string to_text(const Outcome &outcome, bool verbose) {
    auto text =
        fmt::format("{:<14} {:<26} {} [{}] {} bytes sent, {} received\n",
                    status_name(outcome.status), outcome.test->name, outcome.test->what,
                    fmt::join(outcome.test->requirements, ", "), outcome.sent, outcome.received);
    if (!outcome.why.empty())
        text += fmt::format("    {}\n", outcome.why);
    if (verbose)
        text += messages_text(outcome.messages, outcome.messages.size());
    else if (outcome.status == Status::fail)
        text += messages_text(outcome.messages, shown_messages);
    return text;
}

std::string to_json(const std::vector<Outcome> &outcomes, const Options &options) {
    nlohmann::ordered_json report = {{"schema", 1},
                                     {"server", options.target.host},
                                     {"port", options.target.port},
                                     {"seed", options.seed}};
    auto &tests = report["tests"] = nlohmann::ordered_json::array();
    for (const auto &outcome : outcomes) {
        auto messages = nlohmann::ordered_json::array();
        for (const auto &message : outcome.messages)
            messages.push_back({{"connection", message.connection},
                                {"direction", message.sent ? "sent" : "received"},
                                {"length", message.bytes.size()},
                                {"bytes", rpcrdma::to_hex(message.bytes, shown_bytes)}});
        tests.push_back({{"name", outcome.test->name},
                         {"requirements", outcome.test->requirements},
                         {"what", outcome.test->what},
                         {"status", status_name(outcome.status)},
                         {"why", outcome.why},
                         {"seconds", outcome.seconds},
                         {"bytes_sent", outcome.sent},
                         {"bytes_received", outcome.received},
                         {"messages", std::move(messages)}});
    }
    // An export may be called anything.
    return report.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string to_junit(const std::vector<Outcome> &outcomes, const Options &options,
                     const std::string &started) {
    struct Group {
        std::vector<const Outcome *> outcomes;
        double seconds = 0;
    };
    std::map<std::string, Group> groups;
    double seconds = 0;
    for (const auto &outcome : outcomes) {
        auto &group = groups[group_of(*outcome.test)];
        group.outcomes.push_back(&outcome);
        group.seconds += outcome.seconds;
        seconds += outcome.seconds;
    }
    lab::JunitDocument document("rpcrdma-conform " + options.target.host, seconds);
    for (const auto &[name, group] : groups) {
        lab::JunitSuite suite(document, "rpcrdma-conform." + name, started, group.seconds);
        for (const auto *outcome : group.outcomes)
            suite.add(std::string(outcome->test->name), outcome->seconds,
                      {verdict_of(outcome->status), outcome->why},
                      outcome->status == Status::fail
                          ? messages_text(outcome->messages, shown_messages)
                          : "");
    }
    return document.text();
}

} // namespace conform
