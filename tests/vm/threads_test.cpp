// SPDX-License-Identifier: GPL-2.0-only
// nfsd's threads belong to everybody: whatever some clients do, the others are served. More of it,
// for longer, is in tests/system.
#include "attack_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace lab {

namespace {

using std::chrono::seconds;

class ThreadsTest : public AttackTest {};

// A connection that takes no replies may have as many calls processed as it has credits, and then
// its calls stay in the queue. No thread waits for it: with the wait that was there until then,
// sixteen such connections kept eight threads for twenty seconds.
TEST_F(ThreadsTest, OthersAreServed) {
    expect_receives_to_run_out(); // an attacker's, whom credits do not stop
    expect_stalls();
    serve_both("reply_ms=200");
    ASSERT_TRUE(mount_);
    const auto calm = measured_calls(seconds(5));
    attack(client(), "no-replies", 16, seconds(40));
    const auto busy = measured_calls(seconds(25));
    const auto said = end_of_attack(client());
    fmt::print(
        "longest call {} ms, {} ms without the attack, but for one in twenty {} and {} ms; {}",
        busy.longest, calm.longest, busy.most, calm.most, said);
    // The attack keeps the machine that all guests share busy: what waits for no thread is slow,
    // too. With threads that wait, a call took twenty seconds. tests/system asks for a second.
    const auto below = [](seconds limit) {
        return std::min(stretched(limit), std::chrono::milliseconds(seconds(15))).count();
    };
    EXPECT_LT(busy.most, below(seconds(5)));
    EXPECT_LT(busy.longest, below(seconds(10)));
    RecordProperty("longest_ms", static_cast<int>(busy.longest));
    unmount_both();
    expect_nothing_live();
}

} // namespace

} // namespace lab
