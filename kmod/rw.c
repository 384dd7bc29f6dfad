// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunk data movement: turns byte ranges of xdr_bufs into scatterlists, and
 * those into chains of RDMA Reads or Writes with the kernel's rdma_rw API.
 *
 * Used in four steps by whoever owns the context around it:
 * svc_rdma_rw_start(); for each remote segment some svc_rdma_rw_append() and one
 * svc_rdma_rw_segment_end(); svc_rdma_rw_wrs(); and, when the chain has
 * completed or was never posted, svc_rdma_rw_release().
 */
#include <linux/mm.h>

#include "svcrdma.h"
#include "compat/compat.h"
#include "fault.h"
#include "strain.h"

/**
 * svc_rdma_rw_start - find storage for a set of Reads or Writes
 * @rw: empty
 * @segments: remote segments, at most
 * @sgs: pieces of local memory, at most
 * @direction: DMA_FROM_DEVICE for RDMA Reads, DMA_TO_DEVICE for RDMA Writes
 *
 * Returns 0 or -ENOMEM. May sleep. Whatever the result, svc_rdma_rw_release()
 * leaves @rw empty again.
 */
int svc_rdma_rw_start(struct svc_rdma_rw *rw, unsigned int segments,
		      unsigned int sgs, enum dma_data_direction direction)
{
	rw->segments = rw->own_segments;
	rw->max_segments = ARRAY_SIZE(rw->own_segments);
	rw->sgs = rw->own_sgs;
	rw->max_sgs = ARRAY_SIZE(rw->own_sgs);
	rw->direction = direction;

	if (segments > rw->max_segments) {
		rw->segments = kvmalloc_array(segments, sizeof(*rw->segments),
					      GFP_KERNEL);
		rw->max_segments = segments;
	}
	if (sgs > rw->max_sgs) {
		rw->sgs = kvmalloc_array(sgs, sizeof(*rw->sgs), GFP_KERNEL);
		rw->max_sgs = sgs;
	}
	if (!rw->segments || !rw->sgs) {
		svc_rdma_count(SVC_RDMA_no_memory);
		return -ENOMEM;
	}
	/* Each segment ends its own list; entries in between run on. */
	sg_init_table(rw->sgs, rw->max_sgs);
	sg_unmark_end(&rw->sgs[rw->max_sgs - 1]);
	return 0;
}

/* Inline: once for each page of a reply. */
static __always_inline void
svc_rdma_rw_append_piece(struct svc_rdma_rw *rw, struct page *page, u32 offset,
			 u32 length)
{
	if (rw->nr_sgs == rw->max_sgs) {
		rw->overrun = true;
		return;
	}
	sg_set_page(&rw->sgs[rw->nr_sgs++], page, length, offset);
	rw->bytes += length;
	if (rw->direction == DMA_TO_DEVICE)
		get_page(page);
}

/* @offset and @length lie within @kvec. */
static void svc_rdma_rw_append_kvec(struct svc_rdma_rw *rw,
				    const struct kvec *kvec, u32 offset,
				    u32 length)
{
	const u8 *base = kvec->iov_base + offset;

	while (length) {
		u32 piece = min_t(u32, length,
				  PAGE_SIZE - offset_in_page(base));

		svc_rdma_rw_append_piece(rw, virt_to_page(base),
					 offset_in_page(base), piece);
		base += piece;
		length -= piece;
	}
}

/**
 * svc_rdma_rw_append - add local memory to the remote segment being built
 * @rw: started
 * @xdr: the message
 * @offset: first byte of the range in @xdr
 * @length: bytes; the range lies within @xdr, and its pieces within what
 *	    svc_rdma_rw_start() was told
 *
 * For Writes each piece's page is referenced until svc_rdma_rw_release().
 */
void svc_rdma_rw_append(struct svc_rdma_rw *rw, const struct xdr_buf *xdr,
			u32 offset, u32 length)
{
	u32 piece;

	if (offset < xdr->head[0].iov_len && length) {
		piece = min_t(u32, length, xdr->head[0].iov_len - offset);
		svc_rdma_rw_append_kvec(rw, &xdr->head[0], offset, piece);
		offset += piece;
		length -= piece;
	}
	if (!length)
		return;

	offset -= xdr->head[0].iov_len;
	while (offset < xdr->page_len && length) {
		u32 at = xdr->page_base + offset;

		piece = min3(length, xdr->page_len - offset,
			     (u32)(PAGE_SIZE - offset_in_page(at)));
		svc_rdma_rw_append_piece(rw, xdr->pages[at >> PAGE_SHIFT],
					 offset_in_page(at), piece);
		offset += piece;
		length -= piece;
	}
	if (length)
		svc_rdma_rw_append_kvec(rw, &xdr->tail[0],
					offset - xdr->page_len, length);
}

