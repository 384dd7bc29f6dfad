// SPDX-License-Identifier: GPL-2.0-only
// Hosts in several threads. Built with the thread sanitizer, which makes a race an error even when
// it did no harm this time.
#include "host/ssh_host.h"
#include "util/file.h"
#include "util/temp.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace lab {
namespace {

using namespace std::chrono_literals;

// The connection lives for half a second; a command says that it was lost, as ssh does.
constexpr auto ssh = R"(#!/bin/sh
case "$*" in
*ControlMaster=yes*) exec sleep 0.5 ;;
*"-O check"*) exit 0 ;;
*) exit 255 ;;
esac
)";

TEST(SshHost, ManyMayFindOutThatItIsGone) {
    auto temp = TempDir::make();
    ASSERT_TRUE(temp) << temp.error().what;
    ASSERT_TRUE(write_file(temp->path() / "ssh", ssh));
    std::filesystem::permissions(temp->path() / "ssh", std::filesystem::perms::owner_all);
    const auto path = temp->path().string() + ":" + std::getenv("PATH");
    ASSERT_EQ(setenv("PATH", path.c_str(), 1), 0);

    SshHost host({.name = "server",
                  .data_address = "192.0.2.1",
                  .config = temp->path() / "config",
                  .log = temp->path() / "log"});
    const auto connected = host.connect(Deadline::in(30s));
    ASSERT_TRUE(connected) << connected.error().what;

    std::array<Result<Output>, 4> last;
    std::vector<std::thread> threads;
    for (auto &mine : last)
        threads.emplace_back([&host, &mine] {
            const auto deadline = Deadline::in(30s);
            do
                mine = host.run("true", deadline);
            while (mine && !deadline.expired());
        });
    for (auto &thread : threads)
        thread.join();
    for (const auto &each : last) {
        ASSERT_FALSE(each);
        EXPECT_EQ(each.error().cause, Cause::lost) << each.error().what;
    }
}

} // namespace
} // namespace lab
