// SPDX-License-Identifier: GPL-2.0-only
#pragma once

namespace lab {

/// For the server: /export is the disk that survives a reset ...
inline constexpr auto export_disk =
    "mkdir -p /export && mountpoint -q /export || mount /dev/vdb /export; chmod 777 /export";

/// ... and, once it is served, nothing is acknowledged before it is there.
inline constexpr auto export_sync =
    "exportfs -o rw,sync,no_root_squash,insecure,no_subtree_check,fsid=0 '*:/export'";

} // namespace lab
