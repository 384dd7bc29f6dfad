// SPDX-License-Identifier: GPL-2.0-only
#include "nfs/transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <sstream>

namespace lab {

namespace {

struct Name {
    Transport transport;
    std::string_view name;
};

constexpr std::array names = {
    Name{Transport::svcrdma, "svcrdma"},
    Name{Transport::rpcrdma, "rpcrdma"},
    Name{Transport::tcp, "tcp"},
};

} // namespace

std::string_view transport_name(Transport transport) {
    return std::ranges::find(names, transport, &Name::transport)->name;
}

std::optional<Transport> transport_from(std::string_view name) {
    const auto *found = std::ranges::find(names, name, &Name::name);
    if (found == names.end())
        return std::nullopt;
    return found->transport;
}

bool contains(const std::vector<Transport> &all, Transport one) {
    return std::ranges::find(all, one) != all.end();
}

Result<Counters> read_counters(Host &host, std::string_view directory) {
    // One process for all files: an emulated CPU starts 50 a second.
    const auto text =
        TRY(host.check(cheap_script(fmt::format(
                           "cd {} 2>/dev/null || exit 0; grep -H . * 2>/dev/null || :", directory)),
                       Deadline::scaled(std::chrono::seconds(10))));
    Counters result;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const auto colon = line.find(':');
        if (colon == std::string::npos)
            continue;
        std::istringstream number(line.substr(colon + 1));
        if (std::uint64_t value = 0; number >> value && number.eof())
            result[line.substr(0, colon)] = value;
    }
    return result;
}

} // namespace lab
