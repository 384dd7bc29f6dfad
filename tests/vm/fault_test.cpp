// SPDX-License-Identifier: GPL-2.0-only
// A call into the RDMA core that fails costs one connection: the client comes back and nothing is
// lost, neither data nor memory. The failures are made by the module's own parameter "fault".
#include "lent_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lab {

namespace {

using std::chrono::seconds;

struct Fault {
    const char *what;    ///< as the parameter takes it
    const char *traffic; ///< what runs into it
};

// The chain of a READ is an RDMA Write and a Send, the chain of a WRITE several RDMA Reads.
constexpr const char *read = "dd if=/mnt/nfs/data of=/root/back bs=256k iflag=direct 2>&1";
constexpr const char *write = "dd if=/root/data of=/mnt/nfs/data bs=256k oflag=direct 2>&1";

constexpr std::array<Fault, 10> faults = {{
    {"post_send 2", read},
    {"post_send 2", write},
    {"post_send_part 2", read},
    {"post_send_part 2", write},
    {"post_recv 1", read},
    {"post_recv_part 1", write},
    {"map 2", read},
    {"map 2", write},
    {"arm 2", read},
    {"arm 3", write},
}};

using FaultTest = ModuleTest;

TEST_F(FaultTest, CostsOneConnectionAndNoData) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(), "head -c 2M /dev/urandom > /root/data && cp /root/data /mnt/nfs/data && sync");

    for (const auto &fault : faults) {
        SCOPED_TRACE(fmt::format("{}, {}", fault.what, fault.traffic));
        const auto before = counters();
        on(server(), fmt::format("echo {} > /sys/module/svcrdma/parameters/fault", fault.what));
        on(client(), fault.traffic, seconds(120));
        on(client(), "cmp /root/data /mnt/nfs/data", seconds(60));

        // All of them have struck, and each was noticed.
        on(server(), "! grep -q '[1-9]$' /sys/module/svcrdma/parameters/fault");
        const auto after = counters();
        const auto noticed = [](const Counters &now) {
            return now.at("post_failures") + now.at("arm_failures") + now.at("map_failures");
        };
        EXPECT_EQ(noticed(after), noticed(before) + 1);
    }
    on(client(), "rm -f /root/data /root/back");
    unmount();
    expect_nothing_live();
}

// A device that refuses the queues that were asked for gets smaller ones, of half the 128 credits
// or as many as it has room for. One that refuses those in any case is not asked more often for it.
TEST_F(FaultTest, SmallerQueuesAreTried) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    const auto connect = [this] {
        return traced("svc_rdma_accepted", [this] { mount(Transport::svcrdma, "3"); });
    };
    const auto usual = connect();
    ASSERT_TRUE(mount_);
    const auto refused = counters().at("smaller_queues");
    unmount();
    on(server(), "echo create_qp 1 > /sys/module/svcrdma/parameters/fault");
    const auto trace = connect();
    ASSERT_TRUE(mount_);
    EXPECT_EQ(counters().at("smaller_queues") - refused, std::max<std::uint64_t>(1, refused));
    EXPECT_EQ(counters().at("accepts_failed"), 0U);
    const auto credits = most("credits", usual);
    EXPECT_GT(credits, 0U) << usual;
    EXPECT_EQ(most("credits", trace), std::min(64U, credits)) << trace;
    on(client(), "dd if=/dev/urandom of=/mnt/nfs/file bs=64k count=4 conv=fsync 2>&1");
    unmount();
    expect_nothing_live();
}

} // namespace

} // namespace lab
