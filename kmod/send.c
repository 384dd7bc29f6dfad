// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending: what is posted of a Send context.
 *
 * The RDMA Writes of a reply and its Send are one chain, posted at once; the
 * Send comes last and is the only one that is signalled, so its completion
 * speaks for all of them.
 */
#include "svcrdma.h"

/* Any thread that polls the Send queue. */
void svc_rdma_wc_send(struct ib_cq *cq, struct ib_wc *wc)
{
	struct svcxprt_rdma *rdma = cq->cq_context;
	struct svc_rdma_send_ctxt *ctxt =
		container_of(wc->wr_cqe, struct svc_rdma_send_ctxt, sc_cqe);
	unsigned int entries = ctxt->sc_chain.entries;

	if (unlikely(wc->status != IB_WC_SUCCESS))
		svc_rdma_wc_failed(rdma, wc, SVC_RDMA_send_failures);
	else if (ctxt->sc_chain.reply)
		svc_rdma_credits_told(rdma, ctxt);
	if (ctxt->sc_chain.reply)
		atomic_inc(&rdma->sc_calls_out);
	svc_rdma_send_ctxt_completed(rdma, ctxt);
	svc_rdma_sq_return(rdma, entries);
}

/* The queue pair is drained, and the chain never completed. */
static void svc_rdma_send_orphan(struct svcxprt_rdma *rdma,
				 struct svc_rdma_chain *chain)
{
	svc_rdma_send_ctxt_release(rdma, container_of(chain,
						      struct svc_rdma_send_ctxt,
						      sc_chain));
}

/* Posts a Send and the RDMA Writes in front of it, which are mapped. */
static void svc_rdma_send_post(struct svcxprt_rdma *rdma,
			       struct svc_rdma_send_ctxt *ctxt)
{
	struct svc_rdma_chain *chain = &ctxt->sc_chain;

	chain->entries = ctxt->sc_rw.entries;
	chain->first = svc_rdma_rw_wrs(rdma, &ctxt->sc_rw, NULL, &ctxt->sc_wr);
	svc_rdma_sq_post(rdma, chain);
}

/* In the place of a reply whose chunks have too many segments. It has the XID. */
static void svc_rdma_send_refuse(struct svcxprt_rdma *rdma,
				 struct svc_rdma_send_ctxt *ctxt)
{
	const struct rpcrdma_hdr hdr = {
		.xid = rpcrdma_hdr_word(ctxt->sc_buf),
		.vers = rpcrdma_hdr_word(ctxt->sc_buf + sizeof(__be32)),
	};

	svc_rdma_rw_release(rdma, &ctxt->sc_rw, NULL);
	svc_rdma_count(SVC_RDMA_replies_too_large);
	ctxt->sc_sge.length = rpcrdma_hdr_encode_error(ctxt->sc_buf,
						       rdma->sc_inline_size,
						       &hdr, 0,
						       RPCRDMA_HDR_TOO_LONG);
	ctxt->sc_wr.opcode = IB_WR_SEND;
	ctxt->sc_wr.ex.invalidate_rkey = 0;
	svc_rdma_send_post(rdma, ctxt);
}

/* What comes of a reply that has waited for memory regions: see regions.c. */
static void svc_rdma_send_mapped(struct svcxprt_rdma *rdma,
				 struct svc_rdma_chain *chain, int ret)
{
	struct svc_rdma_send_ctxt *ctxt =
		container_of(chain, struct svc_rdma_send_ctxt, sc_chain);

	if (!ret) {
		svc_rdma_send_post(rdma, ctxt);
	} else if (ret == -E2BIG) {
		svc_rdma_send_refuse(rdma, ctxt);
	} else {
		svc_rdma_send_ctxt_release(rdma, ctxt);
		svc_rdma_close(rdma);
	}
}

