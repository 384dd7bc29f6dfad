// SPDX-License-Identifier: GPL-2.0-only
// Settings: each does what it says, to connections made after it was set.
#include "module_test.h"

#include "util/deadline.h"

#include <fmt/format.h>

#include <algorithm>

namespace lab {

namespace {

using std::chrono::seconds;

class SettingsTest : public ModuleTest {
  protected:
    static void set(const std::string &name, const std::string &value) {
        on(server(), fmt::format("echo {} > /sys/module/svcrdma/parameters/{}", value, name));
        EXPECT_EQ(on(server(), "cat /sys/module/svcrdma/parameters/" + name), value + "\n");
    }

    static std::uint64_t moved(const char *name, const std::string &traffic) {
        const auto before = counters().at(name);
        on(client(), traffic, seconds(120));
        return counters().at(name) - before;
    }

    /// The most Receive contexts that are seen while the client works: soon after that they go.
    static std::uint64_t most_recv_ctxts(const std::string &work) {
        start_on(client(), "load", work);
        const auto deadline = Deadline::scaled(seconds(120));
        std::uint64_t most = 0;
        while (!ended_on(client(), "load") && !deadline.expired() && !HasFailure())
            most = std::max(most, counters().at("live_recv_ctxts"));
        finish_on(client(), "load", seconds(10));
        return most;
    }
};

TEST_F(SettingsTest, ValueOutOfBoundsIsRefusedAndChangesNothing) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    struct Bad {
        const char *name, *values;
    };
    for (const auto &[name, values] :
         {Bad{"credits", "7 4097 many -1"}, Bad{"backchannel_credits", "0 65"},
          Bad{"inline_size", "0 1023 1025 4095 66560"}, Bad{"outbound_reads", "0 256"},
          Bad{"deadline", "4 3601"}, Bad{"keepalive", "3601 -1"}, Bad{"budget", "0 1048577"},
          Bad{"connection_budget", "0 1048577"}, Bad{"connections", "0 1000001 -1"},
          Bad{"connections_per_client", "0 1000001"}}) {
        SCOPED_TRACE(name);
        const std::string file = fmt::format("/sys/module/svcrdma/parameters/{}", name);
        const auto before = on(server(), "cat " + file);
        EXPECT_EQ(on(server(), fmt::format("for v in {}; do echo $v 2>/dev/null > {} && "
                                           "echo $v was taken; done; :",
                                           values, file)),
                  "");
        EXPECT_EQ(on(server(), "cat " + file), before);
    }
}

// The fewer credits, the fewer Receives, however much the client wants.
TEST_F(SettingsTest, CreditsLimitWhatAClientMayHaveOutstanding) {
    const std::string load = "cd /mnt/nfs && fio --name=load --size=1m --bs=4k --rw=randread "
                             "--direct=1 --ioengine=libaio --iodepth=64 --minimal "
                             "--eta=never";
    serve({Transport::svcrdma}, 8, "credits=8");
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    on(client(), load + " --loops=4", seconds(120));
    // Every Receive context was posted once or is.
    const auto few = counters().at("live_recv_ctxts");
    unmount();
    expect_nothing_live();

    set("credits", "64");
    mount(Transport::svcrdma, "3");
    ASSERT_TRUE(mount_);
    // Only a server that has many calls at once grants many.
    hold_threads_back();
    const auto many = most_recv_ctxts(load);
    // Eight, what is posted ahead of need, and as many calls again in the hands of nfsd.
    constexpr unsigned most_of_few = 8 + 4 + 8, most_of_many = 64 + 4 + 64;
    EXPECT_LE(few, most_of_few);
    // How many it is in the end depends on the pace.
    EXPECT_GT(many, most_of_few);
    EXPECT_LE(many, most_of_many);
}

// What is larger than the inline size goes by chunks.
TEST_F(SettingsTest, InlineSizeDecidesWhatGoesByChunks) {
    const std::string write = "head -c 2000 /dev/urandom > /root/small && "
                              "dd if=/root/small of=/mnt/nfs/small bs=2000 oflag=direct 2>&1";
    const std::string large = "head -c 6000 /dev/urandom > /root/small && "
                              "dd if=/root/small of=/mnt/nfs/small bs=6000 oflag=direct 2>&1";
    struct Case {
        const char *size;
        const std::string &traffic;
        std::uint64_t reads;
    };
    // The client has a limit of its own, which is moved out of the way.
    const auto old = on(client(), "cat /proc/sys/sunrpc/rdma_max_inline_write");
    on(client(), "echo 16384 > /proc/sys/sunrpc/rdma_max_inline_write; "
                 "echo 16384 > /proc/sys/sunrpc/rdma_max_inline_read");
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    for (const auto &[size, traffic, reads] : {Case{"4096", write, 0}, Case{"4096", large, 1},
                                               Case{"1024", write, 1}, Case{"16384", large, 0}}) {
        SCOPED_TRACE(fmt::format("{} {}", size, traffic));
        set("inline_size", size);
        mount(Transport::svcrdma, "3");
        ASSERT_TRUE(mount_);
        EXPECT_EQ(moved("reads", traffic), reads);
        on(client(), "cmp /root/small /mnt/nfs/small");
        EXPECT_EQ(on(client(), "sha256sum < /root/small"),
                  on(server(), "sha256sum < /export/small"));
        unmount();
        expect_nothing_live();
    }
    on(client(), "rm /root/small; echo " + old.substr(0, old.size() - 1) +
                     " | tee /proc/sys/sunrpc/rdma_max_inline_write "
                     "> /proc/sys/sunrpc/rdma_max_inline_read");
}

// nfsd's own view of how many calls it may have outstanding, and what a new connection was given.
TEST_F(SettingsTest, BackchannelCreditsAndOutboundReads) {
    serve({Transport::svcrdma}, 8, "backchannel_credits=7 outbound_reads=3");
    ASSERT_TRUE(nfs_);
    const auto trace = traced("svc_rdma_accepted", [this] { mount(Transport::svcrdma, "4.1"); });
    ASSERT_TRUE(mount_);
    on(client(), "ls /mnt/nfs");
    EXPECT_NE(trace.find(" outbound_reads=3 "), std::string::npos) << trace;
    EXPECT_NE(on(server(), "cat /sys/kernel/sunrpc/xprt-switches/*/xprt-*/xprt_info")
                  .find("max_num_slots=7\n"),
              std::string::npos);
}

} // namespace

} // namespace lab
