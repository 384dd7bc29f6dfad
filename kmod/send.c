// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replying: Send contexts, and xpo_sendto.
 *
 * A reply that fits the client's Receive buffer is copied behind its header
 * into the Send buffer, which stays mapped: no mapping and no page handed over
 * for it. Result payloads go to the call's Write chunks, replies that do not
 * fit go to its Reply chunk, straight from the pages of the reply. The RDMA
 * Writes and the Send are one chain, posted at once; the Send comes last and is
 * the only one that is signalled, so its completion speaks for all of them.
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

/**
 * svc_rdma_send_ctxt_get - get a Send context
 * @rdma: connection
 * @may_wait: for others to release contexts, rather than have too many
 *
 * Prefers contexts that are free, then those that have completed but were not
 * released yet, and allocates last: so their number follows what is in flight.
 * Where releasing is slower than replying, threads wait for it here. May sleep.
 * Returns NULL if there is no memory or the connection is closing.
 */
struct svc_rdma_send_ctxt *svc_rdma_send_ctxt_get(struct svcxprt_rdma *rdma,
						  bool may_wait)
{
	struct svc_rdma_send_ctxt *ctxt;

	ctxt = svc_rdma_send_ctxt_reuse(rdma);
	while (!ctxt) {
		svc_rdma_send_poll(rdma);
		svc_rdma_send_ctxts_drain(rdma,
					  SVC_RDMA_drained_by_send_ctxt_get);
		ctxt = svc_rdma_send_ctxt_reuse(rdma);
		if (ctxt)
			break;
		if (svc_rdma_send_ctxt_may_add(rdma, may_wait)) {
			ctxt = svc_rdma_send_ctxt_alloc(rdma);
			if (!ctxt)
				atomic_dec(&rdma->sc_send_ctxts);
			break;
		}
		/* In flight, or in the hands of threads that release them. */
		if (svc_rdma_closing(rdma) || fatal_signal_pending(current))
			break;
		schedule_timeout_killable(1);
	}
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

/*
 * Wrapped results are sealed as they stand in the message: none may be taken
 * out of it (RFC 8166 section 8.2.2.3).
 */
static bool svc_rdma_is_wrapped(const struct svc_rqst *rqstp)
{
	u32 flavor = rqstp->rq_cred.cr_flavor;

	return flavor == RPC_AUTH_GSS_KRB5I || flavor == RPC_AUTH_GSS_KRB5P;
}

/**
 * svc_rdma_result_payload - note where a result payload is (xpo_result_payload)
 * @rqstp: RPC whose reply is being encoded
 * @offset: first byte of the payload in rq_res
 * @length: bytes, roundup not included; may be 0
 *
 * Payloads come in the order in which they stand in the reply. One for which
 * the client has provided no Write chunk stays inline, and so does one that a
 * security flavour will wrap. Returns 0.
 */
int svc_rdma_result_payload(struct svc_rqst *rqstp, unsigned int offset,
			    unsigned int length)
{
	struct svc_rdma_recv_ctxt *ctxt = rqstp->rq_xprt_ctxt;
	unsigned int n = ctxt->rc_nr_payloads;

	if (n == ctxt->rc_hdr.write_chunks ||
	    n == ARRAY_SIZE(ctxt->rc_payloads) || svc_rdma_is_wrapped(rqstp))
		return 0;
	ctxt->rc_payloads[n].offset = offset;
	ctxt->rc_payloads[n].length = length;
	ctxt->rc_nr_payloads++;
	return 0;
}

/* A Write chunk or the Reply chunk being filled. */
struct svc_rdma_target {
	const u8			*header;
	struct rpcrdma_hdr_write_chunk	chunk;
	struct rpcrdma_hdr_segment	segment;
	u32				index;
	u32				filled;	/* bytes of the current segment */
};

static void svc_rdma_target_init(struct svc_rdma_target *target,
				 const u8 *header,
				 const struct rpcrdma_hdr_write_chunk *chunk)
{
	target->header = header;
	target->chunk = *chunk;
	target->index = 0;
	target->filled = 0;
	rpcrdma_hdr_write_segment(header, chunk, 0, &target->segment);
}

static int svc_rdma_target_end(struct svcxprt_rdma *rdma,
			       struct svc_rdma_rw *rw,
			       const struct svc_rdma_target *target)
{
	return svc_rdma_rw_segment_end(rdma, rw, target->segment.handle,
				       target->segment.offset);
}

/*
 * Appends a range of the reply to the target. The caller has checked that the
 * target has the room.
 */
static int svc_rdma_target_add(struct svcxprt_rdma *rdma,
			       struct svc_rdma_rw *rw,
			       struct svc_rdma_target *target,
			       const struct xdr_buf *res, u32 offset,
			       u32 length)
{
	u32 piece;
	int ret;

	while (length) {
		if (target->filled == target->segment.length) {
			ret = svc_rdma_target_end(rdma, rw, target);
			if (ret)
				return ret;
			target->index++;
			target->filled = 0;
			rpcrdma_hdr_write_segment(target->header,
						  &target->chunk, target->index,
						  &target->segment);
			continue;
		}
		piece = min(length, target->segment.length - target->filled);
		svc_rdma_rw_append(rw, res, offset, piece);
		target->filled += piece;
		offset += piece;
		length -= piece;
	}
	return 0;
}

/* A payload that goes to @chunk: @length without its roundup, @end with it. */
struct svc_rdma_reduced {
	u32				offset;
	u32				length;
	u32				end;
	struct rpcrdma_hdr_write_chunk	chunk;
};

/*
 * How a reply will travel.
 *
 * @written: bytes for each Write chunk of the call
 * @reduced: payloads that are cut out of the message, in order of offset
 * @rest: bytes of the message that remain
 * @to_reply_chunk: the rest goes to the Reply chunk
 */
struct svc_rdma_plan {
	u32			written[SVC_RDMA_MAX_PAYLOADS];
	struct svc_rdma_reduced	reduced[SVC_RDMA_MAX_PAYLOADS];
	unsigned int		nr_reduced;
	unsigned int		segments;
	u32			rest;
	bool			to_reply_chunk;
};

/*
 * Matches payloads with Write chunks (RFC 8166 section 4.3.2): the first
 * payload takes the first chunk and so on, an empty chunk asks for its payload
 * inline, and so does the lack of a chunk. Returns 0, or -EMSGSIZE if a chunk or
 * the Reply chunk is missing or too small.
 */
static int svc_rdma_plan_reply(const struct svcxprt_rdma *rdma,
			       const struct svc_rdma_recv_ctxt *rctxt,
			       const struct xdr_buf *res,
			       struct svc_rdma_plan *plan)
{
	const struct rpcrdma_hdr *hdr = &rctxt->rc_hdr;
	struct rpcrdma_hdr_write_chunk chunk = {};
	u32 done = 0, header = rpcrdma_hdr_reply_size(hdr);
	unsigned int i;

	memset(plan->written, 0, sizeof(plan->written));
	plan->nr_reduced = 0;
	plan->segments = 0;
	plan->rest = res->len;

	for (i = 0; i < rctxt->rc_nr_payloads; i++) {
		const struct svc_rdma_payload *payload = &rctxt->rc_payloads[i];
		u32 offset = payload->offset, length = payload->length;

		if (!rpcrdma_hdr_next_write_chunk(rctxt->rc_buf, hdr, &chunk))
			break;
		if (!chunk.segments || !length)
			continue;
		/*
		 * nfsd may have cut the reply short after the payload was
		 * noted, and a security flavour may have rewritten it.
		 */
		if (offset < done || offset > res->len ||
		    length > res->len - offset)
			continue;
		if (length > chunk.length)
			return -EMSGSIZE;

		done = min_t(u64, (u64)offset + xdr_align_size(length),
			     res->len);
		plan->written[i] = length;
		plan->reduced[plan->nr_reduced].offset = offset;
		plan->reduced[plan->nr_reduced].length = length;
		plan->reduced[plan->nr_reduced].end = done;
		plan->reduced[plan->nr_reduced].chunk = chunk;
		plan->nr_reduced++;
		plan->segments += chunk.segments;
		plan->rest -= done - offset;
	}

	if (header > rdma->sc_inline_send)
		return -EMSGSIZE;
	plan->to_reply_chunk = plan->rest > rdma->sc_inline_send - header;
	if (!plan->to_reply_chunk)
		return 0;
	plan->segments += hdr->reply.segments;
	return plan->rest > hdr->reply.length ? -EMSGSIZE : 0;
}

static int svc_rdma_write_payloads(struct svcxprt_rdma *rdma,
				   struct svc_rdma_send_ctxt *ctxt,
				   const struct svc_rdma_recv_ctxt *rctxt,
				   const struct xdr_buf *res,
				   const struct svc_rdma_plan *plan)
{
	struct svc_rdma_target target __uninitialized;
	unsigned int i;
	int ret;

	for (i = 0; i < plan->nr_reduced; i++) {
		svc_rdma_target_init(&target, rctxt->rc_buf,
				     &plan->reduced[i].chunk);
		ret = svc_rdma_target_add(rdma, &ctxt->sc_rw, &target, res,
					  plan->reduced[i].offset,
					  plan->reduced[i].length);
		if (!ret)
			ret = svc_rdma_target_end(rdma, &ctxt->sc_rw, &target);
		if (ret)
			return ret;
	}
	return 0;
}

typedef int (*svc_rdma_range_fn)(void *data, u32 offset, u32 length);

/*
 * Calls @range for each range of the reply that was not reduced, in order.
 * Inline, so that @range is as well: it is called for every reply.
 */
static __always_inline int
svc_rdma_walk_rest(const struct svc_rdma_plan *plan, u32 end,
		   svc_rdma_range_fn range, void *data)
{
	u32 offset = 0;
	unsigned int i;
	int ret;

	for (i = 0; i < plan->nr_reduced; i++) {
		ret = range(data, offset, plan->reduced[i].offset - offset);
		if (ret)
			return ret;
		offset = plan->reduced[i].end;
	}
	return range(data, offset, end - offset);
}

struct svc_rdma_copy {
	const struct xdr_buf	*res;
	u8			*to;
};

static int svc_rdma_copy_range(void *data, u32 offset, u32 length)
{
	struct svc_rdma_copy *copy = data;
	const struct kvec *head = copy->res->head;

	if (!length)
		return 0;
	/* Where nearly all of nearly every reply is. */
	if (offset + length <= head->iov_len)
		memcpy(copy->to, head->iov_base + offset, length);
	else if (read_bytes_from_xdr_buf(copy->res, offset, copy->to, length))
		return -EINVAL;
	copy->to += length;
	return 0;
}

struct svc_rdma_long_reply {
	struct svcxprt_rdma	*rdma;
	struct svc_rdma_rw	*rw;
	const struct xdr_buf	*res;
	struct svc_rdma_target	target;
};

static int svc_rdma_write_range(void *data, u32 offset, u32 length)
{
	struct svc_rdma_long_reply *reply = data;

	return svc_rdma_target_add(reply->rdma, reply->rw, &reply->target,
				   reply->res, offset, length);
}

static int svc_rdma_write_long_reply(struct svcxprt_rdma *rdma,
				     struct svc_rdma_send_ctxt *ctxt,
				     const struct svc_rdma_recv_ctxt *rctxt,
				     const struct xdr_buf *res,
				     const struct svc_rdma_plan *plan)
{
	struct svc_rdma_long_reply reply = {
		.rdma = rdma, .rw = &ctxt->sc_rw, .res = res,
	};
	int ret;

	svc_rdma_target_init(&reply.target, rctxt->rc_buf,
			     &rctxt->rc_hdr.reply);
	ret = svc_rdma_walk_rest(plan, res->len, svc_rdma_write_range, &reply);
	return ret ?: svc_rdma_target_end(rdma, &ctxt->sc_rw, &reply.target);
}

/*
 * Fills @ctxt with the header, the Writes and, where the reply fits, the
 * message. Returns the bytes of the Send, -EMSGSIZE if the client has provided
 * too little room, or another negative errno.
 */
static int svc_rdma_build_reply(struct svcxprt_rdma *rdma,
				struct svc_rdma_send_ctxt *ctxt,
				const struct svc_rdma_recv_ctxt *rctxt,
				const struct xdr_buf *res)
{
	struct svc_rdma_plan plan __uninitialized; /* svc_rdma_plan_reply() fills it */
	struct rpcrdma_hdr_answer answer = {
		.credits = READ_ONCE(rdma->sc_credits),
		.written = plan.written,
	};
	struct svc_rdma_copy copy = { .res = res };
	unsigned int sgs;
	u32 header;
	int ret;

	ret = svc_rdma_plan_reply(rdma, rctxt, res, &plan);
	if (ret)
		return ret;

	if (plan.segments) {
		/*
		 * Each segment and each range may begin and end inside a page;
		 * head and tail are pieces of their own.
		 */
		sgs = DIV_ROUND_UP(res->page_len, PAGE_SIZE) +
		      plan.segments + 2 * plan.nr_reduced + 4;
		if (plan.nr_reduced == 1 && plan.segments == 1)
			sgs = DIV_ROUND_UP(plan.reduced[0].length, PAGE_SIZE) + 3;
		ret = svc_rdma_rw_start(&ctxt->sc_rw, plan.segments, sgs,
					DMA_TO_DEVICE);
		if (!ret)
			ret = svc_rdma_write_payloads(rdma, ctxt, rctxt, res,
						      &plan);
		if (!ret && plan.to_reply_chunk)
			ret = svc_rdma_write_long_reply(rdma, ctxt, rctxt, res,
							&plan);
		if (ret)
			return ret;
	}

	if (plan.to_reply_chunk)
		answer.reply_written = plan.rest;
	header = rpcrdma_hdr_encode_reply(ctxt->sc_buf, rdma->sc_inline_size,
					  rctxt->rc_buf, &rctxt->rc_hdr,
					  &answer);
	if (!header)
		return -EMSGSIZE;
	if (plan.to_reply_chunk) {
		svc_rdma_count(SVC_RDMA_long_replies);
		return header;
	}
	copy.to = ctxt->sc_buf + header;
	ret = svc_rdma_walk_rest(&plan, res->len, svc_rdma_copy_range, &copy);
	return ret ?: header + plan.rest;
}

/*
 * Posts what @ctxt holds, @length bytes of its buffer included. @ctxt is not
 * the caller's any more, whatever the result.
 */
static int svc_rdma_send(struct svcxprt_rdma *rdma,
			 struct svc_rdma_send_ctxt *ctxt, u32 length,
			 u32 invalidate, bool may_sleep)
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

/**
 * svc_rdma_sendto - send the reply of an RPC (xpo_sendto)
 * @rqstp: rq_res holds the reply, rq_xprt_ctxt the call
 *
 * May sleep. On return the reply's memory may be released: what RDMA Writes
 * still need is referenced by the Send context, the rest was copied. A failure
 * closes the connection. Returns 0 or a negative errno.
 */
int svc_rdma_sendto(struct svc_rqst *rqstp)
{
	struct svcxprt_rdma *rdma = svc_rdma_of(rqstp->rq_xprt);
	struct svc_rdma_recv_ctxt *rctxt = rqstp->rq_xprt_ctxt;
	struct svc_rdma_send_ctxt *ctxt;
	u32 invalidate = 0;
	int ret;

	if (svc_rdma_closing(rdma))
		return -ENOTCONN;
	ctxt = svc_rdma_send_ctxt_get(rdma, true);
	if (!ctxt) {
		svc_rdma_close(rdma);
		return -ENOMEM;
	}

	ret = svc_rdma_build_reply(rdma, ctxt, rctxt, &rqstp->rq_res);
	if (ret < 0) {
		svc_rdma_send_ctxt_release(rdma, ctxt);
		if (ret == -EMSGSIZE) {
			/* RFC 8166 section 4.5.3: no reply is possible. */
			svc_rdma_count(SVC_RDMA_replies_too_large);
			svc_rdma_send_error(rdma, rctxt, RPCRDMA_HDR_TOO_LONG);
		} else {
			svc_rdma_close(rdma);
		}
		return ret;
	}

	if (rdma->sc_remote_invalidation)
		invalidate = rpcrdma_hdr_invalidate_handle(rctxt->rc_buf,
							   &rctxt->rc_hdr);
	ret = svc_rdma_send(rdma, ctxt, ret, invalidate, true);
	if (!ret) {
		svc_rdma_count(SVC_RDMA_replies);
		trace_svc_rdma_reply(rdma, rctxt->rc_hdr.xid, rqstp->rq_res.len);
	}
	return ret;
}
