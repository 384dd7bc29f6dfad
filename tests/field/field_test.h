// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "module_test.h"

#include <string>

namespace lab {

/// A test that mounts as administrators do, with words of its own.
class FieldTest : public ModuleTest {
  protected:
    void TearDown() override;

    /// mount -t nfs with these options and nothing else: on `dir` of the client, which is made.
    /// TearDown() unmounts what is left. `address` is one of the server's.
    static void mount_as(const std::string &options, const std::string &from = "/",
                         const std::string &dir = "/mnt/nfs",
                         const std::string &address = server().data_address());
    static void unmount_all();

    /// The options that the client's /proc/mounts shows for a mount.
    static std::string options_of(const std::string &dir = "/mnt/nfs");

    /// Exports /export with these options, beside fsid, in the place of what was exported.
    static void export_as(const std::string &options);

    /// Writes so many bytes below the mount, by default a MiB and a bit, reads them back past the
    /// cache, and compares with what the server has.
    static void round_trip(unsigned bytes = 1100001);
};

} // namespace lab
