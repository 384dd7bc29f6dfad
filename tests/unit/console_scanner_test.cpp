// SPDX-License-Identifier: GPL-2.0-only
#include "observe/console_scanner.h"

#include "data.h"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> names(const std::vector<Finding> &findings) {
    std::vector<std::string> names;
    names.reserve(findings.size());
    for (const Finding &finding : findings)
        names.push_back(finding.pattern);
    return names;
}

std::string text(const Finding &finding) {
    std::string text;
    for (const std::string &line : finding.lines)
        text += line + "\n";
    return text;
}

// Serial consoles of both Debian kernels in QEMU, with defects provoked by a module written for
// the purpose.
class RecordedConsole : public testing::TestWithParam<std::string> {
  protected:
    static std::vector<Finding> scan(const std::string &name) {
        return scan_console(test_data("console/" + GetParam() + "-" + name + ".log"));
    }
};

TEST_P(RecordedConsole, FindsNothingInACleanBoot) {
    EXPECT_THAT(names(scan("clean")), ElementsAre());
}

TEST_P(RecordedConsole, FindsOopsesWithAllTheirLines) {
    const auto findings = scan("oops");
    ASSERT_THAT(names(findings), ElementsAre("bad-access", "general-protection"));
    EXPECT_THAT(findings[0].head(), HasSubstr("BUG: kernel NULL pointer dereference"));
    EXPECT_THAT(text(findings[0]), HasSubstr("Oops: Oops: 0002 [#1]"));
    EXPECT_THAT(text(findings[0]), HasSubstr("RIP: 0010:splat_null"));
    EXPECT_THAT(findings[0].lines.back(), HasSubstr("---[ end trace"));
    EXPECT_THAT(text(findings[1]), HasSubstr("non-canonical address 0xdead000000000100"));
}

TEST_P(RecordedConsole, FindsBugs) {
    EXPECT_THAT(names(scan("bug")), ElementsAre("bug"));
    EXPECT_THAT(names(scan("list")), ElementsAre("list"));
}

TEST_P(RecordedConsole, FindsAPanic) {
    const auto findings = scan("panic");
    ASSERT_THAT(names(findings), ElementsAre("panic"));
    EXPECT_THAT(text(findings[0]), HasSubstr("sysrq_handle_crash"));
}

TEST_P(RecordedConsole, FindsEveryWarningOnce) {
    const auto findings = scan("warnings");
    EXPECT_THAT(names(findings), ElementsAre("warning", "refcount", "refcount", "refcount", "slab",
                                             "slab", "hung-task", "hung-task"));
    EXPECT_THAT(text(findings[0]), HasSubstr("splat_warn"));
    EXPECT_THAT(text(findings[2]), HasSubstr("underflow; use-after-free"));
    EXPECT_THAT(text(findings[6]), HasSubstr("hung+0x"));
}

INSTANTIATE_TEST_SUITE_P(Kernels, RecordedConsole, testing::Values("6.12", "7.2"),
                         [](const auto &info) { return info.param == "6.12" ? "v6" : "v7"; });

TEST(Console, FindsSchedulingWhileAtomicAndThePanicThatFollows) {
    EXPECT_THAT(names(scan_console(test_data("console/6.12-atomic.log"))),
                ElementsAre("scheduling"));
    EXPECT_THAT(names(scan_console(test_data("console/7.2-atomic.log"))),
                ElementsAre("scheduling", "panic"));
}

TEST(Console, FindsStalls) {
    EXPECT_THAT(names(scan_console(test_data("console/6.12-stall.log"))), ElementsAre("rcu-stall"));
    EXPECT_THAT(names(scan_console(test_data("console/7.2-stall.log"))),
                ElementsAre("soft-lockup"));
}

TEST(Console, FindsMemoryRunningOut) {
    const auto findings = scan_console(test_data("console/6.12-oom.log"));
    ASSERT_FALSE(findings.empty());
    EXPECT_EQ(findings[0].pattern, "out-of-memory");
}

