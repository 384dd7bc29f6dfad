// SPDX-License-Identifier: GPL-2.0-only
// Mounts over our transport, alone and beside the stock one.
#include "module_test.h"

namespace lab {

namespace {

using MountTest = ModuleTest;

TEST_F(MountTest, EachVersionMounts) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    for (const char *version : {"3", "4.1", "4.2"}) {
        SCOPED_TRACE(version);
        expect_path(Transport::svcrdma, version);
    }
    expect_nothing_live();
}

TEST_F(MountTest, ServesBesideTheStockTransport) {
    serve({Transport::svcrdma, Transport::rpcrdma, Transport::tcp});
    ASSERT_TRUE(nfs_);
    EXPECT_EQ(nfs_->listener(Transport::svcrdma), "rdma_ll");
    // A proof for one transport fails if the traffic took another.
    for (const auto transport : {Transport::svcrdma, Transport::rpcrdma, Transport::tcp}) {
        SCOPED_TRACE(transport_name(transport));
        expect_path(transport, "4.2");
    }
    expect_nothing_live();
}

TEST_F(MountTest, ManyMountsLeaveNothing) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    for (int round = 0; round < 8; round++) {
        mount(Transport::svcrdma, round % 2 ? "4.1" : "3");
        ASSERT_TRUE(mount_);
        on(client(), "ls /mnt/nfs");
        unmount();
    }
    expect_nothing_live();
}

} // namespace

} // namespace lab
