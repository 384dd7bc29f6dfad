// SPDX-License-Identifier: GPL-2.0-only
// Loading and unloading the module: names, parameters, and what is said when it does not load.
#include "fixture.h"

#include <fmt/format.h>

namespace lab {

namespace {

constexpr std::chrono::seconds quick(30);

class LoadTest : public VmTest {
  protected:
    void SetUp() override {
        VmTest::SetUp();
        const auto put = server().put(module(), remote, Deadline::scaled(quick));
        ASSERT_TRUE(worked(put));
        on(server(), "modprobe -a sunrpc rdma_cm");
    }

    static Output insmod(const std::string &parameters) {
        auto output =
            server().run(fmt::format("insmod {} {}", remote, parameters), Deadline::scaled(quick));
        EXPECT_TRUE(worked(output));
        return output.value_or(Output{.status = -1, .out = {}, .err = {}});
    }

    static std::string last_words() { return on(server(), "dmesg | grep svcrdma: | tail -n 1"); }

    static constexpr const char *remote = "/root/load-test.ko";
};

TEST_F(LoadTest, GivesItsNameBackWhenUnloaded) {
    for (int round = 0; round < 3; round++) {
        ASSERT_EQ(insmod("").status, 0);
        EXPECT_NE(last_words().find("\"rdma\" registered"), std::string::npos);
        on(server(), "rmmod svcrdma");
        EXPECT_NE(last_words().find("\"rdma\" unregistered"), std::string::npos);
    }
    on(server(), "modprobe rpcrdma && modprobe -r rpcrdma");
}

TEST_F(LoadTest, SaysWhoHoldsATakenNameAndWhatHelps) {
    on(server(), "modprobe rpcrdma");
    const auto output = insmod("");
    EXPECT_NE(output.status, 0);
    EXPECT_NE(output.err.find("resource busy"), std::string::npos) << output.err;
    const auto words = last_words();
    EXPECT_NE(words.find("\"rdma\" is held by the stock module rpcrdma"), std::string::npos)
        << words;
    EXPECT_NE(words.find("transport=rdma_ll"), std::string::npos) << words;
    EXPECT_EQ(on(server(), "lsmod | grep -c ^svcrdma || true"), "0\n");

    EXPECT_EQ(insmod("transport=rdma_ll").status, 0);
    on(server(), "rmmod svcrdma && modprobe -r rpcrdma");
}

TEST_F(LoadTest, RefusesValuesOutOfBounds) {
    EXPECT_EQ(
        on(server(), fmt::format("for bad in transport= transport=sixteen-letters! "
                                 "release=sometimes credits=7 credits=4097 credits=many "
                                 "backchannel_credits=0 backchannel_credits=65 "
                                 "inline_size=512 inline_size=4097 inline_size=66560 "
                                 "outbound_reads=0 outbound_reads=256 keepalive=3601 connections=0 "
                                 "connections_per_client=0; do "
                                 "insmod {} $bad 2>/dev/null || continue; "
                                 "echo $bad was taken; rmmod svcrdma; done",
                                 remote)),
        "");
    EXPECT_EQ(on(server(), fmt::format("for good in release=workqueue release=inline credits=8 "
                                       "credits=4096 backchannel_credits=64 inline_size=65536 "
                                       "outbound_reads=255 connections=1 "
                                       "connections_per_client=1000000; do "
                                       "insmod {} $good && rmmod svcrdma || "
                                       "echo $good was refused; done",
                                       remote)),
              "");
}

TEST_F(LoadTest, ModinfoExplainsEachParameter) {
    const auto text = on(server(), fmt::format("modinfo -p {}", remote));
    for (const char *name :
         {"transport:", "release:", "credits:", "backchannel_credits:", "inline_size:",
          "outbound_reads:", "connections:", "connections_per_client:", "keepalive:"})
        EXPECT_NE(text.find(name), std::string::npos) << text;
}

TEST_F(LoadTest, StaysWhileNfsdUsesIt) {
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    auto output = server().run("rmmod svcrdma", Deadline::scaled(quick));
    ASSERT_TRUE(worked(output));
    EXPECT_NE(output->status, 0);
    EXPECT_NE(output->err.find("in use"), std::string::npos) << output->err;
}

} // namespace

} // namespace lab
