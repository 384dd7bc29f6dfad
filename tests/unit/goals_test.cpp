// SPDX-License-Identifier: GPL-2.0-only
#include "report/goals.h"

#include "bench/bandwidth.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lab {
namespace {

Run make_run(Transport transport, std::string workload, std::uint64_t instructions) {
    Run run;
    run.key = {"7.3", transport, "3", std::move(workload), 1};
    run.outcome = Outcome::pass();
    run.fio = FioResult{};
    run.fio->ops = 10;
    run.fio->iops = 100;
    run.fio->bytes_per_s = 9'000'000;
    run.profile = Profile{{{"svc_rdma_sendto", std::string(transport_name(transport)), "transport",
                            instructions, 10}}};
    return run;
}

const Goal &find(const std::vector<Goal> &goals, std::string_view what) {
    static const Goal none;
    const auto found = std::ranges::find(goals, what, &Goal::what);
    EXPECT_NE(found, goals.end()) << what;
    return found == goals.end() ? none : *found;
}

TEST(Goals, AreJudgedAgainstStockAndAgainstFigures) {
    Report report;
    Boot boot;
    boot.kernel = "7.3";
    boot.raw_writes = 10'000'000;
    boot.overload = Overload{32, 35};
    boot.connections = {{Transport::svcrdma, 1, 900'000, 20'480},
                        {Transport::svcrdma, 256, 102'400, 20'480},
                        {Transport::rpcrdma, 256, 204'800, 204'800}};
    report.boots.push_back(boot);
    report.runs = {make_run(Transport::svcrdma, "bench-read-4k-qd1", 7'400),
                   make_run(Transport::rpcrdma, "bench-read-4k-qd1", 10'000),
                   make_run(Transport::svcrdma, "randread-4k-qd16", 9'500),
                   make_run(Transport::rpcrdma, "randread-4k-qd16", 10'000),
                   make_run(Transport::svcrdma, "read-256k-qd4", 1)};
    const auto goals = judge_goals(report);

    const Goal &qd1 = find(goals, "instructions per READ 4K at QD1");
    EXPECT_EQ(qd1.ours, 740);
    EXPECT_EQ(qd1.stock, 1000);
    EXPECT_EQ(qd1.ratio, 0.74);
    EXPECT_TRUE(qd1.met);
    EXPECT_FALSE(find(goals, "instructions per READ 4K at QD16").met);
    EXPECT_TRUE(find(goals, "of these in the transport, per READ 4K at QD1").met);
    EXPECT_FALSE(find(goals, "I/O per s, READ 4K at QD16").met) << "no faster than stock";

    // Without stock a figure of ours still counts, a comparison cannot.
    const Goal &large = find(goals, "READ 256K, share of what ib_write_bw reaches");
    EXPECT_EQ(large.ours, 0.9);
    EXPECT_FALSE(large.stock);
    EXPECT_TRUE(large.met);
    const Goal &writes = find(goals, "instructions per WRITE 4K at QD1");
    EXPECT_FALSE(writes.ours);
    EXPECT_FALSE(writes.met) << "what was not measured was not reached";

    EXPECT_EQ(find(goals, "Send contexts, slow releases, 32 credits").ours, 35);
    EXPECT_FALSE(find(goals, "Send contexts, slow releases, 32 credits").met);

    // The most connections: there the noise is least.
    EXPECT_EQ(find(goals, "KiB per idle connection, all of it").ours, 100);
    EXPECT_FALSE(find(goals, "KiB per idle connection, all of it").met);
    EXPECT_TRUE(find(goals, "KiB per idle connection, the module's own").met);
}

TEST(RawWrites, AreReadFromWhatPerftestPrints) {
    EXPECT_EQ(parse_write_bw(" #bytes     #iterations    BW peak[MiB/sec]    BW average[MiB/sec]   "
                             "MsgRate[Mpps]\n 262144     150              26.59              24.50 "
                             "\t\t   0.000098\n-----\n"),
              24.5 * 1024 * 1024);
    EXPECT_FALSE(parse_write_bw("Couldn't connect to 192.168.50.2:18515\n"));
}

// A median over both would be nobody's figure.
TEST(Goals, AreJudgedForEachNfsVersion) {
    Report report;
    report.boots.emplace_back();
    report.boots[0].kernel = "7.3";
    report.runs = {make_run(Transport::svcrdma, "bench-read-4k-qd1", 7'400),
                   make_run(Transport::rpcrdma, "bench-read-4k-qd1", 10'000),
                   make_run(Transport::svcrdma, "bench-read-4k-qd1", 9'000),
                   make_run(Transport::rpcrdma, "bench-read-4k-qd1", 10'000)};
    report.runs[2].key.nfs = report.runs[3].key.nfs = "4.2";
    const auto goals = judge_goals(report);
    EXPECT_EQ(find(goals, "instructions per READ 4K at QD1, NFSv3").ratio, 0.74);
    EXPECT_EQ(find(goals, "instructions per READ 4K at QD1, NFSv4.2").ratio, 0.9);
}

} // namespace
} // namespace lab
