// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"

#include <string>

namespace lab {

/// Gives a server so many more addresses on the data network: a client with NFSv3 takes each for a
/// server of its own, with connections of its own. Those that it has already stay.
Result<void> add_addresses(Host &host, unsigned count);

/// Takes them away again, as far as they are there.
Result<void> remove_addresses(Host &host, unsigned count);

/// The one of this number, from 0.
std::string further_address(const Host &host, unsigned number);

} // namespace lab
