// SPDX-License-Identifier: GPL-2.0-only
#include "addresses.h"

#include "fixture.h"
#include "host/addresses.h"

namespace lab {

Addresses::Addresses(Host &host, unsigned count) : host_(&host), count_(count) {
    EXPECT_TRUE(worked(add_addresses(host, count)));
}

Addresses::~Addresses() {
    (void)remove_addresses(*host_, count_);
}

std::string Addresses::at(unsigned number) const {
    return further_address(*host_, number);
}

} // namespace lab
