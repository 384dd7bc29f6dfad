// SPDX-License-Identifier: GPL-2.0-only
#include "addresses.h"

#include "fixture.h"

#include <fmt/format.h>

#include <chrono>

namespace lab {
namespace {

constexpr unsigned first = 101; // behind all machines

Result<std::string> change(const Addresses &addresses, Host &host, unsigned count,
                           std::string_view verb) {
    std::string command = verb == "add" ? "set -e\n" : "";
    for (unsigned i = 0; i < count; i++)
        command += fmt::format("ip addr {} {}/24 dev eth1\n", verb, addresses.at(i));
    return host.check(command, Deadline::scaled(std::chrono::seconds(30)));
}

} // namespace

Addresses::Addresses(Host &host, unsigned count) : host_(&host), count_(count) {
    EXPECT_TRUE(worked(change(*this, host, count, "add")));
}

Addresses::~Addresses() {
    (void)change(*this, *host_, count_, "del");
}

std::string Addresses::at(unsigned number) const {
    const auto &own = host_->data_address();
    return fmt::format("{}.{}", own.substr(0, own.rfind('.')), first + number);
}

} // namespace lab
