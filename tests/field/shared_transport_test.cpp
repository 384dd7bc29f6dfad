// SPDX-License-Identifier: GPL-2.0-only
// Two mounts of one server. With NFSv4.1 and later the client knows the server again, and its
// second mount takes the first one's connection, whatever transport and port it names.
#include "field_test.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace lab {

namespace {

using testing::HasSubstr;

class SharedTransportTest : public FieldTest {
  protected:
    void SetUp() override {
        FieldTest::SetUp();
        serve({Transport::svcrdma, Transport::tcp});
        ASSERT_TRUE(nfs_);
        on(server(), "head -c 1M /dev/urandom > /export/data");
    }

    /// Calls that our module gets while a MiB is read below `dir`, past the cache.
    static std::uint64_t calls_of(const std::string &dir) {
        const auto before = counters().at("calls");
        on(client(), fmt::format("dd if={}/data of=/dev/null bs=64k iflag=direct 2>&1", dir));
        return counters().at("calls") - before;
    }
};

// A Kubernetes recipe whose "RDMA" mounts ran over TCP.
TEST_F(SharedTransportTest, TheSecondMountTakesTheFirstOnes) {
    mount_as("vers=4.2,proto=tcp", "/", "/mnt/nfs");
    mount_as("vers=4.2,rdma,port=20049", "/", "/mnt/second");
    // /proc/mounts tells the truth, where the mount line does not.
    EXPECT_THAT(options_of("/mnt/second"), HasSubstr("proto=tcp"));
    EXPECT_EQ(calls_of("/mnt/second"), 0U);
    unmount_all();
    // The other way round everything is RDMA.
    mount_as("vers=4.2,rdma,port=20049", "/", "/mnt/nfs");
    mount_as("vers=4.2,proto=tcp", "/", "/mnt/second");
    EXPECT_GT(calls_of("/mnt/second"), 0U);
    unmount_all();
    expect_nothing_live();
}

// The same report: what to do instead.
TEST_F(SharedTransportTest, Version3KeepsThemApart) {
    mount_as("vers=3,proto=tcp,nolock", "/export", "/mnt/nfs");
    mount_as("vers=3,rdma,port=20049,nolock", "/export", "/mnt/second");
    EXPECT_THAT(options_of("/mnt/second"), HasSubstr("proto=rdma"));
    EXPECT_EQ(calls_of("/mnt/nfs"), 0U);
    EXPECT_GT(calls_of("/mnt/second"), 15U);
    unmount_all();
    expect_nothing_live();
}

} // namespace

} // namespace lab
