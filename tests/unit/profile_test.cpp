// SPDX-License-Identifier: GPL-2.0-only
#include "observe/code_group.h"
#include "observe/instructions.h"
#include "report/profile_file.h"
#include "report/profile_report.h"
#include "util/temp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

// As a guest prints them: several names for one address, a module above the kernel, a clone.
constexpr auto symbols_text = "ffffffff81000000 _stext\n"
                              "ffffffff81000100 __schedule\n"
                              "ffffffff81000100 alias\n"
                              "ffffffff81000200 __schedule.cold\n"
                              "ffffffff81000300 crc32_le\n"
                              "ffffffffc0200000 svc_rdma_sendto [svcrdma]\n";

SymbolTable symbols() {
    auto table = parse_symbols(symbols_text);
    EXPECT_TRUE(table);
    return *std::move(table);
}

TEST(Symbols, FindsTheFunctionAroundAnAddress) {
    const auto table = symbols();
    ASSERT_NE(table.find(0xffffffff810001ff), nullptr);
    EXPECT_EQ(table.find(0xffffffff81000100)->name, "__schedule");
    EXPECT_EQ(table.find(0xffffffff810001ff)->name, "__schedule");
    EXPECT_EQ(table.find(0xffffffffc0200010)->module, "svcrdma");
    EXPECT_EQ(table.find(0xffffffff80ffffff), nullptr);
    // Between the kernel and its modules, and above them all.
    EXPECT_EQ(table.find(0xffffffff90000000), nullptr);
    EXPECT_EQ(table.find(0xffffffffc0900000), nullptr);
}

TEST(Symbols, RefusesHiddenAddresses) {
    const auto hidden = parse_symbols("0000000000000000 _stext\n");
    ASSERT_FALSE(hidden);
    EXPECT_THAT(hidden.error().what, HasSubstr("does not tell"));
    EXPECT_FALSE(parse_symbols(""));
    EXPECT_FALSE(parse_symbols("awk: cannot open\n"));
}

TEST(Instructions, NoticesAnAnswerThatIsCutOff) {
    // One address may begin blocks of several lengths.
    const auto counts =
        parse_instruction_counts("ffffffff81000100 7 2\nffffffff81000100 3 1\n0 3 9\nend\n");
    ASSERT_TRUE(counts) << counts.error().what;
    ASSERT_EQ(counts->size(), 2U);
    EXPECT_EQ(counts->at(0xffffffff81000100).instructions, 17U);
    EXPECT_EQ(counts->at(0xffffffff81000100).entered, 3U);
    EXPECT_EQ(counts->at(0).instructions, 27U);
    EXPECT_FALSE(parse_instruction_counts("ffffffff81000100 7 2\n"));
    EXPECT_FALSE(parse_instruction_counts("ffffffff81000100 7\nend\n"));
    EXPECT_FALSE(parse_instruction_counts("ffffffff81000100 7 2 5\nend\n"));
    EXPECT_FALSE(parse_instruction_counts("nonsense 7 2\nend\n"));
}

TEST(Profile, AttributesWhatWasExecutedBetween) {
    const InstructionCounts before{
        {0xffffffff81000100, {50, 5}}, {0xffffffff81000300, {9, 1}}, {0, {5, 1}}};
    const InstructionCounts after{
        {0xffffffff81000100, {60, 6}},  // 10 more
        {0xffffffff81000140, {20, 10}}, // a block that is new
        {0xffffffff81000200, {1, 1}},   // the cold part of it
        {0xffffffff81000300, {9, 1}},   // nothing
        {0xffffffffc0200008, {40, 4}},  {0xffffffff90000000, {2, 1}}, {0, {8, 2}}};
    const auto profile = make_profile(before, after, symbols());
    EXPECT_EQ(profile.total(), 10U + 20 + 1 + 40 + 2 + 3);
    EXPECT_THAT(profile.groups(), ElementsAre(Pair("other", 2), Pair("scheduler", 31),
                                              Pair("transport", 40), Pair("user space", 3)));
    ASSERT_EQ(profile.functions.size(), 4U);
    EXPECT_EQ(profile.functions[0].name, "svc_rdma_sendto");
    EXPECT_EQ(profile.functions[1].name, "__schedule");
    EXPECT_EQ(profile.functions[1].instructions, 31U);
    EXPECT_EQ(profile.calls("", "__schedule"), 1U);
    EXPECT_EQ(profile.calls("svcrdma", "svc_rdma_sendto"), 0U) << "it was only gone on with";
}

TEST(CodeGroup, KnowsModulesAndNames) {
    EXPECT_EQ(code_group("svcrdma", "memcpy"), "transport");
    EXPECT_EQ(code_group("rpcrdma", "svc_rdma_sendto"), "transport");
    EXPECT_EQ(code_group("rdma_rxe", "rxe_rcv"), "rxe");
    EXPECT_EQ(code_group("ext4", "ext4_read"), "other");
    EXPECT_EQ(code_group("", "crc32_le"), "rxe");
    EXPECT_EQ(code_group("", "__queue_work"), "workqueue");
    EXPECT_EQ(code_group("", "schedule_idle"), "idle");
    EXPECT_EQ(code_group("", "__schedule"), "scheduler");
    EXPECT_EQ(code_group("", "event_hist_trigger"), "tracing");
    EXPECT_EQ(code_group("", "kmem_cache_free"), "memory");
    EXPECT_EQ(code_group("", "hrtimer_interrupt"), "interrupts");
    EXPECT_EQ(code_group("", "vfs_read"), "other");
}

