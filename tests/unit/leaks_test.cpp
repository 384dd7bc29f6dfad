// SPDX-License-Identifier: GPL-2.0-only
#include "observe/leaks.h"

#include <gtest/gtest.h>

namespace lab {

namespace {

// The form in which the kernel prints them, as in mm/kmemleak.c.
constexpr auto two = R"(unreferenced object 0xffff888104a3c000 (size 192):
  comm "nfsd", pid 150, jiffies 4294937296
  hex dump (first 32 bytes):
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................
    80 c1 a3 04 81 88 ff ff 00 00 00 00 00 00 00 00  ................
  backtrace (crc 5d6b3a4e):
    __kmalloc_cache_noprof+0x230/0x2a0
    svc_rdma_send_ctxt_alloc+0x55/0x3c0 [svcrdma]
    svc_rdma_sendto+0x8a/0x700 [svcrdma]
    svc_send+0x9c/0x210 [sunrpc]
unreferenced object 0xffff888104a3d000 (size 64):
  comm "modprobe", pid 90, jiffies 4294930000
  hex dump (first 32 bytes):
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................
  backtrace (crc 0):
    [<ffffffff8123abcd>] __kmalloc+0x4b/0x150
    [<ffffffff8123abce>] rxe_init+0x20/0x100 [rdma_rxe]
)";

TEST(Leaks, TellsOursFromOthers) {
    const auto leaks = parse_leaks(two);
    ASSERT_EQ(leaks.size(), 2U);
    EXPECT_TRUE(leaks[0].ours);
    EXPECT_EQ(leaks[0].where, "svc_rdma_send_ctxt_alloc+0x55/0x3c0 [svcrdma]");
    EXPECT_NE(leaks[0].text.find("size 192"), std::string::npos);
    EXPECT_EQ(leaks[0].text.find("size 64"), std::string::npos);
    EXPECT_FALSE(leaks[1].ours);
    EXPECT_EQ(leaks[1].where, "__kmalloc+0x4b/0x150");
}

TEST(Leaks, AnUnloadedModuleHasNoNames) {
    const auto leaks = parse_leaks("unreferenced object 0xffff888104a3c000 (size 8):\n"
                                   "  comm \"nfsd\", pid 150, jiffies 4294937296\n"
                                   "  backtrace (crc 0):\n"
                                   "    __kmalloc_cache_noprof+0x230/0x2a0\n"
                                   "    0xffffffffc0a01055\n");
    ASSERT_EQ(leaks.size(), 1U);
    EXPECT_TRUE(leaks[0].ours);
    EXPECT_EQ(leaks[0].where, "0xffffffffc0a01055");
}

// The kernel's own transport is unloaded, too.
TEST(Leaks, AnotherModuleThatIsGoneIsNotOurs) {
    const auto ours = [](const std::string &modules) {
        return parse_leaks(modules + "unreferenced object 0xffff888104a3c000 (size 8):\n"
                                     "  backtrace (crc 0):\n"
                                     "    kmalloc_trace+0x230/0x2a0\n"
                                     "    0xffffffffc0a01055\n")[0]
            .ours;
    };
    EXPECT_FALSE(ours("rpcrdma 8192 0 - Live 0xffffffffc0a00000\n"));
    EXPECT_TRUE(ours("rpcrdma 4096 0 - Live 0xffffffffc0a00000\n"));
    EXPECT_FALSE(ours("rpcrdma 4096 0 - Live 0xffffffffc0a00000\n"
                      "rpcrdma 4096 0 - Live 0xffffffffc0a01000\n"));
    EXPECT_TRUE(ours("rpcrdma 8192 0 - Live 0x0000000000000000\n")) << "hidden";
}

TEST(Leaks, NothingIsNoLeak) {
    EXPECT_TRUE(parse_leaks("").empty());
    EXPECT_TRUE(parse_leaks("kmemleak: disabled\n").empty());
}

} // namespace

} // namespace lab
