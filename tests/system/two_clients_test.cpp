// SPDX-License-Identifier: GPL-2.0-only
// What one client does, the other sees; what one holds, the other cannot take.
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

class TwoClientsTest : public ModuleTest {
  protected:
    void begin() {
        shorten_grace();
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
        mount(Transport::svcrdma, "4.2");
        ASSERT_TRUE(mount_);
        auto second =
            Mount::make(client(1), *nfs_, Transport::svcrdma, "4.2", "/mnt/nfs", "actimeo=0");
        ASSERT_TRUE(worked(second));
        second_.emplace(std::move(*second));
    }

    void TearDown() override {
        if (second_) {
            EXPECT_TRUE(worked(second_->unmount()));
            second_.reset();
        }
        ModuleTest::TearDown();
    }

    std::optional<Mount> second_;
};

TEST_F(TwoClientsTest, DelegationIsRecalledForTheOther) {
    begin();
    ASSERT_TRUE(second_);
    const auto file = delegated_file();
    ASSERT_FALSE(file.empty());

    const auto calls = counters().at("backchannel_calls");
    on(client(1), fmt::format("echo after > /mnt/nfs/{}", file), seconds(20));
    EXPECT_GT(counters().at("backchannel_calls"), calls);
    EXPECT_EQ(on(client(), "cat /mnt/nfs/" + file), "after\n");
}

TEST_F(TwoClientsTest, LocksExclude) {
    begin();
    ASSERT_TRUE(second_);
    on(client(),
       "touch /mnt/nfs/lock; rm -f /root/held; "
       "flock /mnt/nfs/lock sh -c 'touch /root/held; while [ -e /root/held ]; "
       "do sleep 0.1; done' >/dev/null 2>&1 & "
       "while [ ! -e /root/held ]; do sleep 0.1; done",
       seconds(30));
    on(client(1), "! flock -n /mnt/nfs/lock true");
    // A waiter gets it when it is let go: at once, or when it asks again, every 30 s, where nfsd's
    // word does not reach it (6.12, over any transport).
    on(client(), "(sleep 1; rm /root/held) >/dev/null 2>&1 &");
    on(client(1), "flock -w 70 /mnt/nfs/lock true", seconds(80));
}

TEST_F(TwoClientsTest, RenameAndUnlinkAreSeen) {
    begin();
    ASSERT_TRUE(second_);
    on(client(), "cd /mnt/nfs && mkdir -p dir && echo one > dir/a && echo two > dir/b");
    EXPECT_EQ(on(client(1), "cat /mnt/nfs/dir/a /mnt/nfs/dir/b"), "one\ntwo\n");
    on(client(), "mv /mnt/nfs/dir/a /mnt/nfs/dir/c && rm /mnt/nfs/dir/b");
    EXPECT_EQ(on(client(1), "cat /mnt/nfs/dir/c && ls /mnt/nfs/dir"), "one\nc\n");
}

} // namespace

} // namespace lab
