// SPDX-License-Identifier: GPL-2.0-only
// vm-tests [--kernel=stable|backports|VERSION] [--gtest_...]: one pair of VMs, all tests on it.
#include "fixture.h"

#include "util/interrupt.h"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>

int main(int argc, char **argv) {
    lab::catch_interrupts();
    testing::InitGoogleTest(&argc, argv);
    constexpr std::string_view option = "--kernel=";
    for (int i = 1; i < argc; i++) {
        const std::string_view word = argv[i];
        if (!word.starts_with(option)) {
            fmt::print(stderr, "vm-tests: unknown argument {}; there is --kernel=NAME\n", word);
            return 2;
        }
        lab::VmTest::choose_kernel(std::string(word.substr(option.size())));
    }
    const int status = RUN_ALL_TESTS();
    lab::VmTest::end();
    return status;
}
