// SPDX-License-Identifier: GPL-2.0-only
#include "host/addresses.h"

#include "host/guest_script.h"

#include <chrono>
#include <fmt/format.h>

namespace lab {
namespace {

constexpr unsigned first = 101; // behind all machines; scripts/guest/addresses knows it as well

Result<void> change(Host &host, const char *how, unsigned count) {
    TRY(run_script(host, "addresses", {how, host.data_address(), std::to_string(count)},
                   Deadline::scaled(std::chrono::seconds(30))));
    return {};
}

} // namespace

Result<void> add_addresses(Host &host, unsigned count) {
    return change(host, "add", count);
}

Result<void> remove_addresses(Host &host, unsigned count) {
    return change(host, "remove", count);
}

std::string further_address(const Host &host, unsigned number) {
    const auto &own = host.data_address();
    return fmt::format("{}.{}", own.substr(0, own.rfind('.')), first + number);
}

} // namespace lab
