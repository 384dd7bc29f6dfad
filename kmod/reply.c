// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replying: how a reply travels, and xpo_sendto.
 *
 * A reply that fits the client's Receive buffer is copied behind its header
 * into the Send buffer, which stays mapped: no mapping and no page handed over
 * for it. Result payloads go to the call's Write chunks, replies that do not
 * fit go to its Reply chunk, straight from the pages of the reply.
 */
#include <linux/delay.h>

#include "svcrdma.h"
#include "binding.h"
#include "strain.h"
#include "trace.h"

enum {
	SVC_RDMA_BUILD_TRIES	= 20,
	SVC_RDMA_BUILD_PAUSE	= 20,	/* ms between two of them */
};

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
 * Which of them go to Write chunks is decided when the reply is complete. Payloads
 * that a security flavour will wrap stay inline, and so do those that nobody could
 * note. Returns 0.
 */
int svc_rdma_result_payload(struct svc_rqst *rqstp, unsigned int offset,
			    unsigned int length)
{
	struct svc_rdma_recv_ctxt *ctxt = rqstp->rq_xprt_ctxt;
	struct svc_rdma_payload *payload;

	if (!ctxt->rc_hdr.write_chunks || svc_rdma_is_wrapped(rqstp) ||
	    ctxt->rc_nr_payloads == ARRAY_SIZE(ctxt->rc_payloads))
		return 0;
	payload = &ctxt->rc_payloads[ctxt->rc_nr_payloads++];
	payload->offset = offset;
	payload->length = length;
	return 0;
}

/* Whether the @length bytes at @offset are data that a COMPOUND may place. */
static bool svc_rdma_is_nfs4_data(const struct xdr_buf *res, u32 offset,
				  u32 length)
{
	u8 before[BINDING_NFS4_BEFORE];

	if (offset < sizeof(before))
		return false;
	if (offset <= res->head[0].iov_len)
		memcpy(before, res->head[0].iov_base + offset - sizeof(before),
		       sizeof(before));
	else if (read_bytes_from_xdr_buf(res, offset - sizeof(before), before,
					 sizeof(before)))
		return false;
	return binding_is_nfs4_data(before, length);
}

/*
 * Whether a payload is one, still: nfsd may have cut the reply short after it was
 * noted. @done: end of the last one. nfsd announces results of COMPOUND that must
 * not be reduced, and of READLINK the word in front of the link.
 */
static bool svc_rdma_payload_is_there(const struct svc_rqst *rqstp,
				      struct svc_rdma_payload *payload, u32 done)
{
	const struct xdr_buf *res = &rqstp->rq_res;

	if (rqstp->rq_vers == 4 &&
	    !svc_rdma_is_nfs4_data(res, payload->offset, payload->length)) {
		payload->offset += XDR_UNIT;
		if (!svc_rdma_is_nfs4_data(res, payload->offset,
					   payload->length))
			return false;
	}
	return payload->offset >= done && payload->offset <= res->len &&
	       payload->length <= res->len - payload->offset;
}

/*
 * How a reply will travel. @rest: bytes of the message that no Write chunk takes;
 * @segments: ranges of the client's memory to be written, and @sgs: pieces of our
 * own for them, both at most.
 */
struct svc_rdma_plan {
	u32		rest;
	unsigned int	segments;
	unsigned int	sgs;
	bool		to_reply_chunk;
};

/*
 * Gives each payload its Write chunk, in the order of both (RFC 8166 section 4.3.2).
 * One that stays in the message has no length afterwards: because its chunk is
 * empty, or there is none left, or it must not be placed. Returns 0, or -EMSGSIZE if
 * a chunk is too small.
 */
static int svc_rdma_place_payloads(const struct svc_rqst *rqstp,
				   struct svc_rdma_recv_ctxt *rctxt)
{
	struct svc_rdma_payload *payload = rctxt->rc_payloads;
	struct svc_rdma_payload *end = payload + rctxt->rc_nr_payloads;
	const struct rpcrdma_hdr *hdr = &rctxt->rc_hdr;
	struct rpcrdma_hdr_write_chunk chunk = {};
	u32 index = 0, done = 0;

	for (; payload < end; payload++) {
		if (index == hdr->write_chunks ||
		    !svc_rdma_payload_is_there(rqstp, payload, done)) {
			payload->length = 0;
			continue;
		}
		rpcrdma_hdr_next_write_chunk(rctxt->rc_buf, hdr, &chunk);
		payload->index = index++;
		if (!chunk.segments)
			payload->length = 0;
		if (payload->length > chunk.length)
			return -EMSGSIZE;
		payload->chunk = chunk;
		done = min_t(u64, rqstp->rq_res.len, (u64)payload->offset +
			     xdr_align_size(payload->length));
		payload->end = done;
	}
	return 0;
}

/*
 * Returns 0, or -EMSGSIZE if a chunk or the Reply chunk is missing or too small.
 */
