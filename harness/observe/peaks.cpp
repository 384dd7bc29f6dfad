// SPDX-License-Identifier: GPL-2.0-only
#include "observe/peaks.h"

#include "host/guest_script.h"
#include "util/text.h"

namespace lab {
Result<void> start_sampling(Host &host, Deadline deadline) {
    if (auto out = run_script(host, "sample-peaks", {"start"}, deadline); !out)
        return fail("cannot sample on " + host.name(), out.error());
    return {};
}

Result<Peaks> stop_sampling(Host &host, Deadline deadline) {
    const auto out = run_script(host, "sample-peaks", {"stop"}, deadline);
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
