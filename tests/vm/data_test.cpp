// SPDX-License-Identifier: GPL-2.0-only
// Data over our transport: what is written is what is read, through every kind of chunk.
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

class DataTest : public ModuleTest {
  protected:
    /// Serves and mounts, and counts from here.
    void begin(const std::string &version) {
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
        mount(Transport::svcrdma, version);
        ASSERT_TRUE(mount_);
        before_ = counters();
    }

    /// How far a counter has moved since begin().
    [[nodiscard]] std::uint64_t moved(const std::string &name) const {
        return counters().at(name) - before_.at(name);
    }

    /// Unmounts, and expects that the module reports no trouble and no leak.
    void end() {
        expect_no_trouble();
        unmount();
        expect_nothing_live();
        // The client closes when it has the last reply; a packet that its device then takes for
        // another one finds no Receive, and that is what we are told of ours.
        expect_no_trouble(rxe_repeats_packets() ? "send_failures" : "");
        EXPECT_EQ(moved("calls"), moved("replies"));
        // Every Send since the module was loaded: replies, and calls back to the client. What was
        // in flight at begin() counts on both sides.
        const auto now = counters();
        EXPECT_EQ(now.at("released"), now.at("replies") + now.at("backchannel_calls"));
    }

  private:
    void expect_no_trouble(const std::string &except = {}) const {
        for (const auto &[name, value] : counters()) {
            if (name != except && (name.starts_with("err_") || name.ends_with("_failures") ||
                                   name == "no_memory" || name == "replies_too_large")) {
                EXPECT_EQ(value, before_.at(name)) << name;
            }
        }
    }

    Counters before_;
};

/// One of the lab's own verification jobs.
class VerifyTest : public DataTest, public ::testing::WithParamInterface<const char *> {};

TEST_P(VerifyTest, ReadsWhatItWrote) {
    begin("4.2");
    ASSERT_TRUE(mount_);
    verify(std::string("workloads/") + GetParam());
    EXPECT_GT(moved("read_bytes"), 0U);
    EXPECT_GT(moved("write_bytes"), 0U);
    end();
}

INSTANTIATE_TEST_SUITE_P(Sizes, VerifyTest,
                         ::testing::Values("verify-4k.fio", "verify-64k.fio", "verify-1m.fio"),
                         [](const auto &info) {
                             std::string name = info.param;
                             std::erase_if(name, [](char c) { return !std::isalnum(c); });
                             return name;
                         });

TEST_F(DataTest, ListsTenThousandEntries) {
    begin("3");
    ASSERT_TRUE(mount_);
    make_many(10000);
    EXPECT_EQ(on(client(), count_many, seconds(60)), "10000\n");
    EXPECT_GT(moved("long_replies"), 0U) << "no Reply chunk was used";
    remove_many();
    end();
}

TEST_F(DataTest, CopiesATree) {
    begin("4.1");
    ASSERT_TRUE(mount_);
    // A hundred million bytes, a tenth of that where each of them takes longer: large files, small
    // ones, links. Random numbers are slow on an emulated CPU, so the files share theirs and differ
    // in their last words.
    const bool slow = pair().kernel().slowness > 1;
    on(client(),
       fmt::format(
           "mkdir -p /dev/shm/tree && cd /dev/shm/tree && head -c {}M /dev/urandom > ../base && "
           "for d in 1 2 3 4 5; do mkdir $d; cp ../base $d/large; echo $d >> $d/large; "
           "for f in $(seq {}); do head -c $((f * 3203)) ../base > $d/small-$f; "
           "echo $d $f >> $d/small-$f; done; ln -s large $d/link; done; rm ../base; "
           "test $(du -sb . | cut -f 1) -ge {}",
           slow ? 1 : 16, slow ? 25 : 50, slow ? 10'000'000 : 100'000'000),
       seconds(60));
    on(client(), "cp -a /dev/shm/tree /mnt/nfs/tree && sync", seconds(120));
    const std::string sums = " && find . -type f | sort | xargs cksum | md5sum";
    EXPECT_EQ(on(server(), "cd /export/tree" + sums, seconds(60)),
              on(client(), "cd /dev/shm/tree" + sums, seconds(60)));
    on(client(),
       "echo 3 > /proc/sys/vm/drop_caches && diff -r --no-dereference /dev/shm/tree /mnt/nfs/tree",
       seconds(120));
    on(client(), "rm -r /mnt/nfs/tree /dev/shm/tree", seconds(60));
    end();
}

// The device takes 32 scatter/gather entries for each Work Request, and its Linux client makes
// segments of 32 pages: 256 pages are 8 RDMA Writes and the Send of the reply.
TEST_F(DataTest, WorkRequestsAreLong) {
    if (!lent_device().empty())
        GTEST_SKIP() << "Work Requests are as long as the adapter that is lent allows";
    begin("4.2");
    ASSERT_TRUE(mount_);
    on(server(), "head -c 1M /dev/urandom > /export/large");
    const auto trace = traced("svc_rdma_post", [] {
        on(client(), "dd if=/mnt/nfs/large of=/dev/null bs=1M iflag=direct 2>&1");
    });
    EXPECT_EQ(moved("write_bytes"), 1U << 20);
    EXPECT_NE(trace.find(" work_requests=9 most_sges=32\n"), std::string::npos) << trace;
    end();
}

/// Lengths around the boundaries of words and pages: roundup of Read and Write chunks.
TEST_F(DataTest, OddLengthsSurvive) {
    begin("3");
    ASSERT_TRUE(mount_);
    on(client(),
       "cd /mnt/nfs && for n in 1 2 3 4 5 1023 3999 4093 4094 4095 4096 4097 8191 65537 "
       "262143 262145; do head -c $n /dev/urandom > /dev/shm/odd; "
       "cat /dev/shm/odd > odd-$n; echo 1 > /proc/sys/vm/drop_caches; "
       "cmp /dev/shm/odd odd-$n && rm odd-$n || exit; done",
       seconds(60));
    end();
}

} // namespace

} // namespace lab
