// SPDX-License-Identifier: GPL-2.0-only
#include "lab/judge.h"

#include <fmt/format.h>

namespace lab {

Outcome outcome_of(Pair &pair, const Error &error) {
    if (const auto alive = pair.alive(); !alive)
        return {verdict_of(alive.error()), alive.error().what};
    return {verdict_of(error), error.what};
}

Outcome judge_fio(const JobFile &job, int status, const FioResult &result) {
    if (result.verify_errors > 0)
        return {Verdict::fail, fmt::format("{} verification errors: data came back changed",
                                           result.verify_errors)};
    if (!result.error.empty())
        return {Verdict::fail, result.error};
    if (status != 0)
        return {Verdict::fail, fmt::format("fio ended with status {}", status)};
    if (result.ops == 0)
        return {Verdict::fail, "fio did no I/O"};
    if (job.verifies && result.write_ops > 0 && result.read_ops == 0)
        return {Verdict::fail, "nothing was read back: no data was verified"};
    return Outcome::pass();
}

Outcome judge_counters(Transport transport, const FioResult &result, const Counters &module) {
    const auto it = module.find("calls");
    const auto calls = it == module.end() ? 0 : it->second;
    if (transport == Transport::svcrdma && calls < result.ops)
        return {Verdict::fail,
                fmt::format("{} operations, but only {} calls in our module", result.ops, calls)};
    if (transport != Transport::svcrdma && calls != 0)
        return {Verdict::fail, fmt::format("{} calls in our module, but the mount names {}", calls,
                                           transport_name(transport))};
    return Outcome::pass();
}

} // namespace lab