// Debian's kernels have neither KASAN nor lockdep: these are written after the kernel's source.
TEST(Console, FindsSanitizersAndLockdep) {
    constexpr auto log =
        "[  100.000001] ==================================================================\n"
        "[  100.000002] BUG: KASAN: slab-use-after-free in svc_rdma_send+0x12/0x90 [svcrdma]\n"
        "[  100.000003] Read of size 8 at addr ffff8880053aa88 by task nfsd/140\n"
        "[  100.000004] ==================================================================\n"
        "[  100.000005] Disabling lock debugging due to kernel taint\n"
        "[  200.000001][  T140] ======================================================\n"
        "[  200.000002][  T140] WARNING: possible circular locking dependency detected\n"
        "[  200.000003][  T140] nfsd/140 is trying to acquire lock:\n"
        "[  300.000001] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)\n";
    const auto findings = scan_console(log);
    ASSERT_THAT(names(findings), ElementsAre("kasan", "lockdep")) << "leaks are told elsewhere";
    EXPECT_EQ(findings[0].lines.size(), 3U) << "the bar closes the report";
    EXPECT_EQ(findings[0].line, 2U);
    EXPECT_EQ(findings[1].lines.size(), 2U) << "100 s later begins something else";
}

TEST(Console, FindsPagesThatWereWrittenAfterTheyWereFreed) {
    const auto findings = scan_console("[    9.0] pagealloc: memory corruption\n"
                                       "[    9.0] 00000000c1b0f1a5: aa aa aa 00 aa aa aa aa\n");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].pattern, "page-poison");
}

TEST(Console, LooksBehindWhateverSharesTheLine) {
    const auto findings = scan_console("server login: [   12.345678] BUG: bad thing\r\n"
                                       "[   12.345679] detail\r\n");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].head(), "server login: [   12.345678] BUG: bad thing");
    EXPECT_EQ(findings[0].lines.size(), 2U);
}

TEST(Console, IsNotFooledByWordsInTheMiddle) {
    EXPECT_THAT(scan_console("[    0.1] Spectre V2 : WARNING: Unprivileged eBPF is enabled\n"
                             "[    0.2] Kernel command line: DEBUG: x BUG off\n"
                             "[    0.3] nfsd: debug: nothing\n"
                             "[    0.4] rcu: RCU callback double-/use-after-free debug is "
                             "enabled.\n"),
                testing::IsEmpty());
}

TEST(Console, ToleratesWhatIsAllowed) {
    constexpr std::array allowed{AllowedLine{"clock is slow", "the emulated one is"}};
    constexpr auto log = "[    1.0] WARNING: clock is slow\n[    5.0] WARNING: disk is slow\n";
    const auto findings = scan_console(log, splat_patterns(), allowed);
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_EQ(findings[0].tolerated, "the emulated one is");
    ASSERT_NE(first_serious(findings), nullptr);
    EXPECT_THAT(first_serious(findings)->head(), HasSubstr("disk"));
    EXPECT_EQ(first_serious(std::span(findings).first(1)), nullptr);
    EXPECT_EQ(scan_console(log)[0].tolerated, "");
}

// Seen once with QEMU 7.2 and four CPUs, in a client where our module is not loaded.
TEST(Console, ToleratesADebugExceptionOfTheEmulation) {
    constexpr auto theirs = "[  740.5] WARNING: CPU: 0 PID: 42 at arch/x86/kernel/traps.c:1120 "
                            "exc_debug_kernel+0xca/0x160\n"
                            "[  740.5]  asm_exc_debug+0x1e/0x40\n"
                            "[  740.5]  rxe_requester+0x46b/0xf60 [rdma_rxe]\n"
                            "[  740.5] ---[ end trace 0000000000000000 ]---\n";
    constexpr auto ours = "[  750.5] WARNING: CPU: 0 PID: 42 at arch/x86/kernel/traps.c:1120 "
                          "exc_debug_kernel+0xca/0x160\n"
                          "[  750.5]  asm_exc_debug+0x1e/0x40\n"
                          "[  750.5]  svc_rdma_sendto+0x46b/0xf60 [svcrdma]\n"
                          "[  750.5] ---[ end trace 0000000000000000 ]---\n";
    const auto findings = scan_console(std::string(theirs) + ours);
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_NE(findings[0].tolerated, "");
    EXPECT_EQ(findings[1].tolerated, "");
}

