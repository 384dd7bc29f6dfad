// SPDX-License-Identifier: GPL-2.0-only
// What is the same for every host: commands that have to succeed.
#include "host/fake_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Host, CheckReturnsWhatACommandPrinted) {
    FakeHost host;
    host.answer("uname", Output{.out = "6.12\n"});
    EXPECT_EQ(host.check("uname -r", Deadline::in(1s)).value_or(""), "6.12\n");
    EXPECT_THAT(host.commands, ElementsAre("uname -r"));
}

TEST(Host, CheckSaysWhichCommandFailedAndWhatItSaid) {
    FakeHost host("server");
    host.answer("insmod", Output{.status = 1, .out = "loading", .err = "no such device\n"});
    const auto loaded = host.check("insmod svcrdma.ko\nsecond line", Deadline::in(1s));
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().what,
              "server: \"insmod svcrdma.ko\" failed with status 1:\nno such device");
    EXPECT_EQ(loaded.error().cause, Cause::other);
}

TEST(Host, CheckPassesOnWhyACommandCouldNotBeRun) {
    FakeHost host;
    host.answer("", fail("gone", Cause::lost));
    const auto answer = host.check("true", Deadline::in(1s));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().cause, Cause::lost);
}

TEST(Host, AScriptThatIsCheapIsOneWord) {
    EXPECT_THAT(cheap_script("echo 'a b'"), HasSubstr(" sh -c 'echo '\\''a b'\\'''"));
}

} // namespace
} // namespace lab
