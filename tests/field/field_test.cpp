// SPDX-License-Identifier: GPL-2.0-only
#include "field_test.h"

#include "util/shell.h"

#include <fmt/format.h>

namespace lab {

using std::chrono::seconds;

void FieldTest::TearDown() {
    if (pair_lives())
        unmount_all();
    ModuleTest::TearDown();
}

void FieldTest::mount_as(const std::string &options, const std::string &from,
                         const std::string &dir) {
    on(client(),
       fmt::format("mkdir -p {0} && mount -t nfs -o {1} {2}:{3} {0}", dir, shell_quote(options),
                   server().data_address(), from),
       seconds(60));
}

void FieldTest::unmount_all() {
    on(client(), "while umount -a -t nfs,nfs4 && grep -q ' nfs4\\? ' /proc/mounts; do :; done",
       seconds(60));
}

std::string FieldTest::options_of(const std::string &dir) {
    return on(client(), fmt::format("awk '$2 == \"{}\" && $3 ~ /^nfs4?$/ {{ print $4 }}' "
                                    "/proc/mounts",
                                    dir));
}

void FieldTest::export_as(const std::string &options) {
    on(server(), fmt::format("exportfs -ua && exportfs -o {},fsid=0 '*:/export' && exportfs -v",
                             shell_quote(options)));
}

void FieldTest::round_trip(const std::string &dir) {
    on(client(),
       fmt::format("head -c 1100001 /dev/urandom > {0}/file && sync && "
                   "echo 3 > /proc/sys/vm/drop_caches",
                   dir),
       seconds(60));
    const auto sum = on(client(), fmt::format("sha256sum < {}/file", dir), seconds(60));
    EXPECT_EQ(sum, on(server(), "sha256sum < /export/file"));
    on(client(), fmt::format("rm {}/file", dir));
}

} // namespace lab
