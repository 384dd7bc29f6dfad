// SPDX-License-Identifier: GPL-2.0-only
#include "lent_device.h"

#include <algorithm>
#include <regex>

namespace lab {

std::vector<unsigned> all_of(const std::string &name, const std::string &trace) {
    const std::regex pattern(" " + name + "=([0-9]+)");
    std::vector<unsigned> found;
    for (auto at = std::sregex_iterator(trace.begin(), trace.end(), pattern);
         at != std::sregex_iterator(); ++at)
        found.push_back(static_cast<unsigned>(std::stoul((*at)[1])));
    return found;
}

unsigned most(const std::string &name, const std::string &trace) {
    const auto found = all_of(name, trace);
    return found.empty() ? 0 : *std::ranges::max_element(found);
}

void LentDeviceTest::lend(const std::string &device, const std::string &mount_options) {
    serve({Transport::svcrdma}, 8, "device=" + device);
    ASSERT_TRUE(nfs_);
    accepted_ = traced("svc_rdma_accepted", [&] { mount(Transport::svcrdma, "3", mount_options); });
}

void LentDeviceTest::end() {
    expect_no_trouble(counters());
    unmount();
    expect_nothing_live();
}

} // namespace lab
