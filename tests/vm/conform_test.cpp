// SPDX-License-Identifier: GPL-2.0-only
#include "conform_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

constexpr auto program = "/root/rpcrdma-conform";
constexpr auto splice_knob = "/sys/kernel/debug/nfsd/disable-splice-read";

} // namespace

void ConformTest::SetUp() {
    ModuleTest::SetUp();
    expect_receives_to_run_out(); // the suite does not count its calls
    shorten_grace();
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    ASSERT_TRUE(worked(client().put(CONFORM_PROGRAM, program, limit())));
    on(client(), "modprobe rdma_ucm");
}

void ConformTest::TearDown() {
    if (copies_ && pair_lives())
        on(server(), fmt::format("echo 0 >{}", splice_knob));
    ModuleTest::TearDown();
}

void ConformTest::conform(const std::string &arguments, std::chrono::milliseconds timeout) {
    const auto output = client().run(
        fmt::format("{} {}:{} --timeout {} {}", program, server().data_address(),
                    nfs_->port(Transport::svcrdma),
                    std::chrono::ceil<std::chrono::seconds>(timeout).count(), arguments),
        limit());
    ASSERT_TRUE(worked(output));
    EXPECT_EQ(output->status, 0) << output->out << output->err;
}

void ConformTest::limit_payload(unsigned bytes) {
    if (bytes > 1U << 20 && pair().kernel().version.starts_with("6."))
        GTEST_SKIP() << "nfsd of this kernel ends at 1 MiB";
    stop();
    serve({Transport::svcrdma}, 8, {}, bytes);
    ASSERT_TRUE(nfs_);
}

void ConformTest::copy_what_is_read() {
    if (on(server(), fmt::format("ls {} 2>&1 || true", splice_knob)) !=
        std::string(splice_knob) + "\n")
        GTEST_SKIP() << "nfsd of this kernel always splices where it can";
    on(server(), fmt::format("echo 1 >{}", splice_knob));
    copies_ = true;
}

void ConformTest::crowd_out() {
    if (IsSkipped() || HasFatalFailure())
        return;
    // One by one: each moves gigabytes, and has the whole of its time.
    for (const auto *test : {"nfs2", "nfs3", "nfs4", "write"})
        conform(fmt::format("--deadly --only deadly.crowded-{}", test));
    expect_nothing_live();
    expect_service();
}

} // namespace lab
