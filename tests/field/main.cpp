// SPDX-License-Identifier: GPL-2.0-only
// field-tests [--kernel=stable|backports|VERSION] [--gtest_...]: a pair, all tests on it.
#include "fixture.h"

int main(int argc, char **argv) {
    return lab::VmTest::run_all(argc, argv);
}
