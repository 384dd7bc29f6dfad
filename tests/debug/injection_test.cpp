// SPDX-License-Identifier: GPL-2.0-only
// Memory that is not there and calls that are refused, each in its turn. A failure costs at most
// the connection: the client comes back, what was acknowledged is there, and nothing is lost.
#include "module_test.h"
#include "util/progress.h"

#include <fmt/format.h>

#include <array>
#include <string>

namespace lab {

namespace {

using std::chrono::seconds;

class InjectionTest : public ModuleTest {
  protected:
    void SetUp() override {
        ModuleTest::SetUp();
        expect_receives_to_run_out(); // where there is no memory for them
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
        on(client(), "head -c 1M /dev/urandom > /root/data");
    }

    void TearDown() override {
        on(client(), "rm -f /root/data");
        ModuleTest::TearDown();
    }

    /// Lets the traffic run into the Nth failure, for N from 1 to 260, as long as it gets that far.
    /// Behind the first ones most are a repetition of them, so that the steps grow. The traffic
    /// succeeds, or fails the test. `arm` takes N; `struck` says whether the failure has come, and
    /// takes it away.
    void fail_in_turn(const std::string &name, const std::function<void()> &traffic,
                      const std::function<void(int)> &arm, const std::function<bool()> &struck) {
        int failed = 0;
        Progress progress(fmt::format("failing {}", name));
        for (int n = 1; n <= last; n += n < 16 ? 1 : n / 5) {
            SCOPED_TRACE(fmt::format("{}, number {}", name, n));
            progress.at(fmt::format("number {}, of {} at most", n, last));
            arm(n);
            traffic();
            if (!struck())
                break;
            failed++;
            if (HasFailure())
                return;
        }
        progress.done();
        fmt::print("{}: failed in {} rounds\n", name, failed);
        RecordProperty(name, failed);
        failed_ += failed;
    }

    /// Serves a connection, and has the data in a file of its own.
    void begin(const std::string &version) {
        mount(Transport::svcrdma, version);
        ASSERT_TRUE(mount_);
        on(client(), "cp /root/data /mnt/nfs/data && sync");
    }

    /// The data is there, nothing is lost, and a new mount works.
    void end() {
        EXPECT_GT(failed_, 0) << "nothing has failed";
        on(client(), "cmp /root/data /mnt/nfs/data", seconds(60));
        unmount();
        expect_nothing_live();
        expect_path(Transport::svcrdma, "4.2");
        expect_nothing_live();
    }

    /// What a client does that may take as long as a lost connection does.
    static void does(const std::string &command) { on(client(), command, seconds(120)); }

  private:
    // A connection's own contexts come behind more than fifty allocations of the devices' layers.
    static constexpr int last = 260;
    int failed_ = 0;
};

// Where in the kernel a module's functions are, as the files of an injection take it.
struct Addresses {
    std::string first, last;
};

class AllocationFailureTest : public InjectionTest {
  protected:
    void SetUp() override {
        if (on(server(), "test -e /sys/kernel/debug/failslab/require-start && echo yes || :") !=
            "yes\n")
            GTEST_SKIP() << "this kernel fails no allocation on demand";
        InjectionTest::SetUp();
        ASSERT_TRUE(nfs_);
        ASSERT_NO_FATAL_FAILURE(find_addresses("svcrdma", ours_));
        for (const auto *kind : kinds)
            on(server(), script("fail-allocation", {"allow", kind}));
    }

    void TearDown() override {
        if (nfs_)
            for (const auto *kind : kinds)
                disarm(kind);
        InjectionTest::TearDown();
    }

    void starve(const std::function<void()> &traffic) {
        for (const auto *kind : kinds)
            fail_in_turn(
                kind, traffic,
                [&](int n) {
                    on(server(), script("fail-allocation",
                                        {"arm", kind, std::to_string(n), ours_.first, ours_.last}));
                },
                [&] { return disarm(kind); });
    }

    /// From here on what rxe asks for is not counted. It does so for each packet, in our stack when
    /// we post: the first allocations would all be those.
    static void spare_the_device() {
        Addresses rxe;
        ASSERT_NO_FATAL_FAILURE(find_addresses("rdma_rxe", rxe));
        for (const auto *kind : kinds)
            on(server(), fmt::format("cd /sys/kernel/debug/{} && echo {} > reject-start && "
                                     "echo {} > reject-end",
                                     kind, rxe.first, rxe.last));
    }

    /// And what our own functions asked for was among what failed, not only what they called.
    void end() {
        EXPECT_GT(counters().at("no_memory"), 0U);
        InjectionTest::end();
    }

