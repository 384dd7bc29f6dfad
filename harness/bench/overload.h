// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "nfs/server.h"
#include "report/report.h"

namespace lab {

/// Loads one connection of our transport while each unmap takes 5 ms longer, and looks at its Send
/// contexts. On success the module's settings are what they were before; after an error they are as
/// they happen to be, until the module is unloaded.
Result<Overload> measure_overload(Host &client, const NfsServer &server);

} // namespace lab
