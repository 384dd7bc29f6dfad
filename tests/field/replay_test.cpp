// SPDX-License-Identifier: GPL-2.0-only
// Replies that are lost: the client asks again over another connection, and must not be told that
// its own call was there before it.
#include "field_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

class ReplayTest : public FieldTest, public ::testing::WithParamInterface<const char *> {};

// chimera issues 1368 and 1618: calls that are not idempotent, after a reconnect.
TEST_P(ReplayTest, NamesAreChangedOnce) {
    expect_receives_to_run_out();
    serve({Transport::svcrdma});
    ASSERT_TRUE(nfs_);
    mount(Transport::svcrdma, GetParam());
    ASSERT_TRUE(mount_);
    const auto before = counters();
    start_on(client(), "names",
             "set -e; cd /mnt/nfs; for i in $(seq 100); do mkdir d$i; echo $i > d$i/f; "
             "mv d$i/f d$i/g; ln d$i/g d$i/h; rm d$i/g; test \"$(cat d$i/h)\" = $i; rm d$i/h; "
             "rmdir d$i; done; ls -A");
    unsigned lost = 0;
    for (; !ended_on(client(), "names") && lost < 200; lost++) {
        // The Send of a reply that is under way fails, and its connection with it.
        on(server(), "echo post_send 1 > /sys/module/svcrdma/parameters/fault; sleep 1");
    }
    finish_on(client(), "names", seconds(300));
    EXPECT_EQ(output_on(client(), "names"), "");
    const auto after = counters();
    EXPECT_GE(after.at("post_failures") - before.at("post_failures"), 5U);
    // The last one may not have struck.
    on(server(), "echo post_send 1000000000 > /sys/module/svcrdma/parameters/fault");
    unmount();
    expect_nothing_live();
}

INSTANTIATE_TEST_SUITE_P(Versions, ReplayTest, ::testing::Values("3", "4.1"), [](const auto &info) {
    return std::string(info.param) == "3" ? "Nfs3" : "Nfs41";
});

} // namespace

} // namespace lab
