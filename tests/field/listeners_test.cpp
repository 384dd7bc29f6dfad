// SPDX-License-Identifier: GPL-2.0-only
// How administrators make and take away listeners: nfsdctl, nfs.conf, and what rpcbind knows.
#include "field_test.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace lab {

namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class ListenersTest : public FieldTest {
  protected:
    void SetUp() override {
        FieldTest::SetUp();
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
    }

    static void serves(const std::string &port) {
        mount_as("vers=4.2,rdma,port=" + port);
        round_trip();
        unmount_all();
    }
};

// linux-nfs, August 2025: "Cannot assign requested address". Where one of several is taken away the
// kernel makes the others anew.
TEST_F(ListenersTest, NfsdctlTakesAwayAndGivesBack) {
    for (int round = 0; round < 10; round++) {
        SCOPED_TRACE(round);
        on(server(), "rpc.nfsd 0 && nfsdctl listener +rdma:0.0.0.0:20060 && "
                     "nfsdctl listener +tcp:0.0.0.0:2050 && nfsdctl listener -tcp:0.0.0.0:2050 && "
                     "nfsdctl listener | grep -q 20060 && ! nfsdctl listener | grep -q :2050");
        EXPECT_EQ(counters().at("live_listeners"), 1U);
        on(server(), "nfsdctl threads 4");
        if (round % 5 == 0)
            serves("20060");
        on(server(), "nfsdctl threads 0");
        EXPECT_EQ(counters().at("live_listeners"), 0U);
    }
    expect_nothing_live();
}

// The same report. While threads run nfsdctl takes no listener away, and its refusal leaves the
// service as it is.
TEST_F(ListenersTest, ThreadsKeepTheirListeners) {
    on(server(), "rpc.nfsd 0; nfsdctl listener +rdma:0.0.0.0:20060 && nfsdctl threads 4");
    const auto before = counters().at("live_listeners");
    const auto refused =
        server().run("nfsdctl listener -rdma:0.0.0.0:20060 2>&1", Deadline::scaled(seconds(20)));
    ASSERT_TRUE(worked(refused));
    EXPECT_NE(refused->status, 0) << refused->out;
    EXPECT_EQ(counters().at("live_listeners"), before);
    serves("20060");
    on(server(), "nfsdctl threads 0");
    expect_nothing_live();
}

// Red Hat's manual: rdma=y in nfs.conf, and nothing on the command line.
TEST_F(ListenersTest, NfsConfIsEnough) {
    on(server(),
       "rpc.nfsd 0; mkdir -p /etc/nfs.conf.d; "
       "printf '[nfsd]\\nthreads=4\\nudp=n\\ntcp=y\\nrdma=y\\nrdma-port=20049\\n' "
       "> /etc/nfs.conf.d/field.conf; rpc.nfsd; s=$?; rm /etc/nfs.conf.d/field.conf; "
       "exit $s",
       seconds(60));
    EXPECT_THAT(on(server(), "cat /proc/fs/nfsd/portlist"), HasSubstr("rdma 20049"));
    EXPECT_EQ(on(server(), "cat /proc/fs/nfsd/threads"), "4\n");
    serves("20049");
    expect_nothing_live();
}

// No report: who asks rpcbind finds NFS over TCP, and no RDMA port, which no kernel tells it.
TEST_F(ListenersTest, RpcbindKnowsOfTcpOnly) {
    const auto known = on(server(), "rpcinfo -p");
    EXPECT_THAT(known, HasSubstr("2049  nfs"));
    EXPECT_THAT(known, Not(HasSubstr("20049")));
}

} // namespace

} // namespace lab
