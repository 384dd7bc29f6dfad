// SPDX-License-Identifier: GPL-2.0-only
// A defect of each kind, planted on purpose in a copy of the module, is caught by the kernel that
// is there for it. The tree's module is left alone.
#include "module_test.h"
#include "planted_defects.h"

#include "image/module.h"
#include "observe/leaks.h"
#include "util/temp.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace lab {

namespace {

using std::chrono::seconds;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

class PlantedTest : public ModuleTest {
  protected:
    const PlantedDefects defects;

    /// Whether the kernel watches: `there` is a shell condition on the server.
    static bool watches(const std::string &there) {
        return on(server(), there + " && echo yes || :") == "yes\n";
    }

    /// Serves with the defect.
    void serve_with(const std::vector<Insertion> &defect) {
        const auto temp = TempDir::make();
        ASSERT_TRUE(worked(temp));
        const auto source = temp->path() / "kmod";
        ASSERT_TRUE(worked(plant(defect, source)));
        const auto module = build_module(pair().kernel(), source, temp->path() / "built");
        ASSERT_TRUE(worked(module));
        auto started = NfsServer::start(
            server(), {.transports = {Transport::svcrdma}, .module = *module, .threads = 8});
        ASSERT_TRUE(worked(started));
        nfs_.emplace(std::move(*started));
    }

    /// Lets the client work, over a connection of its own.
    void work(const std::string &command) {
        mount(Transport::svcrdma, "4.2");
        ASSERT_TRUE(mount_);
        on(client(), command, seconds(120));
        unmount();
    }

    /// Serves with the defect and lets the client work, over three connections. They are gone on
    /// return; the module is still there.
    void use(const std::vector<Insertion> &defect, const std::string &command) {
        serve_with(defect);
        for (int round = 0; round < 3 && !HasFatalFailure(); round++)
            work(command);
        EXPECT_TRUE(
            eventually([](const Counters &now) { return now.at("live_connections") == 0; }));
        // Counted before it is freed.
        on(server(), "sleep 1");
    }

    /// The CPUs that a report of KCSAN names: "write to 0x... of 8 bytes by task 312 on cpu 1:".
    static std::set<std::string> cpus_in(const std::vector<std::string> &lines) {
        constexpr std::string_view before = " on cpu ";
        std::set<std::string> cpus;
        for (const auto &line : lines)
            if (const auto at = line.find(before); at != std::string::npos)
                cpus.insert(line.substr(at + before.size()));
        return cpus;
    }

    /// Whether there is a splat of this kind in which our module appears and so many CPUs do;
    /// others stay unseen by TearDown() as well: they are its consequences.
    static AssertionResult caught(std::string_view pattern, std::size_t cpus = 0) {
        std::string others;
        for (const auto &splat : new_splats()) {
            const auto &lines = splat.finding.lines;
            const bool ours = std::ranges::any_of(lines, [](const std::string &line) {
                return line.find("[svcrdma]") != std::string::npos;
            });
            if (ours && splat.finding.pattern == pattern && cpus_in(lines).size() >= cpus) {
                tell(splat.finding.head());
                return AssertionSuccess();
            }
            others += splat.finding.head() + "\n";
        }
        return AssertionFailure() << "nothing of the kind was reported, only:\n" << others;
    }

    static void tell(const std::string &what) {
        fmt::print("caught: {}\n", what);
        RecordProperty("caught", what);
    }
};

constexpr auto some_work = "dd if=/dev/urandom of=/mnt/nfs/file bs=64k count=8 conv=fsync 2>&1";

// A leak does not disturb what the others need; lockdep stops watching with its first report, and
// with KASAN's.
TEST_F(PlantedTest, ALeakedObject) {
    if (!watches("test -e /sys/kernel/debug/kmemleak"))
        GTEST_SKIP() << "this kernel has no kmemleak";
    use(defects.leaked_object, some_work);
    const auto leaks = find_leaks(server());
    ASSERT_TRUE(worked(leaks));
    const auto ours = std::ranges::find_if(*leaks, &Leak::ours);
    ASSERT_NE(ours, leaks->end()) << "kmemleak saw nothing";
    EXPECT_NE(ours->where.find("svc_rdma_connection_alloc"), std::string::npos) << ours->text;
    tell(fmt::format("memory lost {} times, first in {}",
                     std::ranges::count_if(*leaks, &Leak::ours), ours->where));
    ASSERT_TRUE(worked(forget_leaks(server())));
}

TEST_F(PlantedTest, LocksInTwoOrders) {
    if (!watches("test -e /proc/lockdep"))
        GTEST_SKIP() << "this kernel has no lockdep";
    use(defects.locks_in_two_orders, some_work);
    EXPECT_TRUE(caught("lockdep"));
}

TEST_F(PlantedTest, MemoryUsedAfterItWasFreed) {
    if (!watches("grep -q ' kasan_report$' /proc/kallsyms"))
        GTEST_SKIP() << "this kernel has no KASAN";
    use(defects.used_after_free, some_work);
    EXPECT_TRUE(caught("kasan"));
}

// No kernel of the lab's knows who owns a page; the module's own accounts do.
TEST_F(PlantedTest, ALeakedPage) {
    use(defects.leaked_page, some_work);
    const auto left = counters().at("live_pages");
    ASSERT_GT(left, 0);
    tell(fmt::format("{} pages are still there, and no connection", left));
}

// KCSAN watches one access in many, for a moment: it takes its time to see this one. An interrupt
// and a thread that is put off race on one CPU; here two threads are within one line at a time.
TEST_F(PlantedTest, ARacyCounter) {
    if (!watches("test -e /sys/kernel/debug/kcsan"))
        GTEST_SKIP() << "this kernel has no KCSAN";
    serve_with(defects.racy_counter);
    auto seen = AssertionFailure();
    for (int round = 0; round < 30 && !seen && !HasFatalFailure(); round++) {
        work("seq 8 | xargs -P 8 -I @ dd if=/dev/zero of=/mnt/nfs/file@ bs=4k count=256 "
             "oflag=direct 2>&1");
        seen = caught("kcsan", 2);
    }
    EXPECT_TRUE(seen);
}

} // namespace

} // namespace lab
