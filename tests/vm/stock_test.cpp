// SPDX-License-Identifier: GPL-2.0-only
// The lab itself, with the transports that the kernel brings along: what fails here is not ours.
#include "fixture.h"
#include "lab/path_proof.h"
#include "observe/perf_stat.h"

namespace lab {

using StockTest = VmTest;

TEST_F(StockTest, EachVersionMountsOverBothTransports) {
    serve({Transport::rpcrdma, Transport::tcp});
    ASSERT_TRUE(nfs_);
    for (const auto transport : {Transport::rpcrdma, Transport::tcp}) {
        for (const char *version : {"3", "4.1", "4.2"}) {
            SCOPED_TRACE(std::string(transport_name(transport)) + " " + version);
            expect_path(transport, version);
        }
    }
}

TEST_F(StockTest, ProofFailsForTheOtherTransport) {
    serve({Transport::rpcrdma, Transport::tcp});
    ASSERT_TRUE(nfs_);
    mount(Transport::tcp, "4.2");
    ASSERT_TRUE(mount_);
    const auto deadline = Deadline::scaled(std::chrono::seconds(30));
    const auto before = take_snapshot(server(), deadline);
    ASSERT_TRUE(worked(before));
    auto proof = PathProof::begin(*nfs_, client(), *mount_, Transport::rpcrdma, *before);
    ASSERT_TRUE(worked(proof));
    on(client(), "ls /mnt/nfs");
    const auto after = take_snapshot(server(), deadline);
    ASSERT_TRUE(worked(after));
    EXPECT_FALSE(proof->finish(*after));
}

// The counter of last resort: here it has nothing to count with, and must say so.
TEST_F(StockTest, PerfStatCountsOrSaysWhyNot) {
    const auto deadline = Deadline::scaled(std::chrono::seconds(30));
    ASSERT_TRUE(worked(start_perf_stat(server(), deadline)));
    on(server(), "true");
    const auto profile = stop_perf_stat(server(), deadline);
    if (profile) {
        EXPECT_EQ(pair().accelerator(), "kvm") << "an emulated CPU has no such counter";
        EXPECT_GT(profile->total(), 10000U) << "less than it takes to start a program";
    } else {
        // Nor does every host lend its own.
        EXPECT_EQ(
            profile.error().what,
            "perf stat counts no instructions here: The instructions:k event is not supported.");
    }
    EXPECT_EQ(on(server(), "pgrep -x perf || true"), "");
}

TEST_F(StockTest, CommandAndConnectionFailApart) {
    auto output = server().run("echo out; echo err >&2; exit 255",
                               Deadline::scaled(std::chrono::seconds(10)));
    ASSERT_TRUE(worked(output));
    EXPECT_EQ(output->status, 255);
    EXPECT_EQ(output->out, "out\n");
    EXPECT_EQ(output->err, "err\n");

    output = server().run("sleep 60", Deadline::in(std::chrono::milliseconds(500)));
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().cause, Cause::timeout);
    EXPECT_TRUE(worked(server().check("true", Deadline::scaled(std::chrono::seconds(10)))));
}

} // namespace lab
