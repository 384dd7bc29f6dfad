// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunk data movement: turns byte ranges of xdr_bufs into scatterlists, and
 * those into chains of RDMA Reads or Writes with the kernel's rdma_rw API.
 *
 * Used in five steps by whoever owns the context around it:
 * svc_rdma_rw_start(); svc_rdma_rw_add() for each range of remote memory;
 * svc_rdma_rw_map(), which may have to be tried again; svc_rdma_rw_wrs(); and, when
 * the chain has completed or was never posted, svc_rdma_rw_release().
 */
#include <linux/mm.h>

#include "svcrdma.h"
#include "compat/compat.h"
#include "fault.h"
#include "lend.h"
#include "strain.h"

/**
 * svc_rdma_rw_start - find storage for a set of Reads or Writes
 * @rw: empty
 * @segments: ranges of remote memory, at most
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
	/* Each range ends its own list; entries in between run on. */
	sg_init_table(rw->sgs, rw->max_sgs);
	sg_unmark_end(&rw->sgs[rw->max_sgs - 1]);
	return 0;
}

/* Inline, like its callers: once for each page of a reply. */
static __always_inline bool
svc_rdma_rw_append_piece(struct svc_rdma_rw *rw, struct page *page, u32 offset,
			 u32 length)
{
	if (rw->nr_sgs == rw->max_sgs)
		return false;
	sg_set_page(&rw->sgs[rw->nr_sgs++], page, length, offset);
	if (rw->direction == DMA_TO_DEVICE)
		get_page(page);
	return true;
}

/* @offset and @length lie within @kvec. */
static noinline bool svc_rdma_rw_append_kvec(struct svc_rdma_rw *rw,
					     const struct kvec *kvec,
					     u32 offset, u32 length)
{
	const u8 *base = kvec->iov_base + offset;

	while (length) {
		u32 piece = min_t(u32, length,
				  PAGE_SIZE - offset_in_page(base));

		if (!svc_rdma_rw_append_piece(rw, virt_to_page(base),
					      offset_in_page(base), piece))
			return false;
		base += piece;
		length -= piece;
	}
	return true;
}

/* False if there is no room; what was appended before that stays. */
static __always_inline bool
svc_rdma_rw_append(struct svc_rdma_rw *rw, const struct xdr_buf *xdr,
		   u32 offset, u32 length)
{
	u32 piece, at;

	if (unlikely(offset < xdr->head[0].iov_len) && length) {
		piece = min_t(u32, length, xdr->head[0].iov_len - offset);
		if (!svc_rdma_rw_append_kvec(rw, &xdr->head[0], offset, piece))
			return false;
		offset += piece;
		length -= piece;
	}
	offset -= xdr->head[0].iov_len;
	while (length && offset < xdr->page_len) {
		at = xdr->page_base + offset;
		piece = min3(length, xdr->page_len - offset,
			     (u32)(PAGE_SIZE - offset_in_page(at)));
		if (!svc_rdma_rw_append_piece(rw, xdr->pages[at >> PAGE_SHIFT],
					      offset_in_page(at), piece))
			return false;
		offset += piece;
		length -= piece;
	}
	return likely(!length) ||
	       svc_rdma_rw_append_kvec(rw, &xdr->tail[0],
				       offset - xdr->page_len, length);
}

static int svc_rdma_rw_add_piece(struct svc_rdma_rw *rw,
				 const struct xdr_buf *xdr, u32 offset,
				 u32 length, u32 handle, u64 remote)
{
	unsigned int first = rw->nr_sgs;
	struct svc_rdma_rw_segment *segment;
	bool complete;

	if (rw->nr_segments == rw->max_segments)
		return -EINVAL;
	complete = svc_rdma_rw_append(rw, xdr, offset, length);
	if (rw->direction == DMA_TO_DEVICE)
		svc_rdma_add(SVC_RDMA_live_reply_pages, rw->nr_sgs - first);
	if (!complete)
		return -EINVAL;

	segment = &rw->segments[rw->nr_segments++];
	segment->sg = &rw->sgs[first];
	segment->nents = rw->nr_sgs - first;
	segment->handle = handle;
	segment->remote = remote;
	sg_mark_end(&rw->sgs[rw->nr_sgs - 1]);
	rw->bytes += length;
	return 0;
}

/* How much of @length ends with the head, the pages or the tail; 0 behind it. */
static u32 svc_rdma_rw_contiguous(const struct xdr_buf *xdr, u32 offset,
				  u32 length)
{
	u32 end = xdr->head[0].iov_len;

	if (offset >= end)
		end += xdr->page_len;
	if (offset >= end)
		end += xdr->tail[0].iov_len;
	return offset < end ? min(length, end - offset) : 0;
}

/**
 * svc_rdma_rw_add - move a range of a message to or from remote memory
 * @rdma: connection
 * @rw: started
 * @xdr: the message
 * @offset: first byte of the range in @xdr
 * @length: bytes; the range lies within @xdr. Nothing is added for 0
 * @handle: steering tag
 * @remote: offset in the remote memory
 *
 * For Writes each piece's page is referenced until svc_rdma_rw_release().
 * Returns 0, or -EINVAL if this is more than svc_rdma_rw_start() was told.
 */