static void svc_rdma_send(struct svcxprt_rdma *rdma,
			  struct svc_rdma_send_ctxt *ctxt, u32 length,
			  u32 invalidate)
{
	ctxt->sc_sge.length = length;
	ctxt->sc_wr.next = NULL;
	ctxt->sc_wr.opcode = invalidate ? IB_WR_SEND_WITH_INV : IB_WR_SEND;
	ctxt->sc_wr.ex.invalidate_rkey = invalidate;
	ctxt->sc_chain.release = svc_rdma_send_orphan;
	if (likely(ctxt->sc_rw.nr_mapped == ctxt->sc_rw.nr_segments)) {
		svc_rdma_send_post(rdma, ctxt);
	} else {
		ctxt->sc_chain.mapped = svc_rdma_send_mapped;
		svc_rdma_regions_wait(rdma, ctxt);
	}
}

/**
 * svc_rdma_send_reply - post a reply and the RDMA Writes in front of it
 * @rdma: connection
 * @ctxt: its buffer is filled; its RDMA Writes fit the Send Queue, or are not mapped yet
 * @length: bytes of the buffer to send
 * @invalidate: steering tag of the client's memory to invalidate, or 0
 *
 * Its header gets the credits when it is posted, which may be later (sq.c). @ctxt is
 * not the caller's any more.
 */
void svc_rdma_send_reply(struct svcxprt_rdma *rdma,
			 struct svc_rdma_send_ctxt *ctxt, u32 length,
			 u32 invalidate)
{
	svc_rdma_add(SVC_RDMA_writes, ctxt->sc_rw.nr_segments);
	svc_rdma_add(SVC_RDMA_write_bytes, ctxt->sc_rw.bytes);
	if (invalidate)
		svc_rdma_count(SVC_RDMA_remote_invalidations);
	ctxt->sc_chain.reply = ctxt;
	svc_rdma_send(rdma, ctxt, length, invalidate);
}

/**
 * svc_rdma_send_error - tell the client why its message was refused
 * @rdma: connection
 * @rctxt: the refused message; its header's xid and vers are valid, and its Send
 *	   context is there
 * @verdict: why; one that is answered
 *
 * Any thread.
 */
void svc_rdma_send_error(struct svcxprt_rdma *rdma,
			 struct svc_rdma_recv_ctxt *rctxt,
			 enum rpcrdma_hdr_verdict verdict)
{
	struct svc_rdma_send_ctxt *ctxt = svc_rdma_recv_answer(rctxt);
	u32 length;

	length = rpcrdma_hdr_encode_error(ctxt->sc_buf, rdma->sc_inline_size,
					  &rctxt->rc_hdr, 0, verdict);
	svc_rdma_send_reply(rdma, ctxt, length, 0);
}

/**
 * svc_rdma_send_call - send a call to the client
 * @rdma: connection
 * @xid: of the call
 * @call: the message; may be released on return
 *
 * Waits for nobody, but may sleep for memory. Returns 0, -ENOBUFS if there is no
 * Send context now, -EMSGSIZE if the call does not fit the client's Receive buffers,
 * or another negative errno.
 */
int svc_rdma_send_call(struct svcxprt_rdma *rdma, u32 xid,
		       const struct xdr_buf *call)
{
	struct svc_rdma_send_ctxt *ctxt;
	u32 header;

	if (call->len > rdma->sc_inline_send - RPCRDMA_HDR_MIN)
		return -EMSGSIZE;
	/* A few more than the replies may take. */
	ctxt = svc_rdma_send_ctxt_get(rdma, rdma->sc_bc_credits);
	if (!ctxt)
		return -ENOBUFS;

	header = rpcrdma_hdr_encode_call(ctxt->sc_buf, rdma->sc_inline_size,
					 xid, rdma->sc_bc_credits);
	if (read_bytes_from_xdr_buf(call, 0, ctxt->sc_buf + header, call->len)) {
		svc_rdma_send_ctxt_release(rdma, ctxt);
		return -EINVAL;
	}
	svc_rdma_bounce_to_device(&ctxt->sc_bounce, rdma->sc_pd->device,
				  ctxt->sc_sge.addr, header + call->len,
				  DMA_TO_DEVICE);
	ctxt->sc_chain.reply = NULL;
	svc_rdma_send(rdma, ctxt, header + call->len, 0);
	svc_rdma_count(SVC_RDMA_backchannel_calls);
	/* No thread of the service passes by because of this Send. */
	svc_rdma_watch_quiet(rdma);
	return 0;
}
