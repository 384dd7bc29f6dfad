// SPDX-License-Identifier: GPL-2.0-only
// A grant is a promise: what a client was told that it may have outstanding, it may.
#include "lent_device.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

class CreditsTest : public ModuleTest {
  protected:
    /// So many READs at once, to their end, so many times over.
    static void burst(unsigned calls, unsigned times = 1) {
        on(client(), reads(calls, fmt::format("--number_ios={}", calls * times)), seconds(60));
    }
};

// The most credits, then single calls for as long as it takes to cut them twice, and then as many
// calls at once as before. Without the telling, the Receives were gone and the grant was not: the
// device had to refuse calls, and the client to wait (rcvd_rnr_err, which every test looks at).
TEST_F(CreditsTest, WhatWasGrantedIsPosted) {
    constexpr unsigned calls = 120;
    serve_a_file("credit_window=8");
    burst(calls);
    burst(calls);
    const auto before = counters();
    EXPECT_GT(before.at("credit_growths"), 1U);
    for (int round = 0; round < 6 && counters().at("credit_cuts") < before.at("credit_cuts") + 2;
         round++)
        on(client(),
           "end=$(($(date +%s) + 9)); while [ $(date +%s) -lt $end ]; do stat -f /mnt/nfs; done "
           ">/dev/null",
           seconds(60));
    const auto after = counters();
    EXPECT_GE(after.at("credit_cuts") - before.at("credit_cuts"), 2U);
    // And Receives have gone, or there was nothing to promise: each call uses one up.
    on(client(), "sleep 2; for n in $(seq 120); do stat -f /mnt/nfs; done >/dev/null", seconds(90));
    EXPECT_TRUE(eventually([&](const Counters &now) {
        return now.at("live_recv_ctxts") < before.at("live_recv_ctxts");
    })) << counters().at("live_recv_ctxts");
    burst(calls);
    EXPECT_GT(counters().at("credit_growths"), after.at("credit_growths"));
}

// Three round trips make the most, which is 128 where the adapter's queues are long, of 4: of a
// burst's first calls the server sees that more would come. The burst has to last: a slow client
// does not have all of its last calls outstanding at once.
TEST_F(CreditsTest, GrowInThreeRoundTrips) {
    serve_a_file("credit_window=8");
    unmount();
    const auto accepted = traced("svc_rdma_accepted", [this] { mount(Transport::svcrdma, "3"); });
    ASSERT_TRUE(mount_);
    const auto before = counters().at("credit_growths");
    const auto trace = traced("svc_rdma_credit_growth", [] { burst(128, 4); });
    const auto growths = counters().at("credit_growths") - before;
    EXPECT_LE(growths, 3U);
    EXPECT_EQ(most("credits", trace), most("credits", accepted)) << accepted << trace;
    if (lent_device().empty()) {
        EXPECT_EQ(most("credits", trace), 128U) << trace;
    }
}

} // namespace

} // namespace lab
