// SPDX-License-Identifier: GPL-2.0-only
#include "observe/leaks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <sstream>

namespace lab {

namespace {

constexpr std::string_view kmemleak = "/sys/kernel/debug/kmemleak";
/// Other modules that runs unload; scripts/guest/nfs-prepare writes it.
constexpr std::string_view other_modules = "/run/unloaded.modules";

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

struct Range {
    std::uint64_t begin, size;
};

/// "rpcrdma 217088 2 - Live 0xffffffffc0a00000"; nothing where the kernel hides addresses.
std::optional<Range> loaded_at(const std::string &line) {
    std::istringstream words(line);
    std::string name, users, by, state;
    Range range{};
    words >> name >> range.size >> users >> by >> state >> std::hex >> range.begin;
    return words && range.begin != 0 ? std::optional(range) : std::nullopt;
}

/// An address that has no name any more was in a module that was unloaded: ours, unless another is
/// known to have been there.
bool nameless_of_ours(const std::string &function, const std::vector<Range> &others) {
    if (!function.starts_with("0x"))
        return false;
    std::uint64_t address = 0;
    std::from_chars(function.data() + 2, function.data() + function.size(), address, 16);
    return std::ranges::none_of(others, [&](const Range &range) {
        return address >= range.begin && address - range.begin < range.size;
    });
}

} // namespace

std::vector<Leak> parse_leaks(std::string_view text) {
    std::vector<Leak> leaks;
    std::istringstream lines{std::string(text)};
    std::vector<Range> others;
    bool in_trace = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("unreferenced object")) {
            leaks.emplace_back();
            in_trace = false;
        }
        if (leaks.empty()) {
            if (const auto range = loaded_at(line))
                others.push_back(*range);
            continue;
        }
        auto &leak = leaks.back();
        leak.text += line + "\n";
        if (line.starts_with("  backtrace")) {
            in_trace = true;
            continue;
        }
        const auto function = in_trace ? frame(line) : std::string();
        if (function.empty())
            continue;
        const bool ours =
            function.find("[svcrdma]") != std::string::npos || nameless_of_ours(function, others);
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
                                     "echo scan > {0} && (cat {1} 2>/dev/null || :) && cat {0}; }}",
                                     kmemleak, other_modules);
    const auto text = host.check(command, Deadline::scaled(std::chrono::seconds(60)));
    if (!text)
        return fail("cannot look for leaks on " + host.name(), text.error());
    return parse_leaks(*text);
}

} // namespace lab
