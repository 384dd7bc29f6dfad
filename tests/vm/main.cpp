// SPDX-License-Identifier: GPL-2.0-only
// vm-tests [--kernel=stable|backports|VERSION] [--device=NAME] [--gtest_...]: one pair of VMs, all
// tests on it.
#include "fixture.h"

int main(int argc, char **argv) {
    return lab::VmTest::run_all(argc, argv);
}
