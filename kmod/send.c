// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending: Send contexts, and what is posted of them.
 *
 * The RDMA Writes of a reply and its Send are one chain, posted at once; the
 * Send comes last and is the only one that is signalled, so its completion
 * speaks for all of them.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "svcrdma.h"
#include "trace.h"

static void svc_rdma_wc_send(struct ib_cq *cq, struct ib_wc *wc);

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
	ctxt->sc_sge.addr = ib_dma_map_single(device, ctxt->sc_buf,
					      rdma->sc_inline_size,
					      DMA_TO_DEVICE);
	if (ib_dma_mapping_error(device, ctxt->sc_sge.addr))
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

/*
 * One for each call that the client may have outstanding, and one for an error.
 * Calls to the client add a few, because they do not wait.
 */
static bool svc_rdma_send_ctxt_may_add(struct svcxprt_rdma *rdma, bool may_wait)
{
	if (atomic_inc_return(&rdma->sc_send_ctxts) <= rdma->sc_credits_max + 1 ||
	    !may_wait)
		return true;
	atomic_dec(&rdma->sc_send_ctxts);
	return false;
}

/*
 * One that is free, or has completed, or is new. Returns NULL if there is no
 * memory, or ERR_PTR(-EAGAIN) if there are as many as there may be: they are in
 * flight, or in the hands of threads that release them.
 */
static struct svc_rdma_send_ctxt *
svc_rdma_send_ctxt_try(struct svcxprt_rdma *rdma, bool may_wait)
{
	struct svc_rdma_send_ctxt *ctxt;

	svc_rdma_send_poll(rdma);
	svc_rdma_send_ctxts_drain(rdma, SVC_RDMA_drained_by_send_ctxt_get);
	ctxt = svc_rdma_send_ctxt_reuse(rdma);
	if (ctxt)
		return ctxt;
	if (!svc_rdma_send_ctxt_may_add(rdma, may_wait))
		return ERR_PTR(-EAGAIN);
	ctxt = svc_rdma_send_ctxt_alloc(rdma);
	if (!ctxt)
		atomic_dec(&rdma->sc_send_ctxts);
	return ctxt;
}

static struct svc_rdma_send_ctxt *
svc_rdma_send_ctxt_wait(struct svcxprt_rdma *rdma)
{
	unsigned long since = jiffies;
	struct svc_rdma_send_ctxt *ctxt;

	svc_rdma_wait_begin(rdma);
	do {
		if (svc_rdma_closing(rdma) || fatal_signal_pending(current) ||
		    svc_rdma_stalled(rdma, since)) {
			ctxt = NULL;
			break;
		}
		schedule_timeout_killable(1);
		ctxt = svc_rdma_send_ctxt_try(rdma, true);
	} while (IS_ERR(ctxt));
	svc_rdma_wait_end(rdma);
	return ctxt;
}

/**
 * svc_rdma_send_ctxt_get - get a Send context
 * @rdma: connection
 * @may_wait: for others to release contexts, rather than have too many
 *
 * Prefers contexts that are free, then those that have completed but were not
 * released yet, and allocates last: so their number follows what is in flight.
 * Where releasing is slower than replying, threads wait for it here, and where
 * the client takes no replies. May sleep. Returns NULL if there is no memory or
 * the connection is closing.
 */
struct svc_rdma_send_ctxt *svc_rdma_send_ctxt_get(struct svcxprt_rdma *rdma,
						  bool may_wait)
{
	struct svc_rdma_send_ctxt *ctxt = svc_rdma_send_ctxt_reuse(rdma);

	if (!ctxt)
		ctxt = svc_rdma_send_ctxt_try(rdma, may_wait);
	if (IS_ERR(ctxt))
		ctxt = svc_rdma_send_ctxt_wait(rdma);
	return ctxt;
}

