// SPDX-License-Identifier: GPL-2.0-only
#include "observe/perf_stat.h"

#include "host/guest_script.h"
#include "util/text.h"

#include <fmt/format.h>

namespace lab {
Result<void> start_perf_stat(Host &host, Deadline deadline) {
    if (auto out = run_script(host, "perf-stat", {"start"}, deadline); !out)
        return fail("cannot start perf stat on " + host.name(), out.error());
    return {};
}

Result<Profile> stop_perf_stat(Host &host, Deadline deadline) {
    const auto out = run_script(host, "perf-stat", {"stop"}, deadline);
    if (!out)
        return fail("cannot stop perf stat on " + host.name(), out.error());
    return parse_perf_stat(*out);
}

Result<Profile> parse_perf_stat(std::string_view text) {
    Profile profile;
    std::string_view last;
    while (!text.empty()) {
        const auto line = next_line(text);
        if (!trimmed(line).empty())
            last = line;
        const bool kernel = line.find(",instructions:k,") != line.npos;
        if (!kernel && line.find(",instructions:u,") == line.npos)
            continue;
        const auto count = parse_number(line.substr(0, line.find(',')));
        if (!count)
            break;
        if (kernel)
            profile.functions.push_back({"(kernel)", "", "kernel", *count, 0});
        else
            profile.functions.push_back({"(user space)", "", "user space", *count, 0});
    }
    if (profile.functions.size() != 2)
        return fail(fmt::format("perf stat counts no instructions here: {}", last));
    return profile;
}

} // namespace lab
