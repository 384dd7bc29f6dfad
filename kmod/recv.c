// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving: Receive contexts, posting, credits, and xpo_recvfrom.
 *
 * The nfsd thread that was woken for a Receive polls the queue itself. Only the
 * receiver (the thread that holds XPT_BUSY) comes here, so the list of ready
 * calls, the number of posted Receives and the credits need no lock.
 *
 * XPT_DATA stays set exactly as long as something is left to take: one wakeup
 * for one call.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "svcrdma.h"
#include "compat/compat.h"
#include "fault.h"
#include "trace.h"

/* Jiffies of little use until credits are cut by half. */
#define SVC_RDMA_CUT	(5 * HZ)

static void svc_rdma_wc_receive(struct ib_cq *cq, struct ib_wc *wc);

static struct svc_rdma_recv_ctxt *
svc_rdma_recv_ctxt_alloc(struct svcxprt_rdma *rdma)
{
	struct ib_device *device = rdma->sc_pd->device;
	int node = ibdev_to_node(device);
	struct svc_rdma_recv_ctxt *ctxt;

	ctxt = kzalloc_node(sizeof(*ctxt), GFP_KERNEL, node);
	if (!ctxt)
		goto out_count;
	ctxt->rc_buf = kmalloc_node(rdma->sc_inline_size, GFP_KERNEL, node);
	if (!ctxt->rc_buf)
		goto out_ctxt;
	ctxt->rc_sge.addr = ib_dma_map_single(device, ctxt->rc_buf,
					      rdma->sc_inline_size,
					      DMA_FROM_DEVICE);
	if (ib_dma_mapping_error(device, ctxt->rc_sge.addr))
		goto out_buf;
	ctxt->rc_sge.length = rdma->sc_inline_size;
	ctxt->rc_sge.lkey = rdma->sc_pd->local_dma_lkey;
	ctxt->rc_rdma = rdma;
	ctxt->rc_cqe.done = svc_rdma_wc_receive;
	ctxt->rc_wr.wr_cqe = &ctxt->rc_cqe;
	ctxt->rc_wr.sg_list = &ctxt->rc_sge;
	ctxt->rc_wr.num_sge = 1;
	rdma->sc_recv_ctxts++;
	svc_rdma_count(SVC_RDMA_live_recv_ctxts);
	return ctxt;

out_buf:
	kfree(ctxt->rc_buf);
out_ctxt:
	kfree(ctxt);
out_count:
	svc_rdma_count(SVC_RDMA_no_memory);
	return NULL;
}

static void svc_rdma_recv_ctxt_free(struct svcxprt_rdma *rdma,
				    struct svc_rdma_recv_ctxt *ctxt)
{
	ib_dma_unmap_single(rdma->sc_pd->device, ctxt->rc_sge.addr,
			    ctxt->rc_sge.length, DMA_FROM_DEVICE);
	kfree(ctxt->rc_buf);
	kfree(ctxt);
	rdma->sc_recv_ctxts--;
	svc_rdma_add(SVC_RDMA_live_recv_ctxts, -1);
}

static struct svc_rdma_recv_ctxt *
svc_rdma_recv_ctxt_get(struct svcxprt_rdma *rdma)
{
	struct llist_node *node = llist_del_first(&rdma->sc_recv_free);

	if (!node)
		return svc_rdma_recv_ctxt_alloc(rdma);
	return llist_entry(node, struct svc_rdma_recv_ctxt, rc_node);
}

/**
 * svc_rdma_recv_ctxt_put - the call in a Receive context is done with
 * @rdma: connection
 * @ctxt: owned by the caller; no RDMA Read of it outstanding
 *
 * Gives back everything but the Receive buffer. Any thread.
 */
void svc_rdma_recv_ctxt_put(struct svcxprt_rdma *rdma,
			    struct svc_rdma_recv_ctxt *ctxt)
{
	svc_rdma_rw_release(rdma, &ctxt->rc_rw, NULL);
	if (ctxt->rc_pages)
		svc_rdma_read_put_pages(ctxt);
	ctxt->rc_nr_payloads = 0;
	ctxt->rc_nr_chunks = 0;
	ctxt->rc_chunk.at = 0;
	ctxt->rc_read_done = false;
	llist_add(&ctxt->rc_node, &rdma->sc_recv_free);
}

