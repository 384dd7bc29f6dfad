// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that come with a Read list: RDMA Reads into pages of the Receive
 * context, and the message built from them.
 *
 * The sink has one of two layouts. A message with a single Read chunk behind
 * its inline part (an NFS WRITE) gets the chunk alone in the sink, page
 * aligned, and the inline part around it stays where it was received. Anything
 * else (a long call, several chunks) is assembled flat: the byte at offset N of
 * the message is the byte at offset N of the sink.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "svcrdma.h"
#include "binding.h"
#include "compat/compat.h"
#include "trace.h"

/* How far the Position Zero Read chunk has been given out. */
struct svc_rdma_base {
	u32	segment;
	u32	segment_taken;	/* bytes */
};

static bool svc_rdma_sink_is_chunk(const struct rpcrdma_hdr *hdr)
{
	return hdr->proc == RPCRDMA_PROC_MSG && hdr->read_chunks == 1;
}

/* @slots: how many the array has, at least @pages. */
static int svc_rdma_read_get_pages(struct svc_rdma_recv_ctxt *ctxt,
				   unsigned int pages, unsigned int slots)
{
	unsigned int got;

	ctxt->rc_pages = ctxt->rc_own_pages;
	if (slots > ARRAY_SIZE(ctxt->rc_own_pages))
		ctxt->rc_pages = kvcalloc(slots, sizeof(*ctxt->rc_pages),
					  GFP_KERNEL);
	if (!ctxt->rc_pages)
		return -ENOMEM;
	memset(ctxt->rc_own_pages, 0, sizeof(ctxt->rc_own_pages));

	/* The bulk allocator may stop early; one by one it tries harder. */
	got = alloc_pages_bulk(GFP_KERNEL, pages, ctxt->rc_pages);
	while (got < pages) {
		ctxt->rc_pages[got] = alloc_page(GFP_KERNEL);
		if (!ctxt->rc_pages[got])
			break;
		got++;
	}
	ctxt->rc_nr_pages = got;
	ctxt->rc_budget = got << PAGE_SHIFT;
	svc_rdma_budget_take(ctxt->rc_rdma, ctxt->rc_budget);
	svc_rdma_add(SVC_RDMA_live_pages, got);
	return got == pages ? 0 : -ENOMEM;
}

/**
 * svc_rdma_read_undo_all - give back what the RDMA Reads of a call have taken
 * @rdma: connection
 * @ctxt: no RDMA Read of it outstanding
 *
 * The call can be begun again. Any thread.
 */
void svc_rdma_read_undo_all(struct svcxprt_rdma *rdma,
			    struct svc_rdma_recv_ctxt *ctxt)
{
	svc_rdma_rw_release(rdma, &ctxt->rc_rw, NULL);
	svc_rdma_add(SVC_RDMA_live_pages, -(long)ctxt->rc_nr_pages);
	release_pages(ctxt->rc_pages, ctxt->rc_nr_pages);
	if (ctxt->rc_pages != ctxt->rc_own_pages)
		kvfree(ctxt->rc_pages);
	ctxt->rc_pages = NULL;
	ctxt->rc_nr_pages = 0;
	ctxt->rc_read_done = false;
	if (ctxt->rc_budget)
		svc_rdma_budget_return(rdma, ctxt->rc_budget);
	ctxt->rc_budget = 0;
}

static int svc_rdma_read_chunk(struct svcxprt_rdma *rdma,
			       struct svc_rdma_recv_ctxt *ctxt,
			       const struct rpcrdma_hdr_read_chunk *chunk,
			       const struct xdr_buf *sink, u32 at)
{
	struct rpcrdma_hdr_segment segment;
	u32 i, position;
	int ret;

	for (i = 0; i < chunk->segments; i++) {
		rpcrdma_hdr_read_segment(ctxt->rc_buf, &ctxt->rc_hdr,
					 chunk->first + i, &segment, &position);
		ret = svc_rdma_rw_add(rdma, &ctxt->rc_rw, sink, at,
				      segment.length, segment.handle,
				      segment.offset);
		if (ret)
			return ret;
		at += segment.length;
	}
	return 0;
}

