// SPDX-License-Identifier: GPL-2.0-only
// What nfsd tells its clients over their own connections, when those were lost in between.
#include "field_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

class CallbackTest : public FieldTest {
  protected:
    void begin(const std::string &version) {
        shorten_grace();
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
        mount(Transport::svcrdma, version);
        ASSERT_TRUE(mount_);
        on(client(), "ls /mnt/nfs");
    }

    /// The Send of a reply that is under way fails, and its connection with it.
    static void lose_connection() {
        on(server(), "echo post_send 1 > /sys/module/svcrdma/parameters/fault");
        on(client(), "stat -f /mnt/nfs", seconds(120));
        ASSERT_EQ(on(server(), "cat /sys/module/svcrdma/parameters/fault | grep -c '[1-9]$' || :"),
                  "0\n");
    }
};

// linux-nfs, 2021: with the callback channel gone, servers of 5.10 to 5.12 could not say any more
// what they had to say. A delegation is recalled over the channel that came in its place.
TEST_F(CallbackTest, DelegationIsRecalledOverTheNextConnection) {
    begin("4.1");
    ASSERT_TRUE(mount_);
    for (int round = 0; round < 3 && !HasFailure(); round++) {
        SCOPED_TRACE(round);
        const auto file = delegated_file();
        ASSERT_FALSE(file.empty());
        lose_connection();
        const auto before = counters();
        // As long as the recall takes; without an answer nfsd would wait for the whole lease.
        on(server(), fmt::format("timeout 8 sh -c 'echo after > /export/{}'", file), seconds(20));
        EXPECT_TRUE(eventually([&](const Counters &now) {
            return now.at("backchannel_replies") > before.at("backchannel_replies");
        })) << "nothing was recalled";
        EXPECT_EQ(on(client(), "cat /mnt/nfs/" + file), "after\n");
    }
    unmount();
    expect_nothing_live();
}

// The same report: a server-side copy never ended, because its end is told by a callback.
TEST_F(CallbackTest, CopiesEndThoughConnectionsAreLost) {
    expect_receives_to_run_out();
    begin("4.2");
    ASSERT_TRUE(mount_);
    on(server(), "head -c 32M /dev/urandom > /export/data");
    const auto before = counters();
    // fiemap and holes play no part: the file is random.
    start_on(
        client(), "copies",
        "cd /mnt/nfs && for n in $(seq 12); do cp --reflink=never data copy$n || exit 1; done");
    for (int n = 0; n < 200 && !ended_on(client(), "copies"); n++)
        on(server(), "echo post_send 1 > /sys/module/svcrdma/parameters/fault; sleep 1");
    finish_on(client(), "copies", seconds(300));
    const auto after = counters();
    EXPECT_GE(after.at("post_failures") - before.at("post_failures"), 3U);
    // The server copied, but for a file or two that cp went on with by itself when a call of its
    // had failed: the client would have read 384 MiB.
    EXPECT_LT(after.at("write_bytes") - before.at("write_bytes"), 128U << 20);
    on(server(), "echo post_send 1000000000 > /sys/module/svcrdma/parameters/fault");
    on(server(),
       "cd /export && for n in $(seq 12); do cmp data copy$n || exit 1; done && "
       "rm -f data copy*",
       seconds(120));
    unmount();
    expect_nothing_live();
}

} // namespace

} // namespace lab
