// SPDX-License-Identifier: GPL-2.0-only
#include "observe/peaks.h"

#include "host/guest_script.h"
#include "util/text.h"

#include <fmt/format.h>

namespace lab {
namespace {

constexpr auto start = R"(setsid {} >/run/lab-peaks 2>&1 </dev/null &
echo $! >/run/lab-peaks.pid
)";

constexpr auto stop = R"(pid=$(cat /run/lab-peaks.pid)
kill $pid && while [ -e /proc/$pid ]; do sleep 0.05; done
cat /run/lab-peaks
rm -f /run/lab-peaks /run/lab-peaks.pid
)";

} // namespace

Result<void> start_sampling(Host &host, Deadline deadline) {
    const auto script = TRY(guest_script("sample-peaks"));
    if (auto out = host.check(fmt::format(start, script), deadline); !out)
        return fail("cannot sample on " + host.name(), out.error());
    return {};
}

Result<Peaks> stop_sampling(Host &host, Deadline deadline) {
    const auto out = host.check(stop, deadline);
    if (!out)
        return fail("cannot read the samples of " + host.name(), out.error());
    Peaks peaks;
    for (std::string_view text = *out; !text.empty();) {
        const auto line = next_line(text);
        const auto blank = line.find(' ');
        const auto value = parse_number(line.substr(std::min(blank, line.size())));
        if (blank == line.npos || !value)
            return fail("sampling on " + host.name() + " failed: " + *out);
        peaks[std::string(line.substr(0, blank))] = *value;
    }
    return peaks;
}

} // namespace lab
