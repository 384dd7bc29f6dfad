// SPDX-License-Identifier: GPL-2.0-only
#include "nfs/rdma_device.h"

#include <chrono>

namespace lab {

Result<bool> mend_rdma_device(Host &host) {
    const auto said =
        TRY(host.check("rdma resource show qp | grep -q 'type GSI state ERR' || exit 0; "
                       "rdma link delete rxe0; "
                       "rdma link add rxe0 type rxe netdev eth1; echo mended",
                       Deadline::scaled(std::chrono::seconds(60))));
    return !said.empty();
}

} // namespace lab
