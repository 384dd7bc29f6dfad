// SPDX-License-Identifier: GPL-2.0-only
#include "util/process.h"
#include "util/temp.h"

#include <gtest/gtest.h>

namespace lab {
namespace {

/// The plugin in a program that offers one version of QEMU's interface.
class Plugin : public testing::TestWithParam<const char *> {};

TEST_P(Plugin, CountsUnderEveryVersionOfTheInterface) {
    const auto dir = TempDir::make();
    ASSERT_TRUE(dir);
    const auto output = run_process({GetParam(), PLUGIN, (dir->path() / "counts").string()},
                                    Deadline::in(std::chrono::seconds(60)));
    ASSERT_TRUE(output) << output.error().what;
    EXPECT_EQ(output->status, 0) << output->err;
    EXPECT_EQ(output->out, "ffffffff81000100 5 3\nffffffff81000100 2 3\n0 9 3\nend\n");
}

INSTANTIATE_TEST_SUITE_P(Qemu, Plugin, testing::Values(FAKE_QEMU_1, FAKE_QEMU_2),
                         [](const auto &test) { return test.index == 0 ? "Api1" : "Api2"; });

} // namespace
} // namespace lab
