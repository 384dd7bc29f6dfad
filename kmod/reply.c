// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replying: how a reply travels, and xpo_sendto.
 *
 * A reply that fits the client's Receive buffer is copied behind its header
 * into the Send buffer, which stays mapped: no mapping and no page handed over
 * for it. Result payloads go to the call's Write chunks, replies that do not
 * fit go to its Reply chunk, straight from the pages of the reply.
 */
#include "svcrdma.h"
#include "trace.h"

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

/* A payload that goes to @chunk: @length without its roundup, @end behind it. */
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
	const struct svc_rdma_payload *payload = rctxt->rc_payloads;
	const struct svc_rdma_payload *end = payload + rctxt->rc_nr_payloads;
	const struct rpcrdma_hdr *hdr = &rctxt->rc_hdr;
	struct svc_rdma_reduced *reduced = plan->reduced;
	struct rpcrdma_hdr_write_chunk chunk = {};
	u32 done = 0, header = rpcrdma_hdr_reply_size(hdr);
	u32 rest = res->len;

	memset(plan->written, 0, sizeof(plan->written));
	plan->segments = 0;

	for (; payload < end; payload++) {
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
		*(plan->written + (payload - rctxt->rc_payloads)) = length;
		reduced->offset = offset;
		reduced->length = length;
		reduced->end = done;
		reduced->chunk = chunk;
		reduced++;
		plan->segments += chunk.segments;
		rest -= done - offset;
	}
	plan->nr_reduced = reduced - plan->reduced;
	plan->rest = rest;

	if (header > rdma->sc_inline_send)
		return -EMSGSIZE;
	plan->to_reply_chunk = rest > rdma->sc_inline_send - header;
	if (!plan->to_reply_chunk)
		return 0;
	/* Each reduced payload leaves a gap, and what follows it is another Write. */
	plan->segments += hdr->reply.segments + plan->nr_reduced;
	return rest > hdr->reply.length ? -EMSGSIZE : 0;
}

/*
 * A Write chunk or the Reply chunk being filled. @index: of the current segment;
 * @filled: bytes of it.
 */
struct svc_rdma_target {
	const u8				*header;
	const struct rpcrdma_hdr_write_chunk	*chunk;
	u32					index;
	u32					filled;
};

/*
 * Adds the Writes of a range of the reply. The caller has checked that the
 * target has the room.
 */
static __always_inline int
svc_rdma_target_add(struct svcxprt_rdma *rdma, struct svc_rdma_rw *rw,
		    struct svc_rdma_target *target, const struct xdr_buf *res,
		    u32 offset, u32 length)
{
	struct rpcrdma_hdr_segment segment __uninitialized;
	u32 piece;
	int ret;

	while (length) {
		rpcrdma_hdr_write_segment(target->header, target->chunk,
					  target->index, &segment);
		piece = min(length, segment.length - target->filled);
		ret = svc_rdma_rw_add(rdma, rw, res, offset, piece,
				      segment.handle,
				      segment.offset + target->filled);
		if (ret)
			return ret;
		offset += piece;
		length -= piece;
		target->filled += piece;
		if (target->filled == segment.length) {
			target->index++;
			target->filled = 0;
		}
	}
	return 0;
}

static int svc_rdma_write_payloads(struct svcxprt_rdma *rdma,
				   struct svc_rdma_send_ctxt *ctxt,
				   const struct svc_rdma_recv_ctxt *rctxt,
				   const struct xdr_buf *res,
				   const struct svc_rdma_plan *plan)
{
	const struct svc_rdma_reduced *reduced = plan->reduced;
	const struct svc_rdma_reduced *end = reduced + plan->nr_reduced;
	int ret = 0;

	for (; reduced < end && !ret; reduced++) {
		struct svc_rdma_target target = {
			.header = rctxt->rc_buf, .chunk = &reduced->chunk,
		};

		ret = svc_rdma_target_add(rdma, &ctxt->sc_rw, &target, res,
					  reduced->offset, reduced->length);
	}
	return ret;
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
	const struct svc_rdma_reduced *reduced = plan->reduced;
	const struct svc_rdma_reduced *last = reduced + plan->nr_reduced;
	u32 offset = 0;
	int ret;

	for (; reduced < last; reduced++) {
		ret = range(data, offset, reduced->offset - offset);
		if (ret)
			return ret;
		offset = reduced->end;
	}
	return range(data, offset, end - offset);
}

struct svc_rdma_copy {
	const struct xdr_buf	*res;
	u8			*to;
};

static __always_inline int svc_rdma_copy_range(void *data, u32 offset, u32 length)
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

static noinline int svc_rdma_write_range(void *data, u32 offset, u32 length)
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
		.target = {
			.header = rctxt->rc_buf, .chunk = &rctxt->rc_hdr.reply,
		},
	};

	return svc_rdma_walk_rest(plan, res->len, svc_rdma_write_range, &reply);
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