TEST(Console, ToleratesALineWithItsFunctionOnly) {
    constexpr std::array allowed{AllowedLine{"clock is slow", "the emulated one is", "tick+"}};
    const auto findings = scan_console("[    1.0] WARNING: clock is slow\n"
                                       "[    1.1]  tick+0x12/0x90\n"
                                       "[    5.0] WARNING: clock is slow\n"
                                       "[    5.1]  tock+0x12/0x90\n",
                                       splat_patterns(), allowed);
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_EQ(findings[0].tolerated, "the emulated one is");
    EXPECT_EQ(findings[1].tolerated, "");
}

// As a debug kernel has told it; no line of it is our module's, until one is added.
TEST(Console, ToleratesThatRxeFreesPacketsWithInterruptsOff) {
    auto log = test_data("console/7.3-rxe.log");
    auto findings = scan_console(log);
    ASSERT_THAT(names(findings), ElementsAre("warning", "warning", "lockdep"));
    EXPECT_EQ(first_serious(findings), nullptr);
    const std::string theirs = " do_work+0xd1/0x290 [rdma_rxe]";
    for (auto at = log.find(theirs); at != std::string::npos; at = log.find(theirs, at + 1))
        log.replace(at, theirs.size(), " svc_rdma_send+0x12/0x90 [svcrdma]");
    findings = scan_console(log);
    ASSERT_EQ(findings.size(), 3U);
    for (const Finding &finding : findings)
        EXPECT_EQ(finding.tolerated, "");
}

// It has no end mark, and the next report comes at once.
TEST(Console, ToleratesNotWhatFollows) {
    constexpr std::array allowed{AllowedLine{"clock is slow", "the emulated one is"}};
    const auto findings = scan_console("[    1.0] WARNING: clock is slow\n"
                                       "[    1.1]  tick+0x12/0x90\n"
                                       "[    1.2] BUG: KASAN: slab-use-after-free in tock\n"
                                       "[    1.3]  tock+0x12/0x90\n",
                                       splat_patterns(), allowed);
    ASSERT_THAT(names(findings), ElementsAre("warning", "kasan"));
    EXPECT_EQ(findings[0].tolerated, "the emulated one is");
    EXPECT_EQ(findings[1].tolerated, "");
    EXPECT_EQ(findings[1].lines.size(), 2U);
}

TEST(Console, ToleratesNothingOfOurOwn) {
    constexpr std::array allowed{AllowedLine{"clock is slow", "the emulated one is"}};
    const auto findings = scan_console("[    1.0] WARNING: clock is slow\n"
                                       "[    1.1]  svc_rdma_send+0x12/0x90 [svcrdma]\n"
                                       "[    1.2]  svc_send+0x9/0x10 [sunrpc]\n",
                                       splat_patterns(), allowed);
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].tolerated, "");
}

TEST(Console, ToleratesRacesBetweenOthers) {
    constexpr auto with_theirs =
        "[   10.0] BUG: KCSAN: data-race in svc_pool_wake / svc_thread_wait\n"
        "[   10.0] \n"
        "[   10.0] write to 0xffff888003 of 8 bytes by task 140 on cpu 1:\n"
        "[   10.0]  svc_pool_wake+0x12/0x90 [sunrpc]\n"
        "[   10.0]  svc_rdma_enqueue+0x9/0x10 [svcrdma]\n"
        "[   10.0] \n"
        "[   10.0] read to 0xffff888003 of 8 bytes by interrupt on cpu 0:\n"
        "[   10.0]  svc_thread_wait+0x12/0x90 [sunrpc]\n"
        "[   10.0] ==================================================================\n";
    constexpr auto with_ours =
        "[   20.0] BUG: KCSAN: data-race in queue_move / list_insert\n"
        "[   20.0] \n"
        "[   20.0] write to 0xffff888003 of 8 bytes by task 140 on cpu 1:\n"
        "[   20.0]  queue_move+0x12/0x90 [rdma_rxe]\n"
        "[   20.0]  svc_rdma_enqueue+0x9/0x10 [svcrdma]\n"
        "[   20.0] \n"
        "[   20.0] read to 0xffff888003 of 8 bytes by task 141 on cpu 0:\n"
        "[   20.0]  list_insert+0x12/0x90\n"
        "[   20.0]  svc_rdma_accept+0x12/0x90 [svcrdma]\n"
        "[   20.0] ==================================================================\n";
    const auto findings = scan_console(std::string(with_theirs) + with_ours);
    ASSERT_THAT(names(findings), ElementsAre("kcsan", "kcsan"));
    EXPECT_NE(findings[0].tolerated, "") << "our module only called theirs";
    EXPECT_EQ(findings[1].tolerated, "") << "our module inserts into the list";
}