static void svc_rdma_recv_ctxts_take_ready(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_recv_ctxt *ctxt, *next;
	struct llist_node *done;

	/* Oldest first, and in front of calls that have yet to be read. */
	done = llist_del_all(&rdma->sc_read_done);
	llist_for_each_entry_safe(ctxt, next, done, rc_node)
		list_add(&ctxt->rc_ready, &rdma->sc_recv_ready);
}

/**
 * svc_rdma_recv_ctxts_trim - free the Receive contexts that are free
 * @rdma: connection
 *
 * The receiver, or whoever is alone with the connection.
 */
void svc_rdma_recv_ctxts_trim(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_recv_ctxt *ctxt, *next;
	struct llist_node *node = llist_del_all(&rdma->sc_recv_free);

	llist_for_each_entry_safe(ctxt, next, node, rc_node)
		svc_rdma_recv_ctxt_free(rdma, ctxt);
}

/**
 * svc_rdma_recv_ctxts_destroy - free every Receive context of a connection
 * @rdma: connection, its queue pair drained and no RPC of it in progress
 */
void svc_rdma_recv_ctxts_destroy(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_recv_ctxt *ctxt, *next;
	struct llist_node *node;

	svc_rdma_recv_ctxts_take_ready(rdma);
	list_for_each_entry_safe(ctxt, next, &rdma->sc_recv_ready, rc_ready) {
		list_del(&ctxt->rc_ready);
		svc_rdma_recv_ctxt_put(rdma, ctxt);
	}
	node = llist_del_all(&rdma->sc_recv_orphans);
	llist_for_each_entry_safe(ctxt, next, node, rc_node)
		svc_rdma_recv_ctxt_put(rdma, ctxt);
	svc_rdma_recv_ctxts_trim(rdma);
}

/*
 * More Receives, and so more credits, when the client keeps more than half of
 * what it was granted busy; fewer when it has not even used half for a while.
 * Fewer take effect as calls use up what is posted.
 */
static void svc_rdma_recv_adapt(struct svcxprt_rdma *rdma, unsigned int arrived)
{
	/* The receiver counts as an RPC, too. */
	unsigned int busy = arrived - 1 +
			    atomic_read(&rdma->sc_xprt.xpt_nr_rqsts);
	unsigned int half = rdma->sc_recv_target / 2;

	if (busy < half) {
		if (rdma->sc_recv_target <= SVC_RDMA_CREDITS_START ||
		    time_before(jiffies, rdma->sc_recv_needed + SVC_RDMA_CUT))
			return;
		rdma->sc_recv_needed = jiffies;
		rdma->sc_recv_target = max(half, SVC_RDMA_CREDITS_START);
		svc_rdma_count(SVC_RDMA_credit_cuts);
		return;
	}
	rdma->sc_recv_needed = jiffies;
	if (busy == half || rdma->sc_recv_target == rdma->sc_credits_max)
		return;
	rdma->sc_recv_target = min(2 * rdma->sc_recv_target,
				   rdma->sc_credits_max);
	svc_rdma_count(SVC_RDMA_credit_growths);
	trace_svc_rdma_credit_growth(rdma, rdma->sc_recv_target);
}

/**
 * svc_rdma_recv_refill - post Receives until there is one for every credit
 * @rdma: connection
 *
 * The receiver, or the accepting thread. May sleep. Credits are granted only
 * after the Receives for them were posted. Returns false, with the connection
 * closing, if none is posted any more and none could be.
 */
