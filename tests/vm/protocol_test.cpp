// SPDX-License-Identifier: GPL-2.0-only
// The conformance suite, run in the client against our module: what it answers, what it counts.
#include "conform_test.h"

#include "observe/snapshot.h"
#include "report/conformance_report.h"
#include "util/file.h"
#include "util/temp.h"

#include <fmt/format.h>

#include <map>

namespace lab {

namespace {

using ProtocolTest = ConformTest;

TEST_F(ProtocolTest, Conforms) {
    constexpr auto remote = "/tmp/conform.json";
    conform(fmt::format("--skip 'hostile.*' --skip 'random.*' --json {}", remote));
    const auto dir = TempDir::make();
    ASSERT_TRUE(worked(dir));
    const auto local = dir->path() / "conform.json";
    ASSERT_TRUE(worked(client().get(remote, local, limit())));
    const auto tests = read_conformance_tests(read_file(local).value_or(""));
    ASSERT_TRUE(worked(tests));
    for (const auto &test : *tests)
        EXPECT_TRUE(test.status == "pass" || excused(test, pair().kernel().version))
            << test.name << ": " << test.status << ": " << test.why;
    expect_nothing_live();
}

TEST_F(ProtocolTest, WithstandsHostileClients) {
    constexpr std::int64_t noise_kib = 16 * 1024;
    expect_stalls();
    // With the last packet of a long message it follows a null pointer (copy_data), and the queue
    // pair can never be drained: also when the kernel's own transport serves.
    if (rxe_repeats_packets())
        GTEST_SKIP() << "rxe of this kernel dies of a message that is too long";
    // Once for whatever is only ever allocated, and once to see that nothing else is.
    conform("--only 'hostile.*' --only 'random.*' --only 'deadly.*' --deadly "
            "--skip 'deadly.crowded-*'");
    expect_nothing_live();
    const auto before = take_snapshot(server(), limit());
    ASSERT_TRUE(worked(before));
    conform("--only hostile.dropped --only hostile.invalidated");
    expect_nothing_live();
    const auto after = take_snapshot(server(), limit());
    ASSERT_TRUE(worked(after));
    const auto delta = *after - *before;
    EXPECT_GT(delta.available_kib, -noise_kib);
    EXPECT_LT(delta.slab_kib, noise_kib);
}

// A client that has more calls outstanding than Receives were posted for is told to wait, and does:
// the number of times that it may be told is the server's choice, and 0 would end the connection.
TEST_F(ProtocolTest, WhoOverrunsItsCreditsWaits) {
    const auto waits = [] { return read_counters(client(), device_counters); };
    const auto before = waits();
    ASSERT_TRUE(worked(before));
    auto after = before;
    hold_threads_back();
    // The server may be quick enough even so.
    for (int round = 0; round < 5 && after->at("rcvd_rnr_err") == before->at("rcvd_rnr_err");
         round++) {
        conform("--only hostile.credits");
        after = waits();
        if (!after)
            break;
    }
    ASSERT_TRUE(worked(after));
    EXPECT_GT(after->at("rcvd_rnr_err"), before->at("rcvd_rnr_err"));
    EXPECT_EQ(after->at("retry_rnr_exceeded_err"), before->at("retry_rnr_exceeded_err"));
    expect_nothing_live();
}

// A client that has no Receive posted can have its adapter tell ours to repeat a Send for ever. It
// may not keep nfsd's threads meanwhile: everybody else is answered, and sooner than the server
// gives the client up, which it does even though no thread waits.
TEST_F(ProtocolTest, WhoTakesNoReplyIsDropped) {
    expect_stalls();
    // Sooner than the suite gives up.
    on(server(), "echo 8 > /sys/module/svcrdma/parameters/deadline");
    const auto before = counters();
    conform("--only hostile.takes-no-reply", stretched(std::chrono::seconds(5)));
    const auto after = counters();
    EXPECT_EQ(after.at("stalls") - before.at("stalls"), 1U);
    expect_nothing_live();
}

TEST_F(ProtocolTest, LargestPayloadOfTheKernel) {
    constexpr std::uint64_t largest = 4U << 20;
    if (pair().kernel().version.starts_with("6."))
        GTEST_SKIP() << "nfsd of this kernel ends at 1 MiB, which Conforms has shown";
    stop();
    serve({Transport::svcrdma}, 8, {}, largest);
    ASSERT_TRUE(nfs_);
    const auto before = counters();
    conform("--only read.largest");
    const auto after = counters();
    // Two WRITEs, and a READ of what each of them has written.
    EXPECT_EQ(after.at("read_bytes") - before.at("read_bytes"), 2 * largest);
    EXPECT_EQ(after.at("write_bytes") - before.at("write_bytes"), 2 * largest);
    expect_nothing_live();
}

class PayloadTest : public ConformTest {};

// With payloads of 64 KiB at the most; of more in tests/system.
TEST_F(PayloadTest, LongCallsLeaveThePagesOfTheReply) {
    limit_payload(64U << 10);
    crowd_out();
}

TEST_F(PayloadTest, LongCallsLeaveThePagesOfACopy) {
    limit_payload(64U << 10);
    copy_what_is_read();
    crowd_out();
}

TEST_F(ProtocolTest, CountsEachKindOfError) {
    using Kinds = std::map<std::string, std::uint64_t>;
    // As many as the tests send.
    const std::map<std::string, Kinds> expected = {
        {"error.version", {{"err_version", 6}}},
        {"error.short", {{"err_short", 27}}},
        {"error.done", {{"err_discarded", 2}}},
        {"error.procedure", {{"err_proc", 5}}},
        {"error.nothing", {{"err_no_message", 1}}},
        {"error.xid", {{"err_xid", 1}}},
        {"error.discriminator", {{"err_bool", 12}}},
        {"error.truncated", {{"err_truncated", 37}}},
        {"error.counts", {{"err_truncated", 2}, {"err_too_many", 10}}},
        {"error.position", {{"err_position", 4}}},
    };
    for (const auto &[test, kinds] : expected) {
        const auto before = counters();
        conform(fmt::format("--only {}", test));
        Kinds counted;
        for (const auto &[name, value] : counters())
            if (name.starts_with("err_") && value != before.at(name))
                counted[name] = value - before.at(name);
        EXPECT_EQ(counted, kinds) << test;
    }
}

} // namespace

} // namespace lab
