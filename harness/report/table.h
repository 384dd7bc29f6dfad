// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/report.h"

#include <string>
#include <vector>

namespace lab {

/// Transports side by side, ready to be laid out: one table per kernel and NFS version.
struct Table {
    struct Row {
        std::string workload;
        std::string metric; ///< with its unit
        std::string runs;   ///< how many are behind each value: "3", or "3/2" by transport
        std::vector<std::string> values; ///< one per transport: medians over the repeats
        std::vector<std::string> ratios; ///< one per comparison: "1.03 (0.98..1.10)"
    };

    std::string kernel, nfs;
    std::vector<std::string> transports;
    std::vector<std::string> comparisons; ///< "svcrdma/tcp"
    std::vector<Row> rows;
};

/// What was not measured is shown as "-".
std::vector<Table> make_tables(const Report &report);

/// What a reader of figures must know about them, a sentence each.
std::vector<std::string> reader_notes(const Environment &environment);

/// What soaks did, in a sentence or two for each boot.
std::vector<std::string> soak_lines(const Report &report);

/// One line per boot and run that did not pass.
std::vector<std::string> list_troubles(const Report &report);

} // namespace lab