static void svc_rdma_send_ctxt_free(struct svcxprt_rdma *rdma,
				    struct svc_rdma_send_ctxt *ctxt)
{
	ib_dma_unmap_single(rdma->sc_pd->device, ctxt->sc_sge.addr,
			    rdma->sc_inline_size, DMA_TO_DEVICE);
	kfree(ctxt->sc_buf);
	kfree(ctxt);
	atomic_dec(&rdma->sc_send_ctxts);
	svc_rdma_add(SVC_RDMA_live_send_ctxts, -1);
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

/* Any thread that polls the Send queue. */
static void svc_rdma_wc_send(struct ib_cq *cq, struct ib_wc *wc)
{
	struct svcxprt_rdma *rdma = cq->cq_context;
	struct svc_rdma_send_ctxt *ctxt =
		container_of(wc->wr_cqe, struct svc_rdma_send_ctxt, sc_cqe);
	unsigned int sqes = ctxt->sc_sqes;

	if (wc->status != IB_WC_SUCCESS)
		svc_rdma_wc_failed(rdma, wc, SVC_RDMA_send_failures);
	svc_rdma_send_ctxt_completed(rdma, ctxt);
	/* Last: the queue counts as idle only when nothing is left to append. */
	svc_rdma_sq_return(rdma, sqes);
}

/**
 * svc_rdma_send - post a Send and the RDMA Writes in front of it
 * @rdma: connection
 * @ctxt: its buffer is filled; not the caller's any more, whatever the result
 * @length: bytes of the buffer to send
 * @invalidate: steering tag of the client's memory to invalidate, or 0
 * @may_sleep: wait for Send Queue space
 *
 * Returns as svc_rdma_sq_post().
 */
int svc_rdma_send(struct svcxprt_rdma *rdma, struct svc_rdma_send_ctxt *ctxt,
		  u32 length, u32 invalidate, bool may_sleep)
{
	unsigned int writes = ctxt->sc_rw.nr_segments;
	u32 write_bytes = ctxt->sc_rw.bytes;
	struct ib_send_wr *first;
	bool posted;
	int ret;

	ctxt->sc_sqes = ctxt->sc_rw.sqes + 1;
	ctxt->sc_sge.length = length;
	ib_dma_sync_single_for_device(rdma->sc_pd->device, ctxt->sc_sge.addr,
				      length, DMA_TO_DEVICE);
	ctxt->sc_wr.next = NULL;
	ctxt->sc_wr.opcode = invalidate ? IB_WR_SEND_WITH_INV : IB_WR_SEND;
	ctxt->sc_wr.ex.invalidate_rkey = invalidate;
	first = svc_rdma_rw_wrs(rdma, &ctxt->sc_rw, NULL, &ctxt->sc_wr);

	ret = svc_rdma_sq_post(rdma, first, ctxt->sc_sqes, may_sleep, &posted);
	if (ret) {
		if (posted)
			llist_add(&ctxt->sc_node, &rdma->sc_send_orphans);
		else
			svc_rdma_send_ctxt_release(rdma, ctxt);
		return ret;
	}

	/* The context may be gone already. */
	svc_rdma_add(SVC_RDMA_writes, writes);
	svc_rdma_add(SVC_RDMA_write_bytes, write_bytes);
	if (invalidate)
		svc_rdma_count(SVC_RDMA_remote_invalidations);
	return 0;
}

/**
 * svc_rdma_send_error - tell the client why its message was refused
 * @rdma: connection
 * @rctxt: the refused message; its header's xid and vers are valid
 * @verdict: why
 *
 * May sleep. Closes the connection if even that cannot be said.
 */
void svc_rdma_send_error(struct svcxprt_rdma *rdma,
			 const struct svc_rdma_recv_ctxt *rctxt,
			 enum rpcrdma_hdr_verdict verdict)
{
	struct svc_rdma_send_ctxt *ctxt = svc_rdma_send_ctxt_get(rdma, true);
	u32 length;

	if (!ctxt) {
		/* RFC 8166 section 4.5.4: it must not wait for an answer. */
		svc_rdma_close(rdma);
		return;
	}
	length = rpcrdma_hdr_encode_error(ctxt->sc_buf, rdma->sc_inline_size,
					  &rctxt->rc_hdr,
					  READ_ONCE(rdma->sc_credits), verdict);
	svc_rdma_send(rdma, ctxt, length, 0, true);
}

/**
 * svc_rdma_send_call - send a call to the client
 * @rdma: connection
 * @xid: of the call
 * @call: the message; may be released on return
 *
 * Does not wait for Send Queue space, but may sleep for memory. Returns 0,
 * -ENOBUFS if there is no space now, -EMSGSIZE if the call does not fit the
 * client's Receive buffers, or another negative errno.
 */
int svc_rdma_send_call(struct svcxprt_rdma *rdma, u32 xid,
		       const struct xdr_buf *call)
{
	struct svc_rdma_send_ctxt *ctxt;
	u32 header;
	int ret;

	if (call->len > rdma->sc_inline_send - RPCRDMA_HDR_MIN)
		return -EMSGSIZE;
	ctxt = svc_rdma_send_ctxt_get(rdma, false);
	if (!ctxt)
		return -ENOMEM;

	header = rpcrdma_hdr_encode_call(ctxt->sc_buf, rdma->sc_inline_size,
					 xid, rdma->sc_bc_credits);
	if (read_bytes_from_xdr_buf(call, 0, ctxt->sc_buf + header, call->len)) {
		svc_rdma_send_ctxt_release(rdma, ctxt);
		return -EINVAL;
	}
	ret = svc_rdma_send(rdma, ctxt, header + call->len, 0, false);
	if (ret)
		return ret;
	svc_rdma_count(SVC_RDMA_backchannel_calls);
	/* No thread of the service passes by because of this Send. */
	svc_rdma_watch_quiet(rdma);
	return 0;
}
