// SPDX-License-Identifier: GPL-2.0-only
// Adapters that the lab has not got: the module lends their limits and habits to the device that is
// there (kmod/lend.h), and works under them.
#include "lent_device.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

namespace lab {

namespace {

using std::chrono::seconds;

/// What shows that an adapter was lent.
struct Adapter {
    const char *name;
    unsigned credits, sges;
    unsigned most_sges; ///< of a Work Request that was posted
    bool hints;         ///< it tells of completions that were there before
};

class AdapterTest : public LentDeviceTest, public ::testing::WithParamInterface<Adapter> {};

TEST_P(AdapterTest, ReadsWhatItWrote) {
    const auto &adapter = GetParam();
    lend(adapter.name);
    ASSERT_TRUE(mount_);
    // What the longest message leaves, which has some pages more or fewer in other kernels.
    EXPECT_NEAR(most("credits", accepted_), adapter.credits, 1) << accepted_;
    EXPECT_EQ(most("sges", accepted_), adapter.sges) << accepted_;

    verify("workloads/verify-4k.fio");
    const auto trace = traced("svc_rdma_post", [this] { verify("workloads/verify-1m.fio"); });
    EXPECT_EQ(most("most_sges", trace), adapter.most_sges);

    // A completion must be there when a queue is armed, or there is nothing to tell.
    const auto told = [](const Counters &now) {
        return now.at("lent_events") + now.at("recv_missed") + now.at("send_missed") > 0;
    };
    for (int round = 0; round < 4 && !told(counters()); round++)
        verify("workloads/verify-4k.fio");
    const auto now = counters();
    EXPECT_GT(now.at("read_bytes"), 16U << 20);
    EXPECT_GT(now.at("write_bytes"), 16U << 20);
    if (adapter.hints) {
        EXPECT_EQ(now.at("lent_events"), 0U);
        EXPECT_GT(now.at("recv_missed") + now.at("send_missed"), 0U);
    } else {
        EXPECT_GT(now.at("lent_events"), 0U) << "nothing was there before a queue was armed";
        EXPECT_EQ(now.at("recv_missed") + now.at("send_missed"), 0U);
    }
    end();
}

INSTANTIATE_TEST_SUITE_P(Adapters, AdapterTest,
                         ::testing::Values(Adapter{"mlx5", 128, 30, 30, false},
                                           Adapter{"bnxt_re", 128, 6, 6, true},
                                           Adapter{"small", 55, 3, 3, true},
                                           Adapter{"bounce", 128, 32, 32, true}),
                         [](const auto &info) { return info.param.name; });

// A device that says it has room and has none for what it says is asked for less, until it takes
// it: fewer credits, and fewer entries in a Work Request, by turns. However often that takes,
// connections have its two vectors by turns as well.
TEST_F(LentDeviceTest, QueuesThatAreRefusedShrink) {
    lend("tight", "nconnect=4");
    ASSERT_TRUE(mount_);
    on(client(), "dd if=/dev/urandom of=/mnt/nfs/file bs=1M count=2 oflag=direct 2>&1 && "
                 "dd if=/mnt/nfs/file bs=1M iflag=direct 2>/dev/null | cmp - /mnt/nfs/file");
    EXPECT_THAT(all_of("credits", accepted_), testing::Each(32)) << accepted_;
    EXPECT_THAT(all_of("sges", accepted_), testing::Each(3)) << accepted_;
    const auto vectors = all_of("vector", accepted_);
    ASSERT_GE(vectors.size(), 2U) << accepted_;
    EXPECT_EQ(std::set(vectors.begin(), vectors.end()), (std::set<unsigned>{0, 1})) << accepted_;
    EXPECT_EQ(counters().at("smaller_queues"), 3 * counters().at("live_connections"));
    EXPECT_EQ(counters().at("accepts_failed"), 0U);
    end();
}

/// Many large calls at once: each takes a memory region for each of its segments.
constexpr auto many_large =
    "cd /mnt/nfs && fio --name=load --direct=1 --ioengine=libaio --minimal --size=16m --bs=1m "
    "--iodepth=16 --rw=randrw --verify=crc32c --do_verify=1 --randrepeat=0 --loops=2";

// Calls and replies that find too few memory regions are late, and that is all.
TEST_F(LentDeviceTest, RegionsThatRunOutAreWaitedFor) {
    lend("regions");
    ASSERT_TRUE(mount_);
    for (int round = 0; round < 5 && !counters().at("unmapped"); round++)
        on(client(), many_large, seconds(120));
    const auto now = counters();
    EXPECT_GT(now.at("unmapped"), 0U) << "regions did not run out";
    EXPECT_EQ(now.at("device_closes") + now.at("flushes"), 0U) << "a connection was lost";
    end();
}

// Nobody lends what there is not, and what was lent is given back.
TEST_F(LentDeviceTest, GivesBackWhatItLent) {
    ASSERT_TRUE(worked(server().put(module(), "/root/lent.ko", Deadline::scaled(seconds(30)))));
    on(server(), "modprobe -a sunrpc rdma_cm && ! insmod /root/lent.ko device=spare 2>&1");
    const auto refused = on(server(), "dmesg | grep svcrdma: | tail -n 1");
    EXPECT_NE(refused.find("no such adapter"), std::string::npos) << refused;
    on(server(), "insmod /root/lent.ko device=small && rmmod svcrdma");

    lend("");
    ASSERT_TRUE(mount_);
    EXPECT_EQ(most("credits", accepted_), 128U) << accepted_;
    EXPECT_EQ(most("sges", accepted_), 32U) << accepted_;
    end();
}

} // namespace

} // namespace lab
