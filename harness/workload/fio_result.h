// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// Percentiles of the completion latency of a run's I/O, in nanoseconds. A job file may have asked
/// fio for others.
struct Latency {
    std::optional<std::uint64_t> p50, p90, p99, p999;
};

/// What one of several clients did.
struct ClientResult {
    std::string host; ///< as fio was told to reach it
    std::uint64_t ops = 0;
    double iops = 0;
    std::uint64_t bytes_per_s = 0;
};

/// What fio measured over all jobs of a run, and over all clients.
struct FioResult {
    std::string version;        ///< "fio-3.39"
    std::uint64_t ops = 0;      ///< reads, writes and the reads that verify
    std::uint64_t read_ops = 0; ///< of these; 0 when only the unified report was asked for
    std::uint64_t write_ops = 0;
    std::uint64_t bytes = 0;
    std::uint64_t runtime_ms = 0; ///< of the longest job, summed over groups that ran in turn
    double iops = 0;
    std::uint64_t bytes_per_s = 0;
    /// Nothing when several jobs or directions were reported apart: percentiles do not add up.
    std::optional<Latency> latency_ns;
    std::uint64_t verify_errors = 0;
    std::vector<ClientResult> clients; ///< in the order of their names; empty if there was one
    std::string error; ///< why fio calls the run failed, verification apart; empty when it does not
};

/// Reads what `fio --output-format=json` wrote: `out` is its standard output, which may carry
/// lines of text around the JSON, `err` its standard error, where verification failures are
/// told. With several clients fio's own sum counts. fio 3.0 and newer; an error says what is
/// missing.
Result<FioResult> parse_fio(std::string_view out, std::string_view err);

} // namespace lab