static int svc_rdma_plan_reply(const struct svcxprt_rdma *rdma,
			       const struct svc_rqst *rqstp,
			       struct svc_rdma_recv_ctxt *rctxt,
			       struct svc_rdma_plan *plan)
{
	const struct svc_rdma_payload *payload = rctxt->rc_payloads;
	const struct svc_rdma_payload *end = payload + rctxt->rc_nr_payloads;
	const struct rpcrdma_hdr *hdr = &rctxt->rc_hdr;
	const struct xdr_buf *res = &rqstp->rq_res;
	u32 header = rpcrdma_hdr_reply_size(hdr);
	unsigned int segments = 0, sgs = 0;
	u32 rest = res->len, room;

	for (; payload < end; payload++) {
		if (!payload->length)
			continue;
		rest -= payload->end - payload->offset;
		segments += payload->chunk.segments;
		/* It may begin inside a page, end in another kvec, and be cut. */
		sgs += DIV_ROUND_UP(payload->length, PAGE_SIZE) +
		       payload->chunk.segments + 2;
	}
	/* What crosses from head to pages or on is two Writes with regions. */
	if (segments && unlikely(rdma->sc_write_regions))
		segments += 2;

	if (header > rdma->sc_inline_send)
		return -EMSGSIZE;
	room = rdma->sc_inline_send - header;
	plan->rest = rest;
	plan->segments = segments;
	plan->sgs = sgs;
	plan->to_reply_chunk = rest > room;
	if (!plan->to_reply_chunk)
		return 0;
	/*
	 * Each payload leaves a gap, and what follows it is another Write; and
	 * so is what follows the head and the pages, where there are regions.
	 */
	plan->segments += hdr->reply.segments + rctxt->rc_nr_payloads + 2;
	plan->sgs += DIV_ROUND_UP(res->page_len, PAGE_SIZE) +
		     hdr->reply.segments + 2 * rctxt->rc_nr_payloads + 4;
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

/* Where the message goes that no Write chunk takes: @to, or @target if that is NULL. */
struct svc_rdma_rest {
	u8			*to;
	struct svc_rdma_target	target;
};

static noinline int svc_rdma_rest_write(struct svcxprt_rdma *rdma,
					struct svc_rdma_rw *rw,
					struct svc_rdma_rest *rest,
					const struct xdr_buf *res, u32 offset,
					u32 length)
{
	return svc_rdma_target_add(rdma, rw, &rest->target, res, offset,
				   length);
}

/* Inline: twice for each READ. */
static __always_inline int
svc_rdma_rest_add(struct svcxprt_rdma *rdma, struct svc_rdma_rw *rw,
		  struct svc_rdma_rest *rest, const struct xdr_buf *res,
		  u32 offset, u32 length)
{
	if (!length)
		return 0;
	if (!rest->to)
		return svc_rdma_rest_write(rdma, rw, rest, res, offset, length);
	/* Where nearly all of nearly every reply is. */
	if (offset + length <= res->head[0].iov_len)
		memcpy(rest->to, res->head[0].iov_base + offset, length);
	else if (read_bytes_from_xdr_buf(res, offset, rest->to, length))
		return -EINVAL;
	rest->to += length;
	return 0;
}

/*
 * Fills @ctxt with the header, the Writes and, where the reply fits, the
 * message. The Writes may have to be mapped later. Returns the bytes of the Send,
 * -EMSGSIZE if the client has provided too little room or too many segments, or
 * another negative errno.
 */
static int svc_rdma_build_reply(struct svcxprt_rdma *rdma,
				struct svc_rdma_send_ctxt *ctxt,
				struct svc_rdma_recv_ctxt *rctxt,
				const struct svc_rqst *rqstp)
{
	const struct svc_rdma_payload *payload = rctxt->rc_payloads;
	const struct svc_rdma_payload *end = payload + rctxt->rc_nr_payloads;
	u32 written[SVC_RDMA_MAX_PAYLOADS] = {};
	struct rpcrdma_hdr_answer answer = {
		.written = written,	/* credits: when it is posted */
	};
	struct svc_rdma_rest rest = {
		.target.header = rctxt->rc_buf,
		.target.chunk = &rctxt->rc_hdr.reply,
	};
	struct svc_rdma_plan plan __uninitialized; /* svc_rdma_plan_reply() fills it */
	const struct xdr_buf *res = &rqstp->rq_res;
	u32 offset = 0, header;
	int ret;

	ret = svc_rdma_plan_reply(rdma, rqstp, rctxt, &plan);
	if (ret)
		return ret;
	if (plan.segments) {
		ret = svc_rdma_rw_start(&ctxt->sc_rw, plan.segments, plan.sgs,
					DMA_TO_DEVICE);
		if (ret)
			return ret;
	}
	if (plan.to_reply_chunk)
		answer.reply_written = plan.rest;
	else
		rest.to = ctxt->sc_buf + rpcrdma_hdr_reply_size(&rctxt->rc_hdr);

	for (; payload < end; payload++) {
		struct svc_rdma_target target = {
			.header = rctxt->rc_buf, .chunk = &payload->chunk,
		};

		if (!payload->length)
			continue;
		ret = svc_rdma_rest_add(rdma, &ctxt->sc_rw, &rest, res, offset,
					payload->offset - offset);
		if (!ret)
			ret = svc_rdma_target_add(rdma, &ctxt->sc_rw, &target,
						  res, payload->offset,
						  payload->length);
		if (ret)
			return ret;
		written[payload->index] = payload->length;
		offset = payload->end;
	}
	ret = svc_rdma_rest_add(rdma, &ctxt->sc_rw, &rest, res, offset,
				res->len - offset);
	if (ret)
		return ret;

	header = rpcrdma_hdr_encode_reply(ctxt->sc_buf, rdma->sc_inline_size,
					  rctxt->rc_buf, &rctxt->rc_hdr,
					  &answer);
	if (!header)
		return -EMSGSIZE;
	/* Those that wait for regions come first (regions.c). */
	ret = svc_rdma_all_mapped(rdma) ?
	      svc_rdma_rw_map(rdma, &ctxt->sc_rw) : -EAGAIN;
	if (unlikely(ret && ret != -EAGAIN && ret != -ENOMEM))
		return ret == -E2BIG ? -EMSGSIZE : ret;
	if (!plan.to_reply_chunk)
		return header + plan.rest;
	svc_rdma_count(SVC_RDMA_long_replies);
	return header;
}

/*
 * As svc_rdma_build_reply(); tries again where memory is short, for as long as a reply
 * may be late without anybody noticing.
 */
static int svc_rdma_build_reply_at_last(struct svcxprt_rdma *rdma,
					struct svc_rdma_recv_ctxt *rctxt,
					const struct svc_rqst *rqstp)
{
	struct svc_rdma_send_ctxt *ctxt = rctxt->rc_send;
	unsigned int tries = SVC_RDMA_BUILD_TRIES;
	int ret;

	for (;;) {
		ret = svc_rdma_build_reply(rdma, ctxt, rctxt, rqstp);
		if (likely(ret >= 0))
			return ret;
		svc_rdma_rw_release(rdma, &ctxt->sc_rw, NULL);
		if (ret != -ENOMEM || !--tries || svc_rdma_closing(rdma))
			return ret;
		/* What has completed may be what is missing. */
		svc_rdma_send_poll(rdma);
		svc_rdma_send_ctxts_drain(rdma, SVC_RDMA_drained_by_watch);
		msleep(SVC_RDMA_BUILD_PAUSE);
	}
}

/**
 * svc_rdma_sendto - send the reply of an RPC (xpo_sendto)
 * @rqstp: rq_res holds the reply, rq_xprt_ctxt the call
 *
 * May sleep for memory, waits for nobody. On return the reply's memory may be
 * released: what RDMA Writes still need is referenced by the Send context, the rest
 * was copied. A failure closes the connection. Returns 0 or a negative errno.
 */
int svc_rdma_sendto(struct svc_rqst *rqstp)
{
	struct svcxprt_rdma *rdma = svc_rdma_of(rqstp->rq_xprt);
	struct svc_rdma_recv_ctxt *rctxt = rqstp->rq_xprt_ctxt;
	struct svc_rdma_send_ctxt *ctxt = rctxt->rc_send;
	u32 invalidate = 0;
	int ret;

	svc_rdma_strain_reply();
	if (svc_rdma_closing(rdma))
		return -ENOTCONN;

	ret = svc_rdma_place_payloads(rqstp, rctxt);
	if (!ret)
		ret = svc_rdma_build_reply_at_last(rdma, rctxt, rqstp);
	if (ret == -EMSGSIZE) {
		/* RFC 8166 section 4.5.3: no reply is possible. */
		svc_rdma_count(SVC_RDMA_replies_too_large);
		svc_rdma_send_error(rdma, rctxt, RPCRDMA_HDR_TOO_LONG);
		return ret;
	}
	if (ret < 0) {
		svc_rdma_close(rdma);
		return ret;
	}

	if (ctxt->sc_rw.nr_sgs) {
		ctxt->sc_budget = ctxt->sc_rw.nr_sgs << PAGE_SHIFT;
		svc_rdma_budget_take(rdma, ctxt->sc_budget);
	}
	if (rdma->sc_remote_invalidation)
		invalidate = rpcrdma_hdr_invalidate_handle(rctxt->rc_buf,
							   &rctxt->rc_hdr);
	svc_rdma_count(SVC_RDMA_replies);
	trace_svc_rdma_reply(rdma, rctxt->rc_hdr.xid, rqstp->rq_res.len);
	svc_rdma_send_reply(rdma, svc_rdma_recv_answer(rctxt), ret, invalidate);
	return 0;
}