TEST(Console, EndsAFindingWhenTheKernelFallsSilent) {
    const auto findings = scan_console("[   10.0] INFO: task nfsd:1 blocked for more than 120 s\n"
                                       "[   10.1] Call Trace:\n"
                                       "[   12.0] something else\n"
                                       "[   12.1] BUG: another\n");
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_EQ(findings[0].lines.size(), 2U);
    EXPECT_THAT(findings[1].head(), StartsWith("[   12.1]"));
}

// With its level the kernel decides what reaches the console; with its size, what stays in the log.
TEST(ConsoleAndLog, TellTogetherWhatEachOfThemMisses) {
    const auto findings = scan_console_and_log("[    1.0] BUG: on the console only\n"
                                               "[    5.0] WARNING: on both\n"
                                               "[    5.1]  tick+0x12/0x90\n",
                                               "[    5.0] WARNING: on both\n"
                                               "[    5.1]  tick+0x12/0x90\n"
                                               "[    9.0] refcount_t: in the log only\n"
                                               "[    9.1]  tock+0x12/0x90\n");
    ASSERT_THAT(names(findings), ElementsAre("bug", "warning", "refcount"));
    EXPECT_EQ(text(findings[1]), "[    5.0] WARNING: on both\n[    5.1]  tick+0x12/0x90\n");
    EXPECT_EQ(text(findings[2]), "[    9.0] refcount_t: in the log only\n"
                                 "[    9.1]  tock+0x12/0x90\n");
    EXPECT_EQ(findings[2].line, 3U) << "of the log";
}

TEST(ConsoleAndLog, AreOneWhereTheConsoleHasMoreInTheLine) {
    EXPECT_THAT(names(scan_console_and_log("server login: [    1.0] BUG: bad thing\r\n",
                                           "[    1.0] BUG: bad thing\n")),
                ElementsAre("bug"));
}

// The console's finding goes on to the end; the log, which begins later, has only a part of it.
TEST(ConsoleAndLog, AreOneWhereTheLogBeginsInTheMiddle) {
    EXPECT_THAT(names(scan_console_and_log("[    1.0] BUG: KASAN: use-after-free in tick\n"
                                           "[    1.1] WARNING: also this\n",
                                           "[    1.1] WARNING: also this\n")),
                ElementsAre("kasan"));
}

TEST(ConsoleAndLog, ATwinAtAnotherTimeIsAnother) {
    EXPECT_THAT(
        names(scan_console_and_log("[    1.0] BUG: bad thing\n", "[    1.0] BUG: bad thing\n"
                                                                 "[    7.0] BUG: bad thing\n")),
        ElementsAre("bug", "bug"));
}

TEST(ConsoleAndLog, EitherMayBeMissing) {
    EXPECT_THAT(names(scan_console_and_log("", "[    1.0] BUG: bad thing\n")), ElementsAre("bug"));
    EXPECT_THAT(names(scan_console_and_log("[    1.0] BUG: bad thing\n", "")), ElementsAre("bug"));
    EXPECT_THAT(scan_console_and_log("", ""), testing::IsEmpty());
}

TEST(Console, EveryAllowedLineHasAReason) {
    for (const AllowedLine &line : allowed_lines())
        EXPECT_FALSE(line.text.empty() || line.reason.empty());
}

} // namespace
} // namespace lab
