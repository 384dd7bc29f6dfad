// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "defect.h"

#include <vector>

namespace lab {

/// Defects of the module, each of a kind that some kernel is to notice. What they are added behind
/// changes with kmod/: the unit tests plant them, too, so that it is noticed at once.
struct PlantedDefects {
    std::vector<Insertion> leaked_object = {
        {"connection.c", "svc_xprt_set_local(xprt, local, svc_addr_len(local));",
         "\tkstrdup(xprt->xpt_remotebuf, GFP_KERNEL);\n"}};
    std::vector<Insertion> locks_in_two_orders = {
        {"transport.c", "svc_rdma_disconnect(rdma);",
         "\tspin_lock_bh(&rdma->sc_sq_lock);\n\tspin_lock(&rdma->sc_send_lock);\n"
         "\tspin_unlock(&rdma->sc_send_lock);\n\tspin_unlock_bh(&rdma->sc_sq_lock);\n"},
        {"transport.c", "svc_rdma_check_drained(rdma);",
         "\t\tspin_lock_bh(&rdma->sc_send_lock);\n\t\tspin_lock(&rdma->sc_sq_lock);\n"
         "\t\tspin_unlock(&rdma->sc_sq_lock);\n\t\tspin_unlock_bh(&rdma->sc_send_lock);\n"}};
    std::vector<Insertion> used_after_free = {
        {"transport.c", "kfree(rdma);",
         "\tsvc_rdma_add(SVC_RDMA_live_waiting, READ_ONCE(rdma->sc_sq_shared));\n"}};
    std::vector<Insertion> leaked_page = {
        {"read.c", "\tsvc_rdma_rw_release(rdma, &ctxt->rc_rw, NULL);",
         "\tif (ctxt->rc_nr_pages > 1)\n\t\tctxt->rc_nr_pages--;\n"}};
    std::vector<Insertion> racy_counter = {
        {"release.c", "WRITE_ONCE(rdma->sc_passes, READ_ONCE(rdma->sc_passes) + 1);",
         "\trdma->sc_passes++;\n"}};
};

} // namespace lab
