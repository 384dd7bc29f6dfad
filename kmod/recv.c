// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving: posting Receives, and xpo_recvfrom.
 *
 * The nfsd thread that was woken for a Receive polls the queue itself. Only the
 * receiver (the thread that holds XPT_BUSY) comes here, so the list of ready
 * calls, the number of posted Receives and the credits need no lock.
 *
 * XPT_DATA stays set exactly as long as something is left to take: one wakeup
 * for one call. A call for whose reply there is no place is left (wspace.c).
 */
#include <linux/mm.h>

#include "svcrdma.h"
#include "compat/compat.h"
#include "fault.h"
#include "trace.h"

/* Those that replace what calls have used up, and those that are new. */
static struct ib_recv_wr *svc_rdma_recv_chain(struct svcxprt_rdma *rdma,
					      unsigned int *count)
{
	unsigned int credits = max(rdma->sc_recv_target, rdma->sc_recv_covered);
	unsigned int ahead = min(credits / 2, SVC_RDMA_RECV_BATCH);
	struct svc_rdma_recv_ctxt *ctxt;
	struct ib_recv_wr *chain = NULL;
	unsigned int wanted = credits;

	*count = 0;
	/* Replies to calls of ours need Receives, too. */
	if (READ_ONCE(rdma->sc_bc_xprt))
		wanted += rdma->sc_bc_credits;
	if (rdma->sc_recvs_posted >= wanted)
		return NULL;
	while (rdma->sc_recvs_posted + *count < wanted + ahead) {
		ctxt = svc_rdma_recv_ctxt_get(rdma);
		if (!ctxt)
			break;
		/* Unwrapping a secured call may have written to the buffer. */
		svc_rdma_bounce_to_device(&ctxt->rc_bounce,
					  rdma->sc_pd->device,
					  ctxt->rc_sge.addr,
					  ctxt->rc_sge.length, DMA_FROM_DEVICE);
		ctxt->rc_wr.next = chain;
		chain = &ctxt->rc_wr;
		(*count)++;
	}
	return chain;
}

static bool svc_rdma_recv_post(struct svcxprt_rdma *rdma,
			       struct ib_recv_wr *chain, unsigned int count)
{
	const struct ib_recv_wr *bad = chain;
	struct svc_rdma_recv_ctxt *ctxt;
	int ret;

	/* Counted first: what is posted may complete before this returns. */
	rdma->sc_recvs_posted += count;
	ret = svc_rdma_fault_post_recv(rdma->sc_qp, chain, &bad);
	if (likely(!ret))
		return true;

	svc_rdma_count(SVC_RDMA_post_failures);
	trace_svc_rdma_post_failed(rdma, count, ret);
	while (bad) {
		ctxt = container_of(bad, struct svc_rdma_recv_ctxt, rc_wr);
		bad = bad->next;
		rdma->sc_recvs_posted--;
		svc_rdma_recv_ctxt_put(rdma, ctxt);
	}
	svc_rdma_close(rdma);
	return false;
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
	struct ib_recv_wr *chain;
	unsigned int count;

	if (svc_rdma_closing(rdma))
		return false;
	chain = svc_rdma_recv_chain(rdma, &count);
	if (chain && !svc_rdma_recv_post(rdma, chain, count))
		return false;
	if (!rdma->sc_recvs_posted) {
		svc_rdma_close(rdma);
		return false;
	}
	if (svc_rdma_credits_cover(rdma) && unlikely(!rdma->sc_bc_covered))
		svc_rdma_bc_cover(rdma);
	return true;
}

/* In the receiver, or in the drain when there is none any more. */
void svc_rdma_wc_receive(struct ib_cq *cq, struct ib_wc *wc)
{
	struct svcxprt_rdma *rdma = cq->cq_context;
	struct svc_rdma_recv_ctxt *ctxt =
		container_of(wc->wr_cqe, struct svc_rdma_recv_ctxt, rc_cqe);

	rdma->sc_recvs_posted--;
	if (unlikely(wc->status != IB_WC_SUCCESS)) {
		svc_rdma_wc_failed(rdma, wc, SVC_RDMA_recv_failures);
		svc_rdma_recv_ctxt_put(rdma, ctxt);
		return;
	}
	/* An RDMA Write with immediate data uses up a Receive and fills none. */
	if (unlikely(wc->opcode != IB_WC_RECV ||
		     wc->byte_len > rdma->sc_inline_size)) {
		svc_rdma_count(SVC_RDMA_recv_failures);
		svc_rdma_close(rdma);
		svc_rdma_recv_ctxt_put(rdma, ctxt);
		return;
	}
	rdma->sc_calls_in++;
	ctxt->rc_owed = true;
	ctxt->rc_byte_len = wc->byte_len;
	list_add_tail(&ctxt->rc_ready, &rdma->sc_recv_ready);
}