bool svc_rdma_recv_refill(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_recv_ctxt *ctxt;
	struct ib_recv_wr *chain = NULL;
	const struct ib_recv_wr *bad;
	unsigned int posting = 0;
	unsigned int wanted = rdma->sc_recv_target;
	unsigned int ahead = min(wanted / 2, SVC_RDMA_RECV_BATCH);
	int ret;

	if (svc_rdma_closing(rdma))
		return false;
	/* Replies to calls of ours need Receives, too. */
	if (READ_ONCE(rdma->sc_xprt.xpt_bc_xprt))
		wanted += rdma->sc_bc_credits;
	if (rdma->sc_recvs_posted >= wanted)
		return true;

	while (rdma->sc_recvs_posted + posting < wanted + ahead) {
		ctxt = svc_rdma_recv_ctxt_get(rdma);
		if (!ctxt)
			break;
		/* Unwrapping a secured call may have written to the buffer. */
		ib_dma_sync_single_for_device(rdma->sc_pd->device,
					      ctxt->rc_sge.addr,
					      ctxt->rc_sge.length,
					      DMA_FROM_DEVICE);
		ctxt->rc_wr.next = chain;
		chain = &ctxt->rc_wr;
		posting++;
	}
	if (!chain)
		goto out;

	/* Counted first: what is posted may complete before this returns. */
	rdma->sc_recvs_posted += posting;
	bad = chain;
	ret = svc_rdma_fault_post_recv(rdma->sc_qp, chain, &bad);
	if (ret) {
		svc_rdma_count(SVC_RDMA_post_failures);
		trace_svc_rdma_post_failed(rdma, posting, ret);
		while (bad) {
			ctxt = container_of(bad, struct svc_rdma_recv_ctxt,
					    rc_wr);
			bad = bad->next;
			rdma->sc_recvs_posted--;
			svc_rdma_recv_ctxt_put(rdma, ctxt);
		}
		svc_rdma_close(rdma);
		return false;
	}
out:
	if (!rdma->sc_recvs_posted) {
		svc_rdma_close(rdma);
		return false;
	}
	WRITE_ONCE(rdma->sc_credits, min(rdma->sc_recvs_posted,
					 rdma->sc_recv_target));
	return true;
}

/* In the receiver, or in ib_drain_qp() when there is none any more. */
static void svc_rdma_wc_receive(struct ib_cq *cq, struct ib_wc *wc)
{
	struct svcxprt_rdma *rdma = cq->cq_context;
	struct svc_rdma_recv_ctxt *ctxt =
		container_of(wc->wr_cqe, struct svc_rdma_recv_ctxt, rc_cqe);

	rdma->sc_recvs_posted--;
	if (wc->status == IB_WC_SUCCESS) {
		ctxt->rc_byte_len = wc->byte_len;
		list_add_tail(&ctxt->rc_ready, &rdma->sc_recv_ready);
		return;
	}

	svc_rdma_wc_failed(rdma, wc, SVC_RDMA_recv_failures);
	svc_rdma_recv_ctxt_put(rdma, ctxt);
}

static bool svc_rdma_recv_gather(struct svcxprt_rdma *rdma)
{
	unsigned int arrived;

	if (!llist_empty(&rdma->sc_read_done))
		svc_rdma_recv_ctxts_take_ready(rdma);
	if (list_empty(&rdma->sc_recv_ready)) {
		arrived = svc_rdma_recv_poll(rdma, SVC_RDMA_POLL_BUDGET);
		if (arrived) {
			svc_rdma_recv_adapt(rdma, arrived);
			svc_rdma_recv_refill(rdma);
		}
	}
	return !list_empty(&rdma->sc_recv_ready);
}

/*
 * Takes the next call, and leaves XPT_DATA set if and only if there may be
 * another. The receiver only.
 */
static struct svc_rdma_recv_ctxt *
svc_rdma_recv_next(struct svcxprt_rdma *rdma)
{
	unsigned long *flags = &rdma->sc_xprt.xpt_flags;
	struct svc_rdma_recv_ctxt *ctxt = NULL;

	if (atomic_read(&rdma->sc_reads))
		svc_rdma_send_poll(rdma);

	if (svc_rdma_recv_gather(rdma)) {
		ctxt = list_first_entry(&rdma->sc_recv_ready,
					struct svc_rdma_recv_ctxt, rc_ready);
		list_del(&ctxt->rc_ready);
		if (!list_empty(&rdma->sc_recv_ready)) {
			/* This thread may have come for something else. */
			set_bit(XPT_DATA, flags);
			return ctxt;
		}
	}

	/*
	 * Whoever sets the flag does so after its event: a Receive that
	 * completed, an armed Send queue that fired, a call put on
	 * sc_read_done, a Send put on the release list. Clearing comes first
	 * and looking second, so an event before the clear is seen now and one
	 * after it sets the flag again. The release list is looked at on the
	 * way out, in svc_rdma_release_ctxt().
	 */
	clear_bit(XPT_DATA, flags);
	smp_mb__after_atomic();	/* pairs with the event's own set_bit() */
	if (!llist_empty(&rdma->sc_read_done) || svc_rdma_recv_arm(rdma) > 0)
		set_bit(XPT_DATA, flags);
	else if (atomic_read(&rdma->sc_reads))
		svc_rdma_send_watch(rdma);
	if (!ctxt && READ_ONCE(rdma->sc_trim))
		svc_rdma_trim(rdma);
	return ctxt;
}

