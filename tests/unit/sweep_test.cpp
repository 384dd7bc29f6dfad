// SPDX-License-Identifier: GPL-2.0-only
#include "report/sweep_reporter.h"

#include <gtest/gtest.h>

namespace lab {
namespace {

Run run_with(const std::string &variant, unsigned repeat, double iops) {
    Run run;
    run.key = {"6.12", Transport::svcrdma, "3", "reads", repeat, variant};
    run.outcome = Outcome::pass();
    run.fio.emplace();
    run.fio->ops = 100;
    run.fio->iops = iops;
    return run;
}

TEST(Sweep, HasALineForEachVariant) {
    Report report;
    report.runs = {run_with("release=inline unmap_us=2", 1, 10),
                   run_with("release=inline unmap_us=2", 2, 30),
                   run_with("release=inline unmap_us=5", 1, 7)};
    report.runs[0].peaks = Peaks{{"send_ctxts", 17}};
    // What was traced or measured is there, the rest says that it is not.
    EXPECT_EQ(sweep_tsv(report),
              "kernel\tnfs\ttransport\tworkload\trelease\tunmap_us\tiops\tlatency_p50_ms\t"
              "latency_p99_ms\tfairness\tsends_per_s\tinstructions_per_op\tsend_handler_ns\tsend_"
              "ctxts\tpinned_pages\n"
              "6.12\t3\tsvcrdma\treads\tinline\t2\t20\tnan\tnan\tnan\tnan\tnan\tnan\t17\tnan\n"
              "6.12\t3\tsvcrdma\treads\tinline\t5\t7\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\n");
}

TEST(Sweep, OfNothingIsEmpty) {
    EXPECT_EQ(sweep_tsv({}), "");
}

} // namespace
} // namespace lab