  private:
    static void find_addresses(const std::string &module, Addresses &addresses) {
        const auto text = on(server(), fmt::format("grep -F '[{}]' /proc/kallsyms | "
                                                   "awk 'tolower($2) == \"t\" {{ print $1 }}' | "
                                                   "sort | sed -n '1p;$p'",
                                                   module));
        ASSERT_EQ(text.size(), 2 * (16 + 1)) << text;
        addresses.first = "0x" + text.substr(0, 16);
        // Where the last function ends is not said; behind a module's code there is nothing.
        addresses.last = fmt::format("{:#x}", std::stoull(text.substr(17), nullptr, 16) + 4096);
    }

    // kmalloc() and the like, and alloc_pages().
    static constexpr std::array kinds = {"failslab", "fail_page_alloc"};

    /// Whether a failure has struck.
    static bool disarm(const std::string &kind) {
        return on(server(), script("fail-allocation", {"disarm", kind})) != "2\n";
    }

    Addresses ours_;
};

TEST_F(AllocationFailureTest, SetUp) {
    starve([&] {
        mount(Transport::svcrdma, "4.2");
        ASSERT_TRUE(mount_);
        on(client(), "ls /mnt/nfs");
        unmount();
    });
    begin("4.2");
    ASSERT_TRUE(mount_);
    end();
}

// Many calls at once: more Receives have to be posted.
TEST_F(AllocationFailureTest, Receive) {
    spare_the_device();
    starve([&] {
        mount(Transport::svcrdma, "3");
        ASSERT_TRUE(mount_);
        verify("debug/verify-many.fio");
        unmount();
    });
    begin("3");
    ASSERT_TRUE(mount_);
    end();
}

TEST_F(AllocationFailureTest, Read) {
    begin("3");
    ASSERT_TRUE(mount_);
    spare_the_device();
    starve([&] {
        does("dd if=/root/data of=/mnt/nfs/data bs=256k oflag=direct 2>&1");
        EXPECT_EQ(on(server(), "md5sum < /export/data"), on(client(), "md5sum < /root/data"));
    });
    end();
}

TEST_F(AllocationFailureTest, Write) {
    begin("4.2");
    ASSERT_TRUE(mount_);
    spare_the_device();
    starve(
        [&] { does("dd if=/mnt/nfs/data bs=256k iflag=direct 2>/dev/null | cmp - /root/data"); });
    end();
}

// Long ones: a Reply chunk. The client asks for more with each call, so that the last are longer
// than what a Send context has room for.
TEST_F(AllocationFailureTest, Reply) {
    begin("3");
    ASSERT_TRUE(mount_);
    make_many(3000);
    spare_the_device();
    starve([&] { does(fmt::format("test $({}) = 3000", count_many)); });
    remove_many();
    end();
}

// A call that cannot be sent is tried again or costs the delegation, not more.
TEST_F(AllocationFailureTest, Backchannel) {
    shorten_grace();
    begin("4.1");
    ASSERT_TRUE(mount_);
    spare_the_device();
    starve([&] {
        const auto file = delegated_file();
        ASSERT_FALSE(file.empty());
        on(server(), fmt::format("echo after > /export/{}", file), seconds(100));
        on(client(), fmt::format("test \"$(cat /mnt/nfs/{0})\" = after && rm /mnt/nfs/{0}", file),
           seconds(60));
    });
    InjectionTest::end(); // the RPC client counts for itself
}

// What the module's own parameter makes fail: on any kernel.
class CallFailureTest : public InjectionTest, public ::testing::WithParamInterface<const char *> {};

TEST_P(CallFailureTest, CostsAtMostTheConnection) {
    const std::string name = GetParam();
    const auto parameter = "/sys/module/svcrdma/parameters/fault";
    const auto ask = [&](int n) {
        on(server(), fmt::format("echo {} {} > {}", name, n, parameter));
    };
    begin("3");
    ASSERT_TRUE(mount_);
    make_many(100);
    fail_in_turn(
        name,
        [] {
            does(fmt::format("dd if=/root/data of=/mnt/nfs/data bs=64k oflag=direct 2>&1 && "
                             "dd if=/mnt/nfs/data bs=64k iflag=direct 2>/dev/null | "
                             "cmp - /root/data && test $({}) = 100",
                             count_many));
        },
        ask,
        [&] {
            const bool struck =
                on(server(), fmt::format("grep '^{} ' {}", name, parameter)) == name + " 0\n";
            if (!struck)
                ask(1'000'000'000);
            return struck;
        });
    remove_many();
    end();
}

INSTANTIATE_TEST_SUITE_P(Calls, CallFailureTest,
                         ::testing::Values("post_send", "post_send_part", "post_recv",
                                           "post_recv_part", "map", "arm"),
                         [](const auto &info) { return std::string(info.param); });

} // namespace

} // namespace lab
