// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"

namespace lab {

/// Makes a host's rxe anew if it can make no connection any more, and returns whether that was so.
/// rxe loses its queue pair for general services for good when a message of the connection manager
/// is not acknowledged: seen on 6.12 and 7.3 after packets were lost, and where connections were
/// given up while their last messages were queued. What ran over the device ends.
Result<bool> mend_rdma_device(Host &host);

} // namespace lab