/**
 * svc_rdma_rw_segment_end - map what was appended and aim it at remote memory
 * @rdma: connection
 * @rw: started
 * @handle: steering tag
 * @remote: offset in the remote memory
 *
 * A segment to which nothing was appended is left out. Returns 0, -EINVAL if
 * more was appended than svc_rdma_rw_start() was told, or a negative errno from
 * mapping. May sleep.
 */
int svc_rdma_rw_segment_end(struct svcxprt_rdma *rdma, struct svc_rdma_rw *rw,
			    u32 handle, u64 remote)
{
	struct svc_rdma_rw_segment *segment;
	int ret;

	if (rw->overrun)
		return -EINVAL;
	if (rw->open_sg == rw->nr_sgs)
		return 0;
	if (rw->nr_segments == rw->max_segments)
		return -EINVAL;

	segment = &rw->segments[rw->nr_segments];
	segment->sg = &rw->sgs[rw->open_sg];
	segment->nents = rw->nr_sgs - rw->open_sg;
	sg_mark_end(&rw->sgs[rw->nr_sgs - 1]);
	rw->open_sg = rw->nr_sgs;
	if (rw->direction == DMA_TO_DEVICE)
		svc_rdma_add(SVC_RDMA_live_reply_pages, segment->nents);

	ret = svc_rdma_fault(SVC_RDMA_FAULT_map) ? -EIO :
	      rdma_rw_ctx_init(&segment->ctx, rdma->sc_qp, rdma->sc_port_num,
			       segment->sg, segment->nents, 0, remote, handle,
			       rw->direction);
	if (ret < 0) {
		svc_rdma_count(SVC_RDMA_map_failures);
		return ret;
	}
	rw->nr_segments++;
	rw->sqes += ret;
	return 0;
}

/**
 * svc_rdma_rw_wrs - the chain of Work Requests that moves it all
 * @rdma: connection
 * @rw: every segment ended
 * @cqe: signalled by the last of them, if @last is NULL
 * @last: posted behind them and signalled instead, or NULL
 *
 * Returns the first Work Request: @last itself where there is nothing to move.
 */
struct ib_send_wr *svc_rdma_rw_wrs(struct svcxprt_rdma *rdma,
				   struct svc_rdma_rw *rw, struct ib_cqe *cqe,
				   struct ib_send_wr *last)
{
	unsigned int i = rw->nr_segments;

	while (i--) {
		last = rdma_rw_ctx_wrs(&rw->segments[i].ctx, rdma->sc_qp,
				       rdma->sc_port_num, cqe, last);
		cqe = NULL;
	}
	return last;
}

static void svc_rdma_rw_put_pages(struct svc_rdma_rw *rw,
				  struct folio_batch *batch)
{
	unsigned int i;

	for (i = 0; i < rw->nr_sgs; i++) {
		struct page *page = sg_page(&rw->sgs[i]);

		if (!batch)
			put_page(page);
		else if (!folio_batch_add(batch, page_folio(page)))
			folios_put(batch);
	}
	svc_rdma_add(SVC_RDMA_live_reply_pages, -(long)rw->open_sg);
}

/**
 * svc_rdma_rw_release - unmap, drop the pages of Writes, free the storage
 * @rdma: connection
 * @rw: nothing of it is with the device
 * @batch: collects the pages, to be released by the caller with those of other
 *	   sets; or NULL to release them now
 *
 * @rw is empty afterwards. Any thread; unmapping may be slow.
 */
void svc_rdma_rw_release(struct svcxprt_rdma *rdma, struct svc_rdma_rw *rw,
			 struct folio_batch *batch)
{
	unsigned int i;

	for (i = 0; i < rw->nr_segments; i++) {
		struct svc_rdma_rw_segment *segment = &rw->segments[i];

		rdma_rw_ctx_destroy(&segment->ctx, rdma->sc_qp,
				    rdma->sc_port_num, segment->sg,
				    segment->nents, rw->direction);
		svc_rdma_strain_unmap();
	}
	if (rw->direction == DMA_TO_DEVICE)
		svc_rdma_rw_put_pages(rw, batch);

	if (rw->segments != rw->own_segments)
		kvfree(rw->segments);
	if (rw->sgs != rw->own_sgs)
		kvfree(rw->sgs);
	rw->segments = NULL;
	rw->sgs = NULL;
	rw->nr_segments = 0;
	rw->nr_sgs = 0;
	rw->open_sg = 0;
	rw->overrun = false;
	rw->sqes = 0;
	rw->bytes = 0;
}
