// SPDX-License-Identifier: GPL-2.0-only
#include "nfs/rdma_device.h"

#include "host/guest_script.h"
#include "util/text.h"

#include <chrono>

namespace lab {

using std::chrono::seconds;

Result<void> use_rdma_provider(Host &host, std::string_view provider) {
    if (auto done =
            run_script(host, "rdma-device", {std::string(provider)}, Deadline::scaled(seconds(60)));
        !done)
        return fail("choosing the RDMA device of " + host.name(), done.error());
    return {};
}

Result<unsigned> connected_queue_pairs(Host &host) {
    const auto text = TRY(host.check("rdma resource show qp | grep -c 'type RC state RTS' || :",
                                     Deadline::scaled(seconds(10))));
    const auto number = parse_number(text);
    if (!number)
        return fail("cannot read the queue pairs of " + host.name());
    return static_cast<unsigned>(*number);
}

Result<bool> mend_rdma_device(Host &host) {
    const auto said =
        TRY(host.check("rdma resource show qp | grep -q 'type GSI state ERR' || exit 0; "
                       "rdma link delete rxe0; echo deleted",
                       Deadline::scaled(seconds(60))));
    if (said.empty())
        return false;
    TRY(use_rdma_provider(host, "rxe"));
    return true;
}

} // namespace lab
