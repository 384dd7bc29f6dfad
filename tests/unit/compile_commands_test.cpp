// SPDX-License-Identifier: GPL-2.0-only
// What editors are told of how the module is compiled. The lines are kbuild's, shortened.
#include "image/compile_commands.h"
#include "util/file.h"
#include "util/temp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lab {
namespace {

const CompileSite image = {"/home/me/kmod", "/cache/root", {}, "/usr/src/linux-headers-6.12"};

TEST(CompileCommands, PathsAreThoseOutsideOfTheRoot) {
    const auto found = compile_command(
        "savedcmd_/mnt/read.o :=  gcc-14 -Wp,-MMD,/mnt/.read.o.d -nostdinc "
        "-I/usr/src/common/include "
        "-I./include -include /usr/src/common/include/linux/kconfig.h -fconserve-stack -I/mnt "
        "-fmacro-prefix-map=/usr/src/common/= -DKBUILD_MODNAME='\"a/b\"' -c -o /mnt/read.o "
        "/mnt/read.c ; ./tools/objtool/objtool /mnt/read.o\n\nsource_/mnt/read.o := /mnt/read.c\n",
        image);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->file, "/home/me/kmod/read.c");
    EXPECT_EQ(found->command,
              "gcc-14 -nostdinc -I/cache/root/usr/src/common/include "
              "-I/cache/root/usr/src/linux-headers-6.12/include "
              "-include /cache/root/usr/src/common/include/linux/kconfig.h -I/home/me/kmod "
              "-fmacro-prefix-map=/cache/root/usr/src/common/= -DKBUILD_MODNAME='\"a/b\"' "
              "-c -o /home/me/kmod/read.o /home/me/kmod/read.c");
}

TEST(CompileCommands, ANewerKbuildCompilesInTheModulesOwnDirectory) {
    const auto found =
        compile_command("savedcmd_read.o := gcc -I/kernel/include -c -o read.o read.c\n",
                        {"/home/me/kmod", "/cache/root", "/cache/tree", "/kernel"});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->file, "/home/me/kmod/read.c");
    EXPECT_EQ(found->command, "gcc -I/cache/tree/include -c -o read.o read.c");
}

TEST(CompileCommands, OnlyFilesOfTheModuleCount) {
    EXPECT_FALSE(compile_command("savedcmd_/mnt/svcrdma.o := ld -r -o /mnt/svcrdma.o "
                                 "@/mnt/svcrdma.mod\n",
                                 image));
    EXPECT_FALSE(compile_command("savedcmd_/mnt/svcrdma.mod.o := gcc -c -o /mnt/svcrdma.mod.o "
                                 "/mnt/svcrdma.mod.c\n",
                                 image));
    EXPECT_FALSE(compile_command("savedcmd_/mnt/.module-common.o := gcc -c -o "
                                 "/mnt/.module-common.o /usr/src/common/scripts/module-common.c\n",
                                 image));
    EXPECT_FALSE(compile_command("", image));
}

TEST(CompileCommands, AFileThatIsGoneIsLeftOut) {
    auto temp = TempDir::make();
    ASSERT_TRUE(temp) << temp.error().what;
    const auto source = temp->path() / "kmod";
    const auto objects = temp->path() / "objects";
    std::filesystem::create_directories(source);
    std::filesystem::create_directories(objects);
    ASSERT_TRUE(write_file(source / "here.c", ""));
    for (const std::string name : {"here", "gone"})
        ASSERT_TRUE(
            write_file(objects / ("." + name + ".o.cmd"),
                       "savedcmd_" + name + ".o := gcc -c -o " + name + ".o " + name + ".c\n"));
    const auto written = write_compile_commands(objects, {source, "/root", {}, "/usr/src/x"});
    ASSERT_TRUE(written) << written.error().what;
    const auto json =
        nlohmann::json::parse(read_file(source / "compile_commands.json").value_or(""));
    ASSERT_EQ(json.size(), 1U);
    EXPECT_EQ(json[0]["file"], (source / "here.c").string());
    EXPECT_EQ(json[0]["directory"], source.string());
}

} // namespace
} // namespace lab
