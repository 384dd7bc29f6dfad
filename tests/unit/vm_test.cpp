// SPDX-License-Identifier: GPL-2.0-only
#include "vm/vm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace lab {

TEST(Vm, FindsTheForwardedPort) {
    // As QEMU 7.2 prints it.
    EXPECT_EQ(forwarded_port("Hub -1 (lab):\r\n"
                             "  Protocol[State]    FD  Source Address  Port   Dest. Address  Port "
                             "RecvQ SendQ\r\n"
                             "  TCP[HOST_FORWARD]  13       127.0.0.1 39201       10.0.2.15    22 "
                             "    0     0\r\n"),
              39201U);
    EXPECT_EQ(forwarded_port("  TCP[HOST_FORWARD]  13  127.0.0.1 39201  10.0.2.15  2222 0 0"), 0U);
    EXPECT_EQ(forwarded_port(""), 0U);
}

TEST(Vm, CommandFitsTheAccelerator) {
    const auto command = [](const std::string &accelerator) {
        return qemu_command({.name = "server", .accelerator = accelerator});
    };
    const auto value = [](const std::vector<std::string> &words, const std::string &option) {
        const auto at = std::ranges::find(words, option);
        return at == words.end() ? std::string() : *(at + 1);
    };
    EXPECT_EQ(value(command("tcg"), "-accel"), "tcg,thread=single");
    EXPECT_EQ(value(command("kvm"), "-accel"), "kvm");
    EXPECT_EQ(value(qemu_command({.name = "server", .kernel = {.parallel = true}}), "-accel"),
              "tcg,thread=multi");
    EXPECT_EQ(value(command("tcg"), "-cpu"), "qemu64,+rdrand");
    EXPECT_EQ(value(command("kvm"), "-cpu"), "host");
    EXPECT_EQ(value(command("tcg"), "-plugin"), "");
    EXPECT_THAT(value(qemu_command({.name = "server", .sockets = "/s", .count_instructions = true}),
                      "-plugin"),
                testing::EndsWith("libinstructions.so,socket=/s/server.counts"));
}

// QEMU's own way is to stop the machine without a word when the host's disk is full.
TEST(Vm, DisksThatCannotBeWrittenAreErrors) {
    unsigned disks = 0;
    for (const auto &word : qemu_command({.name = "server", .scratch = "/s/disk"}))
        if (word.starts_with("file=") && word.find("readonly=on") == std::string::npos &&
            word.find("format=raw") != std::string::npos) {
            disks++;
            EXPECT_NE(word.find("werror=report"), std::string::npos) << word;
        }
    EXPECT_EQ(disks, 2U);
}

TEST(Vm, EachCpuIsAPackageOfItsOwn) {
    const auto smp = [](const std::vector<std::string> &words) {
        return *(std::ranges::find(words, "-smp") + 1);
    };
    EXPECT_EQ(smp(qemu_command({.name = "server"})), "4,sockets=4,cores=1,threads=1");
    EXPECT_EQ(smp(qemu_command({.name = "server", .accelerator = "kvm", .cpus = 7})),
              "7,sockets=7,cores=1,threads=1");
    EXPECT_EQ(smp(bare_machine({}, {.accelerator = "kvm"})), "1,sockets=1,cores=1,threads=1");
}

TEST(Cpus, AreTheHostsWhereTheyAreReal) {
    EXPECT_EQ(guest_cpus("tcg", 64, 2), 64U);
    EXPECT_EQ(guest_cpus("kvm", 64, 2), 2U);
    EXPECT_EQ(guest_cpus("kvm", 4, 16), 4U);
    EXPECT_EQ(guest_cpus("kvm", 4, 0), 1U);
}

} // namespace lab
