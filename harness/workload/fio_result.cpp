// SPDX-License-Identifier: GPL-2.0-only
#include "workload/fio_result.h"

#include "util/text.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace lab {
namespace {

using nlohmann::json;

// fio reports errors as plain text before, and some versions after, the JSON: the object is what
// stands between the first line that begins with a brace and the last that does.
std::optional<std::string_view> json_part(std::string_view out) {
    const auto begin = out.starts_with('{') ? 0 : out.find("\n{");
    const auto end = out.rfind('}');
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin)
        return std::nullopt;
    return out.substr(begin, end - begin + 1);
}

std::string text(const json &object, const char *key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::uint64_t number(const json &object, const char *key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_number() ? it->get<std::uint64_t>() : 0;
}

// Every block that fails its check is told once on standard error, whichever check it was.
std::uint64_t count_verify_messages(std::string_view err) {
    std::uint64_t count = 0;
    while (!err.empty()) {
        const auto newline = err.find('\n');
        const auto line = err.substr(0, newline);
        err.remove_prefix(newline == std::string_view::npos ? err.size() : newline + 1);
        if (line.starts_with("verify: ") || line.find(": verify failed at ") != line.npos)
            ++count;
    }
    return count;
}

std::optional<Latency> latency_of(const json &direction) {
    for (const char *key : {"clat_ns", "lat_ns"}) {
        const auto latency = direction.find(key);
        if (latency == direction.end() || !latency->contains("percentile"))
            continue;
        const json &percentiles = (*latency)["percentile"];
        const auto percentile = [&](const char *key) {
            return percentiles.contains(key) ? std::optional(number(percentiles, key))
                                             : std::nullopt;
        };
        return Latency{.p50 = percentile("50.000000"),
                       .p90 = percentile("90.000000"),
                       .p99 = percentile("99.000000"),
                       .p999 = percentile("99.900000")};
    }
    return std::nullopt;
}

struct Sums {
    FioResult result;
    unsigned sources = 0; // directions of jobs that did I/O
    // Jobs of one group run side by side, groups one after the other.
    std::map<std::uint64_t, std::uint64_t> group_ms;
};

void add_direction(Sums &sums, const json &job, const json &direction) {
    if (number(direction, "total_ios") == 0)
        return;
    FioResult &result = sums.result;
    result.ops += number(direction, "total_ios");
    result.bytes += number(direction, "io_bytes");
    auto &group_ms = sums.group_ms[number(job, "groupid")];
    group_ms = std::max(group_ms, number(direction, "runtime"));
    result.latency_ns = ++sums.sources == 1 ? latency_of(direction) : std::nullopt;
}

void add_job(Sums &sums, const json &job) {
    const json none = json::object();
    const auto part = [&](const char *name) -> const json & {
        const auto it = job.find(name);
        return it == job.end() ? none : *it;
    };
    sums.result.read_ops += number(part("read"), "total_ios");
    sums.result.write_ops += number(part("write"), "total_ios");
    // unified_rw_reporting adds up both directions itself, instead of them or beside them.
    if (job.contains("mixed")) {
        add_direction(sums, job, part("mixed"));
        return;
    }
    add_direction(sums, job, part("read"));
    add_direction(sums, job, part("write"));
}

void add_errors(FioResult &result, const json &job) {
    const auto error = number(job, "error");
    const auto total = number(job, "total_err");
    // Verification reports its failures as EILSEQ. With continue_on_error all are counted,
    // without it the first one ends the job.
    if (error == EILSEQ)
        result.verify_errors += std::max<std::uint64_t>(total, 1);
    else if (error != 0)
        result.error = fmt::format("job {}: {} (error {})", text(job, "jobname"),
                                   std::strerror(static_cast<int>(error)), error);
}

/// Rates of a sum, over the time that its groups took.
void add_rates(Sums &sums) {
    FioResult &result = sums.result;
    for (const auto &[group, ms] : sums.group_ms)
        result.runtime_ms += ms;
    if (result.runtime_ms == 0)
        return;
    const double seconds = static_cast<double>(result.runtime_ms) / 1000;
    result.iops = static_cast<double>(result.ops) / seconds;
    result.bytes_per_s =
        static_cast<std::uint64_t>(std::llround(static_cast<double>(result.bytes) / seconds));
}

constexpr auto sum_of_clients = "All clients";

/// What fio's clients did, each by itself: their jobs have entries of their own.
std::vector<ClientResult> results_of_clients(const json &entries) {
    std::map<std::string, Sums> clients;
    for (const json &entry : entries)
        if (text(entry, "jobname") != sum_of_clients)
            add_job(clients[text(entry, "hostname")], entry);
    std::vector<ClientResult> results;
    for (auto &[host, sums] : clients) {
        add_rates(sums);
        results.push_back({host, sums.result.ops, sums.result.iops, sums.result.bytes_per_s});
    }
    return results;
}

} // namespace

Result<FioResult> parse_fio(std::string_view out, std::string_view err) {
    const auto json_text = json_part(out);
    if (!json_text) {
        const auto said = trimmed(err).empty() ? trimmed(out) : trimmed(err);
        return fail(said.empty() ? "fio printed nothing" : fmt::format("fio: {}", said));
    }
    const json document = json::parse(*json_text, nullptr, false);
    if (document.is_discarded() || !document.is_object())
        return fail("fio's JSON output is cut off or damaged");

    Sums sums;
    FioResult &result = sums.result;
    result.version = text(document, "fio version");
    if (result.version.starts_with("fio-1.") || result.version.starts_with("fio-2."))
        return fail(result.version + " is too old: fio 3.0 or newer measures in nanoseconds");
    auto jobs = document.find("jobs");
    const bool several = jobs == document.end();
    if (several)
        jobs = document.find("client_stats");
    if (jobs == document.end() || !jobs->is_array() || jobs->empty())
        return fail(
            fmt::format("fio's output names no job: the job file is empty or fio dropped its "
                        "jobs: {}{}",
                        trimmed(err), trimmed(out.substr(0, out.find('{')))));

    bool summed = !several;
    for (const json &job : *jobs) {
        if (!several || text(job, "jobname") == sum_of_clients) {
            add_job(sums, job);
            summed = true;
        }
        add_errors(result, job);
    }
    if (!summed)
        return fail("fio's output has no sum of its clients: one of them was not there");
    if (several)
        result.clients = results_of_clients(*jobs);
    result.verify_errors = std::max(result.verify_errors, count_verify_messages(err));

    add_rates(sums);
    if (result.ops > 0 && result.runtime_ms == 0 && result.verify_errors == 0 &&
        result.error.empty())
        return fail("the run took less than a millisecond: give the job more to do");
    return result;
}

} // namespace lab