static bool svc_rdma_recv_gather(struct svcxprt_rdma *rdma)
{
	unsigned int taken;

	svc_rdma_recv_ctxts_take_ready(rdma);
	if (!list_empty(&rdma->sc_recv_ready))
		return true;
	taken = svc_rdma_recv_poll(rdma, SVC_RDMA_POLL_BUDGET);
	if (taken) {
		svc_rdma_hear(rdma);
		svc_rdma_credits_arrived(rdma, taken < SVC_RDMA_POLL_BUDGET);
		svc_rdma_recv_refill(rdma);
	} else if (unlikely(READ_ONCE(rdma->sc_bc_xprt) &&
			    !rdma->sc_bc_covered)) {
		/* svc_rdma_bc_setup() has sent this thread. */
		svc_rdma_recv_refill(rdma);
	}
	return !list_empty(&rdma->sc_recv_ready);
}

/*
 * Finds a place for the reply. Returns false with the connection blocked: somebody
 * will unblock it, because an event will come, or a thread has a place, or the quiet
 * timer runs.
 */
static bool svc_rdma_recv_find_place(struct svcxprt_rdma *rdma,
				     struct svc_rdma_recv_ctxt *ctxt)
{
	if (ctxt->rc_send)
		return true;	/* it was taken before, or has been read */
	ctxt->rc_send = svc_rdma_send_ctxt_get(rdma, 0);
	if (likely(ctxt->rc_send))
		return true;

	svc_rdma_count(SVC_RDMA_blocks);
	svc_rdma_block(rdma);
	ctxt->rc_send = svc_rdma_send_ctxt_get(rdma, 0);
	if (ctxt->rc_send) {
		clear_bit(SVC_RDMA_BLOCKED, &rdma->sc_flags);
		return true;
	}
	svc_rdma_send_watch(rdma);
	return false;
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

	if (svc_rdma_sq_has_waiters(rdma))
		svc_rdma_send_poll(rdma);

	if (svc_rdma_recv_gather(rdma)) {
		ctxt = list_first_entry(&rdma->sc_recv_ready,
					struct svc_rdma_recv_ctxt, rc_ready);
		if (!svc_rdma_recv_find_place(rdma, ctxt)) {
			set_bit(XPT_DATA, flags);
			return NULL;
		}
		list_del(&ctxt->rc_ready);
		if (ctxt->rc_read_done)
			atomic_dec(&rdma->sc_reads_done);
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
	 * way out, in svc_rdma_release_ctxt(). Whoever unblocks sets the flag, too,
	 * for a call on sc_recv_later.
	 */
	clear_bit(XPT_DATA, flags);
	smp_mb__after_atomic();	/* pairs with the event's own set_bit() */
	if (!llist_empty(&rdma->sc_read_done) ||
	    !llist_empty(&rdma->sc_recv_later) || svc_rdma_recv_arm(rdma) > 0)
		set_bit(XPT_DATA, flags);
	else if (svc_rdma_sq_has_waiters(rdma))
		svc_rdma_send_watch(rdma);
	if (!ctxt && READ_ONCE(rdma->sc_trim))
		svc_rdma_trim(rdma);
	return ctxt;
}

/*
 * Whether a message that cannot be used is a client's reply to us: answered, it
 * could be answered in turn, for ever. Where its chunk lists hide the message, its
 * XID tells.
 */
static bool svc_rdma_recv_is_reply(struct svcxprt_rdma *rdma,
				   const struct rpcrdma_hdr *hdr)
{
	return hdr->is_reply || svc_rdma_bc_awaits(rdma, hdr->xid);
}

static void svc_rdma_recv_refuse(struct svcxprt_rdma *rdma,
				 struct svc_rdma_recv_ctxt *ctxt,
				 enum rpcrdma_hdr_verdict verdict)
{
	svc_rdma_count(SVC_RDMA_err_short + verdict - RPCRDMA_HDR_SHORT);
	trace_svc_rdma_refused(rdma, verdict, verdict == RPCRDMA_HDR_SHORT ?
			       0 : ctxt->rc_hdr.xid, ctxt->rc_byte_len);

