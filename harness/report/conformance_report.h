// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "nfs/transport.h"
#include "report/report.h"
#include "report/verdict.h"
#include "util/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// One test of rpcrdma-conform, as its JSON report tells it.
struct ConformanceTest {
    std::string name;   ///< "group.what"
    std::string what;   ///< one line for people
    std::string status; ///< "pass", "fail", "not applicable"
    std::string why;    ///< empty for a pass
    std::vector<std::string> requirements;
    double seconds = 0;
};

/// The tests of a report that rpcrdma-conform wrote with --json.
Result<std::vector<ConformanceTest>> read_conformance_tests(std::string_view json);

/// Whether a test may be "not applicable" to ours. The lab's server has all that the suite asks
/// for but version 2 of NFS, which Debian's kernels leave out. And nfsd of 6.12 returns wrong data
/// for the second READ of a COMPOUND, over TCP as well.
bool excused(const ConformanceTest &test, std::string_view kernel);

/// The suite against one transport of one kernel. Failed until it has ended.
struct ConformanceRun {
    std::string kernel; ///< exact version
    Transport transport = Transport::svcrdma;
    std::vector<ConformanceTest> tests;
    /// Whether the suite came to its end, the server stopped afterwards, and no kernel complained
    /// meanwhile; says nothing of what single tests found.
    Outcome outcome;
    double seconds = 0;    ///< boot included
    std::string directory; ///< of its files, below the results

    /// Tests with this status.
    [[nodiscard]] std::size_t count(std::string_view status) const;
};

/// Ours and the kernel's own, side by side. Runs of one kernel follow each other.
struct ConformanceReport {
    std::string started; ///< UTC, ISO 8601
    double seconds = 0;
    std::uint64_t seed = 0; ///< of the random messages, the same for all
    Environment environment;
    std::vector<ConformanceRun> runs; ///< all that were asked for
};

/// What is to be done for these kernels (exact versions), and none of it done yet.
std::vector<ConformanceRun> plan_runs(const std::vector<std::string> &kernels);

/// Whether our transport was tested wherever that was planned, passed everything that it is not
/// excused from, and no kernel complained about it. What the other one does is for the reader to
/// know, and nothing that we could mend.
Outcome judge(const ConformanceReport &report);

/// Tables in Markdown: totals, every test, and how the tests went that did not pass.
std::string to_markdown(const ConformanceReport &report);

/// Schema 1. The messages are in the reports of the single runs.
std::string to_json(const ConformanceReport &report);

/// A test suite per run. What the other transport fails counts as skipped: the report fails when
/// judge() does.
std::string to_junit(const ConformanceReport &report);

} // namespace lab
