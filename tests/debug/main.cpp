// SPDX-License-Identifier: GPL-2.0-only
// debug-tests --kernel=debug [--gtest_...]: what only the lab's own kernels can do.
#include "fixture.h"

int main(int argc, char **argv) {
    return lab::VmTest::run_all(argc, argv);
}
