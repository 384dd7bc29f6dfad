// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>

namespace lab {

/// `text` as one word of a shell command line.
std::string shell_quote(std::string_view text);

} // namespace lab
