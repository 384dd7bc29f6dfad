// SPDX-License-Identifier: GPL-2.0-only
#include "observe/peaks.h"

#include "util/text.h"

namespace lab {
namespace {

// One shell that forks nothing while it looks; the pipe that nobody writes to is its clock.
constexpr auto start = R"(cat >/run/lab-peaks.sh <<'END'
cd /sys/module/svcrdma/counters || exit
contexts=0 pages=0
trap 'echo send_ctxts $contexts; echo pinned_pages $pages; exit' TERM
exec 3<> <(:)
while :; do
    read -r now <live_send_ctxts && [ "$now" -gt $contexts ] && contexts=$now
    read -r now <live_reply_pages && [ "$now" -gt $pages ] && pages=$now
    read -r -t 0.02 -u 3
done
END
setsid bash /run/lab-peaks.sh >/run/lab-peaks 2>&1 </dev/null &
echo $! >/run/lab-peaks.pid
)";

constexpr auto stop = R"(pid=$(cat /run/lab-peaks.pid)
kill $pid && while [ -e /proc/$pid ]; do sleep 0.05; done
cat /run/lab-peaks
rm -f /run/lab-peaks /run/lab-peaks.pid /run/lab-peaks.sh
)";

} // namespace

Result<void> start_sampling(Host &host, Deadline deadline) {
    if (auto out = host.check(start, deadline); !out)
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