static void svc_rdma_recv_refuse(struct svcxprt_rdma *rdma,
				 struct svc_rdma_recv_ctxt *ctxt,
				 enum rpcrdma_hdr_verdict verdict)
{
	svc_rdma_count(SVC_RDMA_err_short + verdict - RPCRDMA_HDR_SHORT);
	trace_svc_rdma_refused(rdma, verdict, verdict == RPCRDMA_HDR_SHORT ?
			       0 : ctxt->rc_hdr.xid, ctxt->rc_byte_len);

	if (verdict != RPCRDMA_HDR_SHORT && verdict != RPCRDMA_HDR_DISCARD)
		svc_rdma_send_error(rdma, ctxt, verdict);
	svc_rdma_recv_ctxt_put(rdma, ctxt);
}

static void svc_rdma_recv_inline(struct svc_rqst *rqstp,
				 struct svc_rdma_recv_ctxt *ctxt)
{
	u32 length = ctxt->rc_hdr.inline_length;

	xdr_buf_init(&rqstp->rq_arg, ctxt->rc_buf + ctxt->rc_hdr.length, length);
	/* Empty, but there: nfsd takes the first page's address unasked. */
	rqstp->rq_arg.pages = rqstp->rq_pages;
	rqstp->rq_arg.page_base = 0;
	rqstp->rq_arg.len = length;
}

/**
 * svc_rdma_recvfrom - receive the next RPC call (xpo_recvfrom)
 * @rqstp: nfsd thread that holds XPT_BUSY of rq_xprt
 *
 * Lets go of XPT_BUSY as soon as the call is taken. A call with Read chunks
 * takes two visits: the first posts the RDMA Reads and returns 0, the second,
 * by whichever thread comes when they have completed, returns the call.
 *
 * Returns the length of the call in rq_arg, bytes, or 0 if there is none to
 * process now. Errors are the connection's and end it.
 */
int svc_rdma_recvfrom(struct svc_rqst *rqstp)
{
	struct svc_xprt *xprt = rqstp->rq_xprt;
	struct svcxprt_rdma *rdma = svc_rdma_of(xprt);
	struct svc_rdma_recv_ctxt *ctxt;
	enum rpcrdma_hdr_verdict verdict;

	rqstp->rq_xprt_ctxt = NULL;
	svc_rdma_compat_reply_pages(rqstp, 0);

	ctxt = svc_rdma_recv_next(rdma);
	svc_xprt_received(xprt);
	if (!ctxt) {
		svc_rdma_count(SVC_RDMA_nothing_received);
		return 0;
	}

	if (ctxt->rc_read_done) {
		verdict = svc_rdma_read_finish(rqstp, ctxt);
		if (verdict != RPCRDMA_HDR_OK)
			goto out_refuse;
		goto out_call;
	}

	ib_dma_sync_single_for_cpu(rdma->sc_pd->device, ctxt->rc_sge.addr,
				   ctxt->rc_byte_len, DMA_FROM_DEVICE);
	verdict = rpcrdma_hdr_decode(ctxt->rc_buf, ctxt->rc_byte_len,
				     &rdma->sc_limits, &ctxt->rc_hdr);
	if (verdict != RPCRDMA_HDR_OK)
		goto out_refuse;

	if (ctxt->rc_hdr.proc == RPCRDMA_PROC_NOMSG)
		svc_rdma_count(SVC_RDMA_long_calls);
	if (ctxt->rc_hdr.read_length) {
		svc_rdma_read_start(rdma, ctxt);
		return 0;
	}
	if (svc_rdma_bc_is_reply(ctxt)) {
		svc_rdma_bc_reply(rdma, ctxt);
		svc_rdma_recv_ctxt_put(rdma, ctxt);
		return 0;
	}
	svc_rdma_recv_inline(rqstp, ctxt);

out_call:
	svc_rdma_count(SVC_RDMA_calls);
	trace_svc_rdma_call(rdma, &ctxt->rc_hdr, rqstp->rq_arg.len);
	/* Ports say nothing on RDMA: every client counts as privileged. */
	set_bit(RQ_SECURE, &rqstp->rq_flags);
	rqstp->rq_prot = IPPROTO_MAX;
	svc_xprt_copy_addrs(rqstp, xprt);
	rqstp->rq_xprt_ctxt = ctxt;
	return rqstp->rq_arg.len;

out_refuse:
	svc_rdma_recv_refuse(rdma, ctxt, verdict);
	return 0;
}