/* RDMA Reads the next @length bytes of the Position Zero Read chunk. */
static int svc_rdma_read_base(struct svcxprt_rdma *rdma,
			      struct svc_rdma_recv_ctxt *ctxt,
			      struct svc_rdma_base *base,
			      const struct xdr_buf *sink, u32 at, u32 length)
{
	struct rpcrdma_hdr_segment segment;
	u32 piece, position;
	int ret;

	/* The codec has checked that the chunk holds this many. */
	while (length) {
		rpcrdma_hdr_read_segment(ctxt->rc_buf, &ctxt->rc_hdr,
					 base->segment, &segment, &position);
		piece = min(length, segment.length - base->segment_taken);
		ret = svc_rdma_rw_add(rdma, &ctxt->rc_rw, sink, at, piece,
				      segment.handle,
				      segment.offset + base->segment_taken);
		if (ret)
			return ret;
		at += piece;
		length -= piece;
		base->segment_taken += piece;
		if (base->segment_taken == segment.length) {
			base->segment++;
			base->segment_taken = 0;
		}
	}
	return 0;
}

/* What the device puts into a flat sink. */
static int svc_rdma_read_flat(struct svcxprt_rdma *rdma,
			      struct svc_rdma_recv_ctxt *ctxt,
			      const struct xdr_buf *sink)
{
	const struct rpcrdma_hdr *hdr = &ctxt->rc_hdr;
	bool long_call = hdr->proc == RPCRDMA_PROC_NOMSG;
	struct rpcrdma_hdr_read_chunk chunk = {};
	struct svc_rdma_base base = {};
	u32 at = 0;
	int ret;

	while (rpcrdma_hdr_next_read_chunk(ctxt->rc_buf, hdr, &chunk)) {
		if (!chunk.position)
			continue;	/* that is the base */
		if (long_call) {
			ret = svc_rdma_read_base(rdma, ctxt, &base, sink, at,
						 chunk.position - at);
			if (ret)
				return ret;
		}
		ret = svc_rdma_read_chunk(rdma, ctxt, &chunk, sink,
					  chunk.position);
		if (ret)
			return ret;
		at = chunk.position + xdr_align_size(chunk.length);
	}
	if (!long_call)
		return 0;
	return svc_rdma_read_base(rdma, ctxt, &base, sink, at,
				  hdr->message_length - at);
}

/*
 * What the CPU puts into a flat sink: the inline part between the chunks, and
 * the roundup behind them. Not before the sink is unmapped.
 */
static void svc_rdma_copy_flat(const struct svc_rdma_recv_ctxt *ctxt,
			       const struct xdr_buf *sink)
{
	const struct rpcrdma_hdr *hdr = &ctxt->rc_hdr;
	bool inline_base = hdr->proc == RPCRDMA_PROC_MSG;
	struct rpcrdma_hdr_read_chunk chunk = {};
	u8 *from = ctxt->rc_buf + hdr->length;
	u8 roundup[XDR_UNIT] = {};
	u32 gap, at = 0;

	while (rpcrdma_hdr_next_read_chunk(ctxt->rc_buf, hdr, &chunk)) {
		if (!chunk.position)
			continue;
		gap = chunk.position - at;
		if (inline_base && gap) {
			write_bytes_to_xdr_buf(sink, at, from, gap);
			from += gap;
		}
		at = chunk.position + chunk.length;
		write_bytes_to_xdr_buf(sink, at, roundup,
				       xdr_pad_size(chunk.length));
		at = xdr_align_size(at);
	}
	if (inline_base)
		write_bytes_to_xdr_buf(sink, at, from,
				       hdr->message_length - at);
}

