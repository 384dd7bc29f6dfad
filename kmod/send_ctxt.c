// SPDX-License-Identifier: GPL-2.0-only
/*
 * Send contexts: the places of replies. A call is taken from the queue only with a
 * Send context for its reply, so that no thread ever waits for one. There are at the
 * most as many as the client may have calls outstanding, and one for an error; calls
 * to the client add a few.
 */
#include <linux/slab.h>

#include "svcrdma.h"

static struct svc_rdma_send_ctxt *
svc_rdma_send_ctxt_alloc(struct svcxprt_rdma *rdma)
{
	struct ib_device *device = rdma->sc_pd->device;
	int node = ibdev_to_node(device);
	struct svc_rdma_send_ctxt *ctxt;

	ctxt = kzalloc_node(sizeof(*ctxt), GFP_KERNEL, node);
	if (!ctxt)
		goto out_count;
	ctxt->sc_buf = kmalloc_node(rdma->sc_inline_size, GFP_KERNEL, node);
	if (!ctxt->sc_buf)
		goto out_ctxt;
	if (svc_rdma_bounce_map(&ctxt->sc_bounce, device, ctxt->sc_buf,
				&ctxt->sc_sge, rdma->sc_inline_size,
				DMA_TO_DEVICE))
		goto out_buf;
	ctxt->sc_sge.lkey = rdma->sc_pd->local_dma_lkey;
	ctxt->sc_rdma = rdma;
	ctxt->sc_cqe.done = svc_rdma_wc_send;
	ctxt->sc_wr.wr_cqe = &ctxt->sc_cqe;
	ctxt->sc_wr.sg_list = &ctxt->sc_sge;
	ctxt->sc_wr.num_sge = 1;
	ctxt->sc_wr.send_flags = IB_SEND_SIGNALED;
	svc_rdma_count(SVC_RDMA_live_send_ctxts);
	return ctxt;

out_buf:
	kfree(ctxt->sc_buf);
out_ctxt:
	kfree(ctxt);
out_count:
	svc_rdma_count(SVC_RDMA_no_memory);
	return NULL;
}

static void svc_rdma_send_ctxt_free(struct svcxprt_rdma *rdma,
				    struct svc_rdma_send_ctxt *ctxt)
{
	svc_rdma_bounce_unmap(&ctxt->sc_bounce, rdma->sc_pd->device,
			      ctxt->sc_sge.addr, rdma->sc_inline_size,
			      DMA_TO_DEVICE);
	kfree(ctxt->sc_buf);
	kfree(ctxt);
	atomic_dec(&rdma->sc_send_ctxts);
	svc_rdma_add(SVC_RDMA_live_send_ctxts, -1);
}

static struct svc_rdma_send_ctxt *
svc_rdma_send_ctxt_reuse(struct svcxprt_rdma *rdma)
{
	struct llist_node *node;

	spin_lock(&rdma->sc_send_lock);
	node = llist_del_first(&rdma->sc_send_free);
	spin_unlock(&rdma->sc_send_lock);
	return node ? llist_entry(node, struct svc_rdma_send_ctxt, sc_node) :
		      NULL;
}

/* Counts one more, unless there are as many as there may be. */
static bool svc_rdma_send_ctxt_may_add(struct svcxprt_rdma *rdma,
				       unsigned int extra)
{
	if (atomic_inc_return(&rdma->sc_send_ctxts) <=
	    rdma->sc_credits_max + 1 + extra)
		return true;
	atomic_dec(&rdma->sc_send_ctxts);
	return false;
}

/**
 * svc_rdma_send_ctxt_get - get a Send context
 * @rdma: connection
 * @extra: how many there may be beyond those of replies
 *
 * Prefers contexts that are free, then those that have completed but were not
 * released yet, and allocates last: so their number follows what is in flight. May
 * sleep for memory. Returns NULL if there is none now, or no memory.
 */
struct svc_rdma_send_ctxt *svc_rdma_send_ctxt_get(struct svcxprt_rdma *rdma,
						  unsigned int extra)
{
	struct svc_rdma_send_ctxt *ctxt = svc_rdma_send_ctxt_reuse(rdma);

	if (ctxt)
		return ctxt;
	svc_rdma_send_poll(rdma);
	svc_rdma_send_ctxts_drain(rdma, SVC_RDMA_drained_by_send_ctxt_get);
	ctxt = svc_rdma_send_ctxt_reuse(rdma);
	if (ctxt || !svc_rdma_send_ctxt_may_add(rdma, extra))
		return ctxt;
	ctxt = svc_rdma_send_ctxt_alloc(rdma);
	if (!ctxt) {
		atomic_dec(&rdma->sc_send_ctxts);
		/* As svc_rdma_unblock() wants it: another may have had no place. */
		smp_mb__after_atomic();
		svc_rdma_unblock(rdma);
	}
	return ctxt;
}

/**
 * svc_rdma_send_ctxts_trim - free all but a few of the free Send contexts
 * @rdma: connection
 *
 * Any thread.
 */
void svc_rdma_send_ctxts_trim(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_send_ctxt *ctxt;

	while (atomic_read(&rdma->sc_send_ctxts) > SVC_RDMA_SEND_KEEP) {
		ctxt = svc_rdma_send_ctxt_reuse(rdma);
		if (!ctxt)
			break;
		svc_rdma_send_ctxt_free(rdma, ctxt);
	}
}

/**
 * svc_rdma_send_ctxts_destroy - free every Send context of a connection
 * @rdma: connection; all of them are on the free list
 */
void svc_rdma_send_ctxts_destroy(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_send_ctxt *ctxt, *next;
	struct llist_node *node = llist_del_all(&rdma->sc_send_free);

	llist_for_each_entry_safe(ctxt, next, node, sc_node)
		svc_rdma_send_ctxt_free(rdma, ctxt);
}
