// SPDX-License-Identifier: GPL-2.0-only
#include "field_test.h"

#include "util/shell.h"

#include <fmt/format.h>

namespace lab {

using std::chrono::seconds;

void FieldTest::TearDown() {
    if (pair_lives()) {
        // What a test that failed has left at work would keep the mounts busy.
        on(client(), "pkill -x fio; pkill -x cp; while pgrep -x fio; do sleep 0.2; done >/dev/null",
           seconds(120));
        unmount_all();
    }
    ModuleTest::TearDown();
}

void FieldTest::mount_as(const std::string &options, const std::string &from,
                         const std::string &dir, const std::string &address) {
    on(client(),
       fmt::format("mkdir -p {0} && mount -t nfs -o {1} {2}:{3} {0}", dir, shell_quote(options),
                   address, from),
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

void FieldTest::round_trip(unsigned bytes) {
    on(client(),
       fmt::format("head -c {} /dev/urandom > /mnt/nfs/file && sync && "
                   "echo 3 > /proc/sys/vm/drop_caches",
                   bytes),
       seconds(60));
    EXPECT_EQ(on(client(), "sha256sum < /mnt/nfs/file", seconds(60)),
              on(server(), "sha256sum < /export/file"));
    on(client(), "rm /mnt/nfs/file");
}

} // namespace lab