/* Any thread that polls the Send queue. */
static void svc_rdma_wc_read(struct ib_cq *cq, struct ib_wc *wc)
{
	struct svcxprt_rdma *rdma = cq->cq_context;
	struct svc_rdma_recv_ctxt *ctxt =
		container_of(wc->wr_cqe, struct svc_rdma_recv_ctxt,
			     rc_read_cqe);

	unsigned int entries = ctxt->rc_chain.entries;

	svc_rdma_window_return(rdma, ctxt);
	if (likely(wc->status == IB_WC_SUCCESS)) {
		svc_rdma_add(SVC_RDMA_reads, ctxt->rc_rw.nr_segments);
		svc_rdma_add(SVC_RDMA_read_bytes, ctxt->rc_rw.bytes);
		ctxt->rc_read_done = true;
		atomic_inc(&rdma->sc_reads_done);
		/* Before the flag: see svc_rdma_recv_next(). */
		llist_add(&ctxt->rc_node, &rdma->sc_read_done);
		atomic_dec(&rdma->sc_reads);
		svc_rdma_enqueue(rdma);
	} else {
		svc_rdma_wc_failed(rdma, wc, SVC_RDMA_read_failures);
		atomic_dec(&rdma->sc_reads);
		svc_rdma_recv_ctxt_put(rdma, ctxt);
	}
	svc_rdma_sq_return(rdma, entries);
	svc_rdma_unblock(rdma);
}

/* The queue pair is drained, and the Reads never completed. */
static void svc_rdma_read_orphan(struct svcxprt_rdma *rdma,
				 struct svc_rdma_chain *chain)
{
	struct svc_rdma_recv_ctxt *ctxt =
		container_of(chain, struct svc_rdma_recv_ctxt, rc_chain);

	svc_rdma_window_forget(rdma, ctxt);
	atomic_dec(&rdma->sc_reads);
	svc_rdma_recv_ctxt_put(rdma, ctxt);
}

static int svc_rdma_read_build(struct svcxprt_rdma *rdma,
			       struct svc_rdma_recv_ctxt *ctxt)
{
	const struct rpcrdma_hdr *hdr = &ctxt->rc_hdr;
	bool chunk_only = svc_rdma_sink_is_chunk(hdr);
	u32 length = chunk_only ? hdr->read_length : hdr->message_length;
	unsigned int pages = DIV_ROUND_UP(length, PAGE_SIZE);
	struct rpcrdma_hdr_read_chunk chunk = {};
	struct xdr_buf sink = { .page_len = length };
	unsigned int pieces = hdr->read_segments;
	unsigned int slots = pages;
	int ret;

	/* For the pages of zeros: see svc_rdma_read_guard(). */
	if (chunk_only)
		slots += DIV_ROUND_UP(hdr->inline_length, PAGE_SIZE);
	ret = svc_rdma_read_get_pages(ctxt, pages, slots);
	if (ret) {
		svc_rdma_count(SVC_RDMA_no_memory);
		return ret;
	}
	sink.pages = ctxt->rc_pages;

	/* Every chunk may cut a segment of the Position Zero chunk in two. */
	if (!chunk_only)
		pieces += hdr->read_chunks;
	/* A piece that starts inside a page shares that page with another. */
	ret = svc_rdma_rw_start(&ctxt->rc_rw, pieces, pages + pieces,
				DMA_FROM_DEVICE);
	if (ret)
		return ret;

	if (chunk_only) {
		rpcrdma_hdr_next_read_chunk(ctxt->rc_buf, hdr, &chunk);
		ret = svc_rdma_read_chunk(rdma, ctxt, &chunk, &sink, 0);
	} else {
		ret = svc_rdma_read_flat(rdma, ctxt, &sink);
	}
	return ret ? ret : svc_rdma_rw_map(rdma, &ctxt->rc_rw);
}

/**
 * svc_rdma_read_start - post the RDMA Reads of a call
 * @rdma: connection
 * @ctxt: decoded, hdr->read_length more than 0
 *
 * May sleep for memory. The Reads are posted when there is room in the Send Queue.
 * Returns -ENOMEM if there is no memory now or -E2BIG if the queue pair could never
 * hold them, and the call can be begun again, or refused. Else @ctxt is not the caller's
 * any more: 0, or another negative errno with the connection closing.
 */
int svc_rdma_read_start(struct svcxprt_rdma *rdma,
			struct svc_rdma_recv_ctxt *ctxt)
{
	struct svc_rdma_chain *chain = &ctxt->rc_chain;
	int ret;

	ret = svc_rdma_read_build(rdma, ctxt);
	if (ret == -EAGAIN)
		ret = -ENOMEM;	/* memory regions, which come back, too */
	if (ret == -ENOMEM || ret == -E2BIG) {
		svc_rdma_read_undo(rdma, ctxt);
		return ret;
	}
	if (ret) {
		svc_rdma_recv_ctxt_put(rdma, ctxt);
		svc_rdma_close(rdma);
		return ret;
	}

