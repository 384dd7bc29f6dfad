// SPDX-License-Identifier: GPL-2.0-only
#include "observe/leaks.h"

#include <fmt/format.h>

#include <sstream>

namespace lab {

namespace {

constexpr std::string_view kmemleak = "/sys/kernel/debug/kmemleak";

/// A frame of a trace, "    [<ffffffffc0301234>] svc_rdma_send+0x12/0x90 [svcrdma]" or without
/// the address; empty when the line is none.
std::string frame(const std::string &line) {
    if (!line.starts_with("    "))
        return {};
    auto at = line.find_first_not_of(' ');
    if (line.compare(at, 2, "[<") == 0)
        at = line.find_first_not_of(' ', line.find(']') + 1);
    return at == std::string::npos ? std::string() : line.substr(at);
}

} // namespace

std::vector<Leak> parse_leaks(std::string_view text) {
    std::vector<Leak> leaks;
    std::istringstream lines{std::string(text)};
    bool in_trace = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("unreferenced object")) {
            leaks.emplace_back();
            in_trace = false;
        }
        if (leaks.empty())
            continue;
        auto &leak = leaks.back();
        leak.text += line + "\n";
        if (line.starts_with("  backtrace")) {
            in_trace = true;
            continue;
        }
        const auto function = in_trace ? frame(line) : std::string();
        if (function.empty())
            continue;
        // An address that has no name any more was in a module that was unloaded: ours, in the
        // lab's guests.
        const bool ours =
            function.find("[svcrdma]") != std::string::npos || function.starts_with("0x");
        if (leak.where.empty() || (ours && !leak.ours))
            leak.where = function;
        leak.ours = leak.ours || ours;
    }
    return leaks;
}

Result<void> forget_leaks(Host &host) {
    const auto command = fmt::format("test ! -e {0} || echo clear > {0}", kmemleak);
    TRY(host.check(command, Deadline::scaled(std::chrono::seconds(30))));
    return {};
}

Result<std::vector<Leak>> find_leaks(Host &host) {
    // One that has switched itself off refuses to scan: it would find nothing.
    const auto command = fmt::format("test ! -e {0} || {{ sleep 5 && echo scan > {0} && sleep 1 && "
                                     "echo scan > {0} && cat {0}; }}",
                                     kmemleak);
    const auto text = host.check(command, Deadline::scaled(std::chrono::seconds(60)));
    if (!text)
        return fail("cannot look for leaks on " + host.name(), text.error());
    return parse_leaks(*text);
}

} // namespace lab
