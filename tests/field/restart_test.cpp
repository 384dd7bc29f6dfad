// SPDX-License-Identifier: GPL-2.0-only
// nfsd stops and starts while a client writes and reads back: nothing is lost, the clients come
// back by themselves, and nothing of what was before stays behind.
#include "field_test.h"

namespace lab {

namespace {

using std::chrono::seconds;

class RestartTest : public FieldTest, public ::testing::WithParamInterface<const char *> {};

// linux-nfs, of 5.15.31: nfsd stopped under load, and a reply had no connection to go to. TrueNAS
// middleware 14627 and others: the listener was gone after a restart.
TEST_P(RestartTest, TwentyTimesUnderVerifiedLoad) {
    shorten_grace();
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, GetParam(), "nconnect=8");
    ASSERT_TRUE(mount_);
    start_on(client(), "load",
             "cd /mnt/nfs && fio --name=load --size=4m --bs=16k --rw=randwrite --verify=crc32c "
             "--verify_backlog=32 --verify_fatal=1 --direct=1 --ioengine=libaio --iodepth=16 "
             "--loops=100000 --minimal");
    for (int round = 0; round < 20 && !HasFatalFailure(); round++) {
        SCOPED_TRACE(round);
        const auto before = counters();
        ASSERT_TRUE(eventually(
            [&](const Counters &now) { return now.at("calls") > before.at("calls") + 100; },
            seconds(90)))
            << "no load\n"
            << output_on(client(), "load");
        // mountd need not be there for who is mounted, nor while nfsd stops.
        if (round % 5 == 4)
            on(server(), "pkill -x rpc.mountd");
        ASSERT_TRUE(worked(nfs_->halt()));
        expect_nothing_live();
        EXPECT_EQ(on(server(), "pgrep -x nfsd || :"), "");
        ASSERT_TRUE(worked(nfs_->resume()));
        on(server(), "pidof rpc.mountd >/dev/null || rpc.mountd");
    }
    EXPECT_FALSE(ended_on(client(), "load")) << output_on(client(), "load");
    on(client(), "pkill -INT -x fio; while [ ! -s /run/load.status ]; do sleep 0.2; done",
       seconds(120));
    // An interrupted fio ends with 128; what it read back wrong, or could not, is in its output.
    EXPECT_EQ(on(client(), "grep -ciE 'error|verify:' /run/load.out || :"), "0\n")
        << output_on(client(), "load");
    on(client(), "rm -f /mnt/nfs/load*");
    EXPECT_EQ(counters().at("live_listeners"), 2U);
    unmount();
    expect_nothing_live();
}

INSTANTIATE_TEST_SUITE_P(Versions, RestartTest, ::testing::Values("3", "4.2"),
                         [](const auto &info) {
                             return std::string(info.param) == "3" ? "Nfs3" : "Nfs42";
                         });

} // namespace

} // namespace lab
