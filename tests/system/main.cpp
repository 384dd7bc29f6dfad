// SPDX-License-Identifier: GPL-2.0-only
// system-tests [--kernel=stable|backports|VERSION] [--gtest_...]: a server with a disk that
// survives its resets, two clients, all tests on them.
#include "fixture.h"

int main(int argc, char **argv) {
    lab::VmTest::choose_machines(2, 256);
    return lab::VmTest::run_all(argc, argv);
}