	if (verdict == RPCRDMA_HDR_SHORT || verdict == RPCRDMA_HDR_DISCARD)
		;
	else if (svc_rdma_recv_is_reply(rdma, &ctxt->rc_hdr))
		svc_rdma_count(SVC_RDMA_err_reply);
	else
		svc_rdma_send_error(rdma, ctxt, verdict);
	svc_rdma_recv_ctxt_put(rdma, ctxt);
}

/* Whether a call may pin so many bytes and, if there are any, ask for them now. */
static bool svc_rdma_recv_has_place(const struct svcxprt_rdma *rdma, u32 bytes)
{
	return svc_rdma_budget_allows(rdma, bytes) &&
	       (!bytes || svc_rdma_window_allows(rdma, bytes));
}

/*
 * Puts a call that was taken off until there are more bytes, or more memory: a
 * completion may bring either, and where none is due the quiet timer looks again. It
 * keeps its place. @bytes: that it waits for, U32_MAX for memory.
 */
static void svc_rdma_recv_put_off(struct svcxprt_rdma *rdma,
				  struct svc_rdma_recv_ctxt *ctxt, u32 bytes)
{
	/* From here on the call may be somebody else's. */
	llist_add(&ctxt->rc_node, &rdma->sc_recv_later);
	svc_rdma_block(rdma);
	if (bytes != U32_MAX && svc_rdma_recv_has_place(rdma, bytes))
		svc_rdma_unblock(rdma);
	else
		svc_rdma_send_watch(rdma);
}

/* Bytes that a call pins before it is processed. */
static u32 svc_rdma_recv_pins(const struct svc_rdma_recv_ctxt *ctxt)
{
	return ctxt->rc_hdr.read_length ?
	       PAGE_ALIGN(ctxt->rc_hdr.message_length) : 0;
}

static bool svc_rdma_recv_has_chunks(const struct rpcrdma_hdr *hdr)
{
	return hdr->read_length || hdr->write_chunks || hdr->has_reply;
}

/* What a decoded message is. Returns true if it is a call that is complete. */
static bool svc_rdma_recv_dispatch(struct svcxprt_rdma *rdma,
				   struct svc_rdma_recv_ctxt *ctxt)
{
	const struct rpcrdma_hdr *hdr = &ctxt->rc_hdr;
	u32 bytes = svc_rdma_recv_pins(ctxt);
	int ret;

	if (unlikely(hdr->is_reply)) {
		if (!svc_rdma_bc_is_reply(ctxt)) {
			/* With chunks, which no call of ours offers. */
			svc_rdma_recv_refuse(rdma, ctxt,
					     RPCRDMA_HDR_BAD_POSITION);
			return false;
		}
		svc_rdma_bc_reply(rdma, ctxt);
		svc_rdma_recv_ctxt_put(rdma, ctxt);
		return false;
	}
	if (svc_rdma_recv_has_chunks(hdr) &&
	    !svc_rdma_recv_has_place(rdma, bytes)) {
		svc_rdma_recv_put_off(rdma, ctxt, bytes);
		return false;
	}
	if (!hdr->read_length)
		return true;

	ret = svc_rdma_read_start(rdma, ctxt);
	if (ret == -ENOMEM)
		svc_rdma_recv_put_off(rdma, ctxt, U32_MAX);
	else if (ret == -E2BIG)
		svc_rdma_recv_refuse(rdma, ctxt, RPCRDMA_HDR_TOO_MANY);
	return false;
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
	svc_rdma_compat_reply_pages(rqstp);

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
	} else {
		svc_rdma_bounce_to_cpu(&ctxt->rc_bounce, rdma->sc_pd->device,
				       ctxt->rc_sge.addr, ctxt->rc_byte_len,
				       DMA_FROM_DEVICE);
		verdict = rpcrdma_hdr_decode(ctxt->rc_buf, ctxt->rc_byte_len,
					     &rdma->sc_limits, &ctxt->rc_hdr);
		if (verdict != RPCRDMA_HDR_OK)
			goto out_refuse;
		if (!svc_rdma_recv_dispatch(rdma, ctxt))
			return 0;
		svc_rdma_recv_inline(rqstp, ctxt);
	}

	svc_rdma_count(SVC_RDMA_calls);
	if (ctxt->rc_hdr.proc == RPCRDMA_PROC_NOMSG)
		svc_rdma_count(SVC_RDMA_long_calls);
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
