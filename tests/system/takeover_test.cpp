// SPDX-License-Identifier: GPL-2.0-only
// One transport takes over from the other under a client that stays mounted.
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;
using TakeoverTest = ModuleTest;

// The server's disk: what is exported must be there for the next transport to export.
TEST_F(TakeoverTest, ClientGoesOnWithoutARemount) {
    const auto serve_disk = [&](Transport transport) {
        on(server(), "mkdir -p /export && mount /dev/vdb /export && chmod 777 /export");
        serve({transport});
    };
    serve_disk(Transport::rpcrdma);
    ASSERT_TRUE(nfs_);
    mount(Transport::rpcrdma, "4.2");
    ASSERT_TRUE(mount_);
    on(client(), "echo 0 > /mnt/nfs/turn && sync");

    int turn = 0;
    for (const auto next : {Transport::svcrdma, Transport::rpcrdma, Transport::svcrdma}) {
        SCOPED_TRACE(fmt::format("{} takes over", transport_name(next)));
        // A file that is open, and written to, across the change.
        on(client(), "rm -f /root/turned; (exec 3>>/mnt/nfs/log; n=0; "
                     "while [ ! -e /root/turned ]; do n=$((n+1)); echo $n >&3; sleep 0.1; done; "
                     "echo $n > /root/lines) >/dev/null 2>&1 &");
        stop();
        serve_disk(next);
        ASSERT_TRUE(nfs_);
        EXPECT_EQ(on(client(), "cat /mnt/nfs/turn", seconds(90)), fmt::format("{}\n", turn));
        on(client(), fmt::format("echo {} > /mnt/nfs/turn && sync", ++turn), seconds(90));
        on(client(),
           "touch /root/turned; while [ ! -e /root/lines ]; do sleep 0.2; done; "
           "[ $(tail -n 1 /mnt/nfs/log) = $(cat /root/lines) ] && "
           "[ $(wc -l </mnt/nfs/log) = $(cat /root/lines) ] && "
           "rm /mnt/nfs/log /root/lines",
           seconds(90));
    }
    EXPECT_GT(counters().at("calls"), 0U);
    unmount();
    expect_nothing_live();
}

} // namespace

} // namespace lab
