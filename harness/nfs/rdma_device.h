// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"

#include <string_view>

namespace lab {

/// Has a host's data network use an RDMA device of this provider, "rxe" or "siw" (software iWARP).
/// What ran over one of the other ends. An error says if the host's kernel lacks it: Debian's have
/// no siw, the lab's own have.
Result<void> use_rdma_provider(Host &host, std::string_view provider);

/// Queue pairs of a host that are connected, of all its devices. For devices that count nothing
/// else.
Result<unsigned> connected_queue_pairs(Host &host);

/// Makes a host's rxe anew if it can make no connection any more, and returns whether that was so.
/// rxe loses its queue pair for general services for good when a message of the connection manager
/// is not acknowledged: seen on 6.12 and 7.3 after packets were lost, and where connections were
/// given up while their last messages were queued. What ran over the device ends.
Result<bool> mend_rdma_device(Host &host);

} // namespace lab
