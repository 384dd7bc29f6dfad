// SPDX-License-Identifier: GPL-2.0-only
// Mount lines as they stand in fstab, and exports as they stand in manuals.
#include "field_test.h"

#include <gmock/gmock.h>

namespace lab {

namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class MountLineTest : public FieldTest {
  protected:
    void SetUp() override {
        FieldTest::SetUp();
        shorten_grace();
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
    }
};

// NVIDIA/deepops issue 1189: "Protocol error" from a line of a set-up guide.
TEST_F(MountLineTest, RdmaAndPortAreEnough) {
    mount_as("rdma,port=20049");
    EXPECT_THAT(options_of(), AllOf(HasSubstr("vers=4.2"), HasSubstr("proto=rdma")));
    round_trip();
    unmount_all();
    expect_nothing_live();
}

// The same report. NFSv3 asks mountd and, without nolock, lockd, both beside RDMA.
TEST_F(MountLineTest, ALongLineOfAManual) {
    mount_as("async,vers=3,rsize=1048576,wsize=1048576,rdma,port=20049", "/export");
    EXPECT_THAT(options_of(),
                AllOf(HasSubstr("vers=3"), HasSubstr("rsize=1048576"), HasSubstr("wsize=1048576"),
                      HasSubstr("proto=rdma"), Not(HasSubstr("nolock"))));
    round_trip();
    unmount_all();
    expect_nothing_live();
}

// No report. lockd speaks TCP or UDP, whatever the mount does. It takes two minutes here, on either
// kernel, so it is not of the quick half.
using LockTest = MountLineTest;

TEST_F(LockTest, OfVersion3) {
    mount_as("vers=3,rdma,port=20049", "/export");
    on(client(),
       "echo data > /mnt/nfs/locked && exec 9>>/mnt/nfs/locked && flock -n 9 && "
       "! flock -n /mnt/nfs/locked true && exec 9>&- && flock -n /mnt/nfs/locked true",
       seconds(60));
    EXPECT_THAT(on(server(), "rpcinfo -p | grep -c nlockmgr"), Not(HasSubstr("0\n")));
    unmount_all();
    expect_nothing_live();
}

// No report: clients of long-term distributions still ask for it.
TEST_F(MountLineTest, Version40) {
    mount_as("vers=4.0,rdma,port=20049");
    EXPECT_THAT(options_of(), AllOf(HasSubstr("vers=4.0"), HasSubstr("proto=rdma")));
    round_trip();
    unmount_all();
    expect_nothing_live();
}

// cifsd-team/ksmbd issue 595: lengths around 128 KiB.
TEST_F(MountLineTest, WritesOf128KiB) {
    mount_as("rdma,port=20049,wsize=131072,rsize=131072");
    EXPECT_THAT(options_of(), HasSubstr("wsize=131072"));
    round_trip();
    for (const unsigned length : {131071U, 131072U, 131073U, 262143U, 262145U}) {
        SCOPED_TRACE(length);
        round_trip(length);
    }
    unmount_all();
    expect_nothing_live();
}

// No report: what exports(5) has by default. A client's port is below 1024, whatever RDMA makes of
// it, and what is acknowledged is written.
TEST_F(MountLineTest, SecureAndSync) {
    export_as("rw,secure,sync,no_root_squash,no_subtree_check");
    mount_as("rdma,port=20049");
    round_trip();
    unmount_all();
    mount_as("vers=3,rdma,port=20049", "/export");
    round_trip();
    unmount_all();
    expect_nothing_live();
}

} // namespace

} // namespace lab