ProfiledRun run(Transport transport, unsigned repeat, std::uint64_t instructions) {
    return {{"6.12", transport, "3", "reads", repeat},
            10,
            {{{"svc_rdma_sendto", "svcrdma", "transport", instructions, 10},
              {"schedule", "", "scheduler", 100, 10}}}};
}

TEST(ProfileFile, ComesBackAsItWasWritten) {
    const auto dir = TempDir::make();
    ASSERT_TRUE(dir);
    EXPECT_FALSE(read_profiles(dir->path())) << "nothing there yet";
    const auto path = dir->path() / "6.12" / "observe" / "instructions-x.json";
    ASSERT_TRUE(write_profile(path, run(Transport::svcrdma, 2, 1000)));
    const auto runs = read_profiles(dir->path());
    ASSERT_TRUE(runs) << runs.error().what;
    ASSERT_EQ(runs->size(), 1U);
    EXPECT_EQ(runs->front().key.transport, Transport::svcrdma);
    EXPECT_EQ(runs->front().key.repeat, 2U);
    EXPECT_EQ(runs->front().ops, 10U);
    EXPECT_EQ(runs->front().profile.total(), 1100U);
    EXPECT_EQ(runs->front().profile.calls("svcrdma", "svc_rdma_sendto"), 10U);
    EXPECT_EQ(runs->front().key.variant, "");

    auto swept = run(Transport::svcrdma, 2, 1000);
    swept.key.variant = "release=inline unmap_us=2";
    ASSERT_TRUE(write_profile(path, swept));
    const auto variants = read_profiles(dir->path());
    ASSERT_TRUE(variants) << variants.error().what;
    EXPECT_EQ(variants->front().key.variant, "release=inline unmap_us=2");

    std::ofstream(path) << "{\"schema\": 1}";
    const auto damaged = read_profiles(dir->path());
    ASSERT_FALSE(damaged);
    EXPECT_THAT(damaged.error().what, HasSubstr("instructions-x.json is no profile"));
}

TEST(ProfileFile, MayBeOlderThanVariants) {
    const auto dir = TempDir::make();
    ASSERT_TRUE(dir);
    const auto observe = dir->path() / "6.12" / "observe";
    std::filesystem::create_directories(observe);
    std::ofstream(observe / "instructions-x.json")
        << R"({"schema": 1, "kernel": "6.12", "transport": "tcp", "nfs": "3", "workload": "reads",
               "repeat": 1, "ops": 10, "functions": []})";
    const auto runs = read_profiles(dir->path());
    ASSERT_TRUE(runs) << runs.error().what;
    EXPECT_EQ(runs->front().key.variant, "");
}

TEST(ProfileReport, ShowsMediansPerOperation) {
    const std::vector runs{run(Transport::svcrdma, 1, 1000), run(Transport::svcrdma, 2, 9000),
                           run(Transport::svcrdma, 3, 2000), run(Transport::rpcrdma, 1, 4000)};
    const auto text = profile_text(runs, 5);
    EXPECT_THAT(text, HasSubstr("6.12, NFSv3, reads"));
    EXPECT_THAT(text, testing::ContainsRegex("\n  total +210 +410 +0.51\n"));
    EXPECT_THAT(text, testing::ContainsRegex("\n  transport +200 +400 +0.50\n"));
    EXPECT_THAT(text, testing::ContainsRegex("\n  svc_rdma_sendto .svcrdma. +200 +400 +0.50\n"));
}

TEST(ProfileReport, KeepsVariantsApart) {
    std::vector runs{run(Transport::svcrdma, 1, 1000), run(Transport::svcrdma, 1, 9000)};
    runs[0].key.variant = "unmap_us=0";
    runs[1].key.variant = "unmap_us=5";
    const auto text = profile_text(runs, 5);
    EXPECT_THAT(text, testing::ContainsRegex("reads unmap_us=0: [^:]*\n  total +110\n"));
    EXPECT_THAT(text, testing::ContainsRegex("reads unmap_us=5: [^:]*\n  total +910\n"));
    const auto folded = folded_text(runs);
    EXPECT_THAT(folded, HasSubstr("6.12;reads unmap_us=0;svcrdma;scheduler;schedule 10\n"));
    EXPECT_THAT(folded, HasSubstr("6.12;reads unmap_us=5;svcrdma;scheduler;schedule 10\n"));
}

TEST(ProfileReport, FoldsForFlameGraphs) {
    EXPECT_EQ(folded_text({run(Transport::svcrdma, 1, 1000)}),
              "6.12;reads;svcrdma;transport;svc_rdma_sendto [svcrdma] 100\n"
              "6.12;reads;svcrdma;scheduler;schedule 10\n");
}

} // namespace
} // namespace lab
