// SPDX-License-Identifier: GPL-2.0-only
#include "host/addresses.h"

#include "host/guest_script.h"

#include <chrono>
#include <fmt/format.h>
#include <vector>

namespace lab {
namespace {

constexpr unsigned first = 101; // behind all machines

Result<void> change(Host &host, const char *how, unsigned count) {
    std::vector<std::string> words = {how, host.data_address()};
    for (unsigned i = 0; i < count; i++)
        words.push_back(further_address(host, i));
    TRY(run_script(host, "addresses", words, Deadline::scaled(std::chrono::seconds(30))));
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