	ctxt->rc_read_cqe.done = svc_rdma_wc_read;
	chain->entries = ctxt->rc_rw.entries;
	chain->reply = NULL;
	chain->release = svc_rdma_read_orphan;
	chain->first = svc_rdma_rw_wrs(rdma, &ctxt->rc_rw, &ctxt->rc_read_cqe,
				       NULL);
	/* Before posting: from then on the receiver must know to look. */
	atomic_inc(&rdma->sc_reads);
	svc_rdma_window_take(rdma, ctxt);
	svc_rdma_sq_post(rdma, chain);
	svc_rdma_send_watch(rdma);
	return 0;
}

/*
 * What is in the pages behind a chunk of @length bytes: zeros, for the roundup and
 * as many bytes as the call has behind it. A call can claim that data run on from
 * the chunk into the inline part. Not every nfsd follows them there: some go on
 * reading in the pages, which must neither end nor hold what somebody else has
 * left in them. The slots for it were allocated with the sink.
 */
static void svc_rdma_read_guard(struct svc_rdma_recv_ctxt *ctxt, u32 length,
				u32 behind)
{
	unsigned int page = length >> PAGE_SHIFT;
	u32 in_page;

	if (offset_in_page(length)) {
		in_page = min_t(u32, PAGE_SIZE - offset_in_page(length),
				xdr_pad_size(length) + behind);
		memset(page_address(ctxt->rc_pages[page]) +
		       offset_in_page(length), 0, in_page);
		page++;
	}
	for (; page < ctxt->rc_nr_pages + DIV_ROUND_UP(behind, PAGE_SIZE); page++)
		ctxt->rc_pages[page] = ZERO_PAGE(0);
}

static void svc_rdma_read_build_chunk(struct xdr_buf *arg,
				      struct svc_rdma_recv_ctxt *ctxt)
{
	const struct rpcrdma_hdr *hdr = &ctxt->rc_hdr;
	u8 *message = ctxt->rc_buf + hdr->length;
	struct rpcrdma_hdr_read_chunk chunk = {};

	rpcrdma_hdr_next_read_chunk(ctxt->rc_buf, hdr, &chunk);

	arg->head[0].iov_base = message;
	arg->head[0].iov_len = chunk.position;
	arg->tail[0].iov_base = message + chunk.position;
	arg->tail[0].iov_len = hdr->inline_length - chunk.position;

	/*
	 * The client may or may not have put the roundup into the chunk
	 * (RFC 8166 section 3.4.5.2); the message has it in any case. The chunk
	 * starts a page, so the roundup does not cross one.
	 */
	arg->pages = ctxt->rc_pages;
	arg->page_len = xdr_align_size(chunk.length);
	svc_rdma_read_guard(ctxt, chunk.length, arg->tail[0].iov_len);
}

static void svc_rdma_read_build_flat(struct xdr_buf *arg,
				     const struct svc_rdma_recv_ctxt *ctxt)
{
	u32 length = ctxt->rc_hdr.message_length;

	arg->head[0].iov_base = page_address(ctxt->rc_pages[0]);
	arg->head[0].iov_len = min_t(u32, length, PAGE_SIZE);
	arg->tail[0].iov_base = NULL;
	arg->tail[0].iov_len = 0;
	arg->pages = ctxt->rc_pages + 1;
	arg->page_len = length - arg->head[0].iov_len;
	/* Empty, but there: nfsd takes the first page's address unasked. */
	if (!arg->page_len)
		arg->pages = ctxt->rc_pages;
}

/*
 * Whether what was reduced may be: a part of the arguments, in front of which its
 * length stands (RFC 8166 section 6.1). @arg: the call, complete.
 */
