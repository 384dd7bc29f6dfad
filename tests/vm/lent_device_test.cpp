// SPDX-License-Identifier: GPL-2.0-only
// Adapters that the lab has not got: the module lends their limits and habits to the device that is
// there (kmod/lend.h), and works under them.
#include "module_test.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <regex>
#include <set>

namespace lab {

namespace {

using std::chrono::seconds;

/// The numbers behind "NAME=" in a trace, in its order.
std::vector<unsigned> all_of(const std::string &name, const std::string &trace) {
    const std::regex pattern(" " + name + "=([0-9]+)");
    std::vector<unsigned> found;
    for (auto at = std::sregex_iterator(trace.begin(), trace.end(), pattern);
         at != std::sregex_iterator(); ++at)
        found.push_back(static_cast<unsigned>(std::stoul((*at)[1])));
    return found;
}

unsigned most(const std::string &name, const std::string &trace) {
    const auto found = all_of(name, trace);
    return found.empty() ? 0 : *std::ranges::max_element(found);
}

class LentDeviceTest : public ModuleTest {
  protected:
    void lend(const std::string &device, const std::string &mount_options = {}) {
        serve({Transport::svcrdma}, 8, "device=" + device);
        ASSERT_TRUE(nfs_);
        accepted_ = traced("svc_rdma_accepted", [&] {
            auto mounted =
                Mount::make(client(), *nfs_, Transport::svcrdma, "3", "/mnt/nfs", mount_options);
            ASSERT_TRUE(worked(mounted));
            mount_.emplace(std::move(*mounted));
        });
    }

    /// Unmounts: nothing went wrong, and nothing is left. The device has its own limits back when
    /// the module has gone.
    void end() {
        for (const auto &[name, value] : counters()) {
            if (name.starts_with("err_") || name.ends_with("_failures") || name == "stalls" ||
                name == "replies_too_large") {
                EXPECT_EQ(value, 0U) << name;
            }
        }
        unmount();
        expect_nothing_live();
    }

    std::string accepted_; ///< what was agreed on with each connection
};

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
    EXPECT_EQ(most("credits", accepted_), adapter.credits) << accepted_;
    EXPECT_EQ(most("sges", accepted_), adapter.sges) << accepted_;

    verify("workloads/verify-4k.fio");
    const auto trace = traced("svc_rdma_post", [this] { verify("workloads/verify-1m.fio"); });
    EXPECT_EQ(most("most_sges", trace), adapter.most_sges);

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
                                           Adapter{"small", 55, 3, 3, true}),
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

/// A server whose RDMA core moves all chunks through memory regions.
class ForcedRegionsTest : public LentDeviceTest {
  protected:
    void SetUp() override {
        LentDeviceTest::SetUp();
        load_core("force_mr=1");
    }

    void TearDown() override {
        // With nothing mounted and nothing served, which the base sees to.
        LentDeviceTest::TearDown();
        if (pair_lives())
            load_core("");
    }

    /// The parameter can be given when ib_core is loaded, and then is nowhere to be seen.
    static void load_core(const std::string &parameters) {
        constexpr auto modules = "rdma_rxe rdma_ucm ib_umad ib_uverbs ib_uverbs_support rpcrdma "
                                 "rdma_cm iw_cm ib_cm ib_core";
        on(server(),
           fmt::format(
               "rdma link delete rxe0 2>/dev/null; "
               "for m in {0} {0}; do rmmod $m 2>/dev/null; done; ! lsmod | grep ^ib_core && "
               "modprobe ib_core {1} && modprobe -a rdma_cm rdma_rxe && "
               "rdma link add rxe0 type rxe netdev eth1",
               modules, parameters),
           seconds(60));
    }
};

// Registered memory has no gaps: Reads, Writes, and Writes across the parts of a reply. With an
// adapter that may use it and need not nothing but a queue pair tells that it has to.
TEST_F(ForcedRegionsTest, MoveEverything) {
    for (const char *device : {"", "mlx5"}) {
        SCOPED_TRACE(device);
        lend(device);
        ASSERT_TRUE(mount_);
        const auto trace = traced("svc_rdma_post", [this] { verify("workloads/verify-1m.fio"); });
        // Eight segments: each is registered and then moved.
        EXPECT_GE(most("work_requests", trace), 16U);
        EXPECT_LE(most("most_sges", trace), 1U);
        make_many(500);
        EXPECT_EQ(on(client(), count_many, seconds(60)), "500\n");
        EXPECT_GT(counters().at("long_replies"), 0U);
        remove_many();
        end();
        stop();
    }
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
