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

static int svc_rdma_read_get_pages(struct svc_rdma_recv_ctxt *ctxt,
				   unsigned int pages)
{
	unsigned int got;

	ctxt->rc_pages = ctxt->rc_own_pages;
	if (pages > ARRAY_SIZE(ctxt->rc_own_pages))
		ctxt->rc_pages = kvcalloc(pages, sizeof(*ctxt->rc_pages),
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
	svc_rdma_add(SVC_RDMA_live_pages, got);
	return got == pages ? 0 : -ENOMEM;
}

/**
 * svc_rdma_read_put_pages - give back the pages of a Receive context
 * @ctxt: no RDMA Read of it outstanding or mapped
 */
void svc_rdma_read_put_pages(struct svc_rdma_recv_ctxt *ctxt)
{
	svc_rdma_add(SVC_RDMA_live_pages, -(long)ctxt->rc_nr_pages);
	release_pages(ctxt->rc_pages, ctxt->rc_nr_pages);
	if (ctxt->rc_pages != ctxt->rc_own_pages)
		kvfree(ctxt->rc_pages);
	ctxt->rc_pages = NULL;
	ctxt->rc_nr_pages = 0;
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

	svc_rdma_sq_return(rdma, ctxt->rc_rw.sqes);
	if (wc->status == IB_WC_SUCCESS) {
		svc_rdma_add(SVC_RDMA_reads, ctxt->rc_rw.nr_segments);
		svc_rdma_add(SVC_RDMA_read_bytes, ctxt->rc_rw.bytes);
		ctxt->rc_read_done = true;
		/* Before the flag: see svc_rdma_recv_next(). */
		llist_add(&ctxt->rc_node, &rdma->sc_read_done);
		atomic_dec(&rdma->sc_reads);
		svc_rdma_enqueue(rdma);
		return;
	}

	svc_rdma_wc_failed(rdma, wc, SVC_RDMA_read_failures);
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
	int ret;

	ret = svc_rdma_read_get_pages(ctxt, pages);
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

	if (!chunk_only)
		return svc_rdma_read_flat(rdma, ctxt, &sink);
	rpcrdma_hdr_next_read_chunk(ctxt->rc_buf, hdr, &chunk);
	return svc_rdma_read_chunk(rdma, ctxt, &chunk, &sink, 0);
}

/**
 * svc_rdma_read_start - post the RDMA Reads of a call
 * @rdma: connection
 * @ctxt: decoded, hdr->read_length more than 0; not the caller's any more
 *
 * May sleep for memory and for Send Queue space. A failure closes the
 * connection: the client sends the call again over the next one.
 */
void svc_rdma_read_start(struct svcxprt_rdma *rdma,
			 struct svc_rdma_recv_ctxt *ctxt)
{
	struct ib_send_wr *first;
	bool posted = false;
	int ret;

	ret = svc_rdma_read_build(rdma, ctxt);
	if (ret)
		goto out_put;

	ctxt->rc_read_cqe.done = svc_rdma_wc_read;
	first = svc_rdma_rw_wrs(rdma, &ctxt->rc_rw, &ctxt->rc_read_cqe, NULL);

	/* Before posting: from then on the receiver must know to look. */
	atomic_inc(&rdma->sc_reads);
	ret = svc_rdma_sq_post(rdma, first, ctxt->rc_rw.sqes, true, &posted);
	if (!ret) {
		svc_rdma_send_watch(rdma);
		return;
	}

	atomic_dec(&rdma->sc_reads);
	if (posted) {
		/* The device may still write to the sink. */
		llist_add(&ctxt->rc_node, &rdma->sc_recv_orphans);
		return;
	}
out_put:
	svc_rdma_recv_ctxt_put(rdma, ctxt);
	svc_rdma_close(rdma);
}

static void svc_rdma_read_build_chunk(struct svc_rqst *rqstp,
				      const struct svc_rdma_recv_ctxt *ctxt)
{
	const struct rpcrdma_hdr *hdr = &ctxt->rc_hdr;
	u8 *message = ctxt->rc_buf + hdr->length;
	struct rpcrdma_hdr_read_chunk chunk = {};
	struct xdr_buf *arg = &rqstp->rq_arg;
	u32 pad;

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
	pad = xdr_pad_size(chunk.length);
	if (pad)
		memset(page_address(rqstp->rq_pages[chunk.length >> PAGE_SHIFT]) +
		       offset_in_page(chunk.length), 0, pad);
	arg->pages = rqstp->rq_pages;
	arg->page_len = chunk.length + pad;
}

static void svc_rdma_read_build_flat(struct svc_rqst *rqstp,
				     const struct svc_rdma_recv_ctxt *ctxt)
{
	u32 length = ctxt->rc_hdr.message_length;
	struct xdr_buf *arg = &rqstp->rq_arg;

	arg->head[0].iov_base = page_address(rqstp->rq_pages[0]);
	arg->head[0].iov_len = min_t(u32, length, PAGE_SIZE);
	arg->tail[0].iov_base = NULL;
	arg->tail[0].iov_len = 0;
	arg->pages = rqstp->rq_pages + 1;
	arg->page_len = length - arg->head[0].iov_len;
}

/**
 * svc_rdma_read_finish - build the call from what was read
 * @rqstp: nfsd thread that takes the call
 * @ctxt: its RDMA Reads have completed
 *
 * Swaps the sink for as many pages of @rqstp; those go back with the context.
 * Returns RPCRDMA_HDR_OK with rq_arg set up, RPCRDMA_HDR_BAD_XID if a long call
 * turns out to carry another XID than its header, or RPCRDMA_HDR_BAD_POSITION if
 * something was reduced in a call that has nothing to reduce (RFC 8166 section
 * 6.1).
 */
enum rpcrdma_hdr_verdict
svc_rdma_read_finish(struct svc_rqst *rqstp, struct svc_rdma_recv_ctxt *ctxt)
{
	const struct rpcrdma_hdr *hdr = &ctxt->rc_hdr;
	struct xdr_buf *arg = &rqstp->rq_arg;
	unsigned int i, reduced;

	svc_rdma_rw_release(ctxt->rc_rdma, &ctxt->rc_rw, NULL);

	if (hdr->proc == RPCRDMA_PROC_NOMSG &&
	    be32_to_cpup(page_address(ctxt->rc_pages[0])) != hdr->xid)
		return RPCRDMA_HDR_BAD_XID;

	if (!svc_rdma_sink_is_chunk(hdr)) {
		struct xdr_buf sink = {
			.pages = ctxt->rc_pages,
			.page_len = hdr->message_length,
		};

		svc_rdma_copy_flat(ctxt, &sink);
	}
	for (i = 0; i < ctxt->rc_nr_pages; i++)
		swap(rqstp->rq_pages[i], ctxt->rc_pages[i]);
	svc_rdma_compat_reply_pages(rqstp, ctxt->rc_nr_pages);

	if (svc_rdma_sink_is_chunk(hdr))
		svc_rdma_read_build_chunk(rqstp, ctxt);
	else
		svc_rdma_read_build_flat(rqstp, ctxt);
	arg->page_base = 0;
	arg->len = arg->head[0].iov_len + arg->page_len + arg->tail[0].iov_len;
	arg->buflen = arg->len;

	/* The Position Zero chunk of a long call is no argument. */
	reduced = hdr->read_chunks;
	if (hdr->proc == RPCRDMA_PROC_NOMSG)
		reduced--;
	if (reduced &&
	    !binding_may_reduce(arg->head[0].iov_base, arg->head[0].iov_len))
		return RPCRDMA_HDR_BAD_POSITION;
	return RPCRDMA_HDR_OK;
}