static bool svc_rdma_read_eligible(const struct svc_rdma_recv_ctxt *ctxt,
				   const struct xdr_buf *arg)
{
	u32 from = binding_reducible_from(arg->head[0].iov_base,
					  arg->head[0].iov_len);
	struct rpcrdma_hdr_read_chunk chunk = {};
	u32 opaque;

	while (rpcrdma_hdr_next_read_chunk(ctxt->rc_buf, &ctxt->rc_hdr, &chunk)) {
		if (!chunk.position)
			continue;	/* a long call itself is no argument */
		if (!from || chunk.position < from + XDR_UNIT ||
		    xdr_decode_word(arg, chunk.position - XDR_UNIT, &opaque) ||
		    !binding_fits(opaque, chunk.length))
			return false;
	}
	return true;
}

/*
 * Whether the thread's arrays hold as many pages as the call has. They do unless
 * this kernel's sunrpc is not what compat.h takes it for.
 */
static bool svc_rdma_read_has_room(const struct svc_rqst *rqstp,
				   const struct svc_rdma_recv_ctxt *ctxt)
{
	unsigned long room = rqstp->rq_page_end - rqstp->rq_respages;

	room = min(room, svc_rdma_compat_vectors(rqstp));
	if (likely(DIV_ROUND_UP(ctxt->rc_hdr.message_length, PAGE_SIZE) < room))
		return true;
	svc_rdma_count(SVC_RDMA_calls_without_room);
	pr_warn_once("svcrdma: nfsd has %lu pages for a call, fewer than expected of this kernel: larger calls are refused\n",
		     room);
	return false;
}

/*
 * What a long message says of itself: whether it is a reply, for which there is no
 * way to come, and its XID.
 */
static enum rpcrdma_hdr_verdict
svc_rdma_read_check_long(struct svc_rdma_recv_ctxt *ctxt)
{
	const __be32 *message = page_address(ctxt->rc_pages[0]);
	struct rpcrdma_hdr *hdr = &ctxt->rc_hdr;

	hdr->is_reply = hdr->message_length >= 2 * XDR_UNIT &&
			message[1] == rpc_reply;
	if (be32_to_cpu(message[0]) != hdr->xid)
		return RPCRDMA_HDR_BAD_XID;
	return hdr->is_reply ? RPCRDMA_HDR_BAD_POSITION : RPCRDMA_HDR_OK;
}

/**
 * svc_rdma_read_finish - build the call from what was read
 * @rqstp: nfsd thread that takes the call
 * @ctxt: its RDMA Reads have completed
 *
 * The call stays in the pages of @ctxt; the thread's own are all left to the reply.
 * Returns RPCRDMA_HDR_OK with rq_arg set up, RPCRDMA_HDR_BAD_XID if a long call
 * turns out to carry another XID than its header, RPCRDMA_HDR_BAD_POSITION if it is
 * none or something was reduced that must not be, or RPCRDMA_HDR_TOO_LONG if the thread has
 * fewer pages than this kernel's should.
 */
enum rpcrdma_hdr_verdict
svc_rdma_read_finish(struct svc_rqst *rqstp, struct svc_rdma_recv_ctxt *ctxt)
{
	const struct rpcrdma_hdr *hdr = &ctxt->rc_hdr;
	struct xdr_buf *arg = &rqstp->rq_arg;
	enum rpcrdma_hdr_verdict verdict;

	svc_rdma_rw_release(ctxt->rc_rdma, &ctxt->rc_rw, NULL);

	if (hdr->proc == RPCRDMA_PROC_NOMSG) {
		verdict = svc_rdma_read_check_long(ctxt);
		if (verdict != RPCRDMA_HDR_OK)
			return verdict;
	}
	if (!svc_rdma_read_has_room(rqstp, ctxt))
		return RPCRDMA_HDR_TOO_LONG;

	if (svc_rdma_sink_is_chunk(hdr)) {
		svc_rdma_read_build_chunk(arg, ctxt);
	} else {
		struct xdr_buf sink = {
			.pages = ctxt->rc_pages,
			.page_len = hdr->message_length,
		};

		svc_rdma_copy_flat(ctxt, &sink);
		svc_rdma_read_build_flat(arg, ctxt);
	}
	arg->page_base = 0;
	arg->len = arg->head[0].iov_len + arg->page_len + arg->tail[0].iov_len;
	arg->buflen = arg->len;

	return svc_rdma_read_eligible(ctxt, arg) ? RPCRDMA_HDR_OK :
						   RPCRDMA_HDR_BAD_POSITION;
}