int svc_rdma_rw_add(struct svcxprt_rdma *rdma, struct svc_rdma_rw *rw,
		    const struct xdr_buf *xdr, u32 offset, u32 length,
		    u32 handle, u64 remote)
{
	u32 piece = length;
	int ret;

	for (; length; length -= piece) {
		/* A memory region has no gaps between its pages. */
		if (unlikely(rdma->sc_write_regions))
			piece = svc_rdma_rw_contiguous(xdr, offset, length);
		if (!piece)
			return -EINVAL;
		ret = svc_rdma_rw_add_piece(rw, xdr, offset, piece, handle,
					    remote);
		if (ret)
			return ret;
		offset += piece;
		remote += piece;
	}
	return 0;
}

static void svc_rdma_rw_unmap(struct svcxprt_rdma *rdma, struct svc_rdma_rw *rw)
{
	unsigned int i;

	for (i = 0; i < rw->nr_mapped; i++) {
		struct svc_rdma_rw_segment *segment = &rw->segments[i];

		rdma_rw_ctx_destroy(&segment->ctx, rdma->sc_qp,
				    rdma->sc_port_num, segment->sg,
				    segment->nents, rw->direction);
		svc_rdma_lent_region_put(&rdma->sc_sq_lent);
		svc_rdma_strain_unmap();
	}
	rw->nr_mapped = 0;
	rw->entries = 0;
}

static int svc_rdma_rw_map_segment(struct svcxprt_rdma *rdma,
				   struct svc_rdma_rw_segment *segment,
				   enum dma_data_direction direction)
{
	int ret;

	if (svc_rdma_fault(SVC_RDMA_FAULT_map))
		return -EIO;
	if (!svc_rdma_lent_region_get(&rdma->sc_sq_lent))
		return -EAGAIN;
	ret = rdma_rw_ctx_init(&segment->ctx, rdma->sc_qp, rdma->sc_port_num,
			       segment->sg, segment->nents, 0, segment->remote,
			       segment->handle, direction);
	if (ret < 0)
		svc_rdma_lent_region_put(&rdma->sc_sq_lent);
	return ret;
}

/* Memory regions that it all takes, where it takes any. */
static unsigned int svc_rdma_rw_regions(const struct svcxprt_rdma *rdma,
					const struct svc_rdma_rw *rw)
{
	unsigned int i, regions = 0;

	for (i = 0; i < rw->nr_segments; i++)
		regions += rdma_rw_mr_factor(rdma->sc_qp->device,
					     rdma->sc_port_num,
					     rw->segments[i].nents);
	return regions;
}

/**
 * svc_rdma_rw_map - map it all, for the device
 * @rdma: connection
 * @rw: every range added
 *
 * May sleep for memory. Returns 0; -EAGAIN or -ENOMEM if there are too few memory
 * regions now, or too little memory: nothing is mapped, so that two that wait do not
 * each hold what the other one lacks; -E2BIG if the queue pair could never hold as
 * many Work Requests or has not as many regions; or another negative errno.
 */
int svc_rdma_rw_map(struct svcxprt_rdma *rdma, struct svc_rdma_rw *rw)
{
	int ret;

	while (rw->nr_mapped < rw->nr_segments) {
		ret = svc_rdma_rw_map_segment(rdma,
					      &rw->segments[rw->nr_mapped],
					      rw->direction);
		if (unlikely(ret < 0))
			goto out_unmap;
		rw->nr_mapped++;
		rw->entries += ret;
	}
	if (likely(rw->entries <= rdma->sc_sq_shared))
		return 0;
	ret = -E2BIG;

out_unmap:
	svc_rdma_rw_unmap(rdma, rw);
	if (ret == -EAGAIN && svc_rdma_rw_regions(rdma, rw) > rdma->sc_regions)
		ret = -E2BIG;
	else if (ret != -EAGAIN && ret != -ENOMEM && ret != -E2BIG)
		svc_rdma_count(SVC_RDMA_map_failures);
	return ret;
}

/**
 * svc_rdma_rw_wrs - the chain of Work Requests that moves it all
 * @rdma: connection
 * @rw: mapped
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
	svc_rdma_add(SVC_RDMA_live_reply_pages, -(long)rw->nr_sgs);
}

/**
 * svc_rdma_rw_release_all - unmap, drop the pages of Writes, free the storage
 * @rdma: connection
 * @rw: nothing of it is with the device
 * @batch: collects the pages, to be released by the caller with those of other
 *	   sets; or NULL to release them now
 *
 * @rw is empty afterwards. Any thread; unmapping may be slow.
 */
void svc_rdma_rw_release_all(struct svcxprt_rdma *rdma, struct svc_rdma_rw *rw,
			     struct folio_batch *batch)
{
	svc_rdma_rw_unmap(rdma, rw);
	if (rw->direction == DMA_TO_DEVICE)
		svc_rdma_rw_put_pages(rw, batch);

	if (rw->segments != rw->own_segments)
		kvfree(rw->segments);
	if (rw->sgs != rw->own_sgs)
		kvfree(rw->sgs);
	rw->max_sgs = 0;
	rw->nr_segments = 0;
	rw->nr_sgs = 0;
	rw->bytes = 0;
}
