// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory regions, for devices that move chunks in no other way: whether a connection
 * needs any, and replies that wait because there are none left.
 *
 * A queue pair has so many of them, and a client that has many large calls
 * outstanding makes them run out: they come back with the completions of what others
 * have posted. A reply that finds too few is left on its connection, with all that it
 * takes from the message, and the thread goes on. Nobody waits for a peer. Replies
 * that wait are served in the order in which they came, by the threads that pass by
 * and give regions back; as long as one waits its Send queue is armed, and the quiet
 * timer runs. The same holds where mapping lacks memory.
 *
 * RDMA Reads that find too few are begun again later (svc_rdma_recv_put_off()).
 */
#include <linux/mm.h>

#include "svcrdma.h"
#include "lend.h"
#include "trace.h"

/*
 * Whether chunks can only be moved through memory regions: on iWARP, and with
 * ib_core's force_mr. Devices for which regions are a mere optimisation
 * (max_sgl_rd) do without them: rdma_rw falls back when there are none. With those
 * only a queue pair tells whether they are forced, see svc_rdma_regions_probe().
 */
static bool svc_rdma_regions_needed(const struct svcxprt_rdma *rdma)
{
	struct ib_device *device = rdma->sc_cm_id->device;

	if (rdma->sc_write_regions ||
	    rdma_protocol_iwarp(device, rdma->sc_port_num))
		return true;
	return !device->attrs.max_sgl_rd &&
	       rdma_rw_max_send_wr(device, rdma->sc_port_num, 1, 0) > 1;
}

/**
 * svc_rdma_regions_wanted - how many memory regions a connection should have
 * @rdma: connection
 * @credits: that it will have
 * @pages: of the largest message
 * @segments: of one chunk, at most
 *
 * As many as the largest payload of each call takes, and as many as a payload in the
 * smallest segments takes: each piece has one of its own. Returns 0 where none is
 * needed.
 */
u32 svc_rdma_regions_wanted(const struct svcxprt_rdma *rdma, u32 credits,
			    u32 pages, u32 segments)
{
	u32 each = rdma_rw_mr_factor(rdma->sc_cm_id->device, rdma->sc_port_num,
				     pages);

	if (!svc_rdma_regions_needed(rdma))
		return 0;
	return max(credits * each, segments + each);
}

/**
 * svc_rdma_regions_probe - find out whether RDMA Writes take memory regions
 * @rdma: connection, its queue pair just made; @sc_regions says how many it has
 *
 * ib_core's force_mr can be asked for in no other way: a device that may use regions
 * is given a page to write, which is mapped and never posted. Returns 0, or -EAGAIN if
 * the queue pair has to be made anew, with regions.
 */
int svc_rdma_regions_probe(struct svcxprt_rdma *rdma)
{
	struct ib_device *device = rdma->sc_cm_id->device;
	struct rdma_rw_ctx ctx;
	struct scatterlist sg;
	int ret;

	if (rdma_rw_max_send_wr(device, rdma->sc_port_num, 1, 0) == 1)
		return 0;
	sg_init_table(&sg, 1);
	sg_set_page(&sg, ZERO_PAGE(0), PAGE_SIZE, 0);
	ret = rdma_rw_ctx_init(&ctx, rdma->sc_qp, rdma->sc_port_num, &sg, 1, 0, 0,
			       0, DMA_TO_DEVICE);
	/* Registering takes a Work Request more. */
	rdma->sc_write_regions = ret > 1 || ret == -EAGAIN;
	if (ret > 0)
		rdma_rw_ctx_destroy(&ctx, rdma->sc_qp, rdma->sc_port_num, &sg,
				    1, DMA_TO_DEVICE);
	return min(ret, 0);
}

/* Maps what waits as far as there are regions. May sleep for memory. */
static void svc_rdma_regions_map(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_send_ctxt *ctxt;
	int ret;

	mutex_lock(&rdma->sc_region_mutex);
	while (!svc_rdma_all_mapped(rdma) && !svc_rdma_closing(rdma)) {
		ctxt = list_first_entry(&rdma->sc_unmapped,
					struct svc_rdma_send_ctxt,
					sc_chain.parked);
		ret = svc_rdma_rw_map(rdma, &ctxt->sc_rw);
		if (ret == -EAGAIN || ret == -ENOMEM)
			break;
		list_del(&ctxt->sc_chain.parked);
		trace_svc_rdma_mapped(rdma, &ctxt->sc_chain);
		ctxt->sc_chain.mapped(rdma, &ctxt->sc_chain, ret);
	}
	mutex_unlock(&rdma->sc_region_mutex);
}

/**
 * svc_rdma_regions_wait - leave a reply until its RDMA Writes can be mapped
 * @rdma: connection
 * @ctxt: complete but for that; not the caller's any more. Its chain's mapped() is
 *	  called as soon as that has worked or failed, by any thread, under
 *	  sc_region_mutex; it takes @ctxt over
 *
 * Process context. Waits for nobody, but may sleep for memory.
 */
void svc_rdma_regions_wait(struct svcxprt_rdma *rdma,
			   struct svc_rdma_send_ctxt *ctxt)
{
	svc_rdma_count(SVC_RDMA_unmapped);
	ctxt->sc_chain.entries = 0;	/* not known yet */
	mutex_lock(&rdma->sc_region_mutex);
	list_add_tail(&ctxt->sc_chain.parked, &rdma->sc_unmapped);
	trace_svc_rdma_unmapped(rdma, &ctxt->sc_chain);
	mutex_unlock(&rdma->sc_region_mutex);
	/*
	 * Who gives regions back may have looked at the list before, and then the
	 * regions are there now; or what holds them is in flight. The quiet timer
	 * comes in any case: this thread starts it on its way out.
	 */
	svc_rdma_regions_serve_now(rdma);
}

/**
 * svc_rdma_regions_serve_now - map the replies that wait for memory regions
 * @rdma: connection
 *
 * Threads that have given regions back, or pass by. On return nothing waits, or an
 * event will come, or the connection is closing. Process context; may sleep for
 * memory.
 */
void svc_rdma_regions_serve_now(struct svcxprt_rdma *rdma)
{
	svc_rdma_regions_map(rdma);
	if (svc_rdma_all_mapped(rdma))
		return;
	/* Gives back what has completed, and arms the queue for what has not. */
	svc_rdma_send_watch(rdma);
	svc_rdma_regions_map(rdma);
}

/**
 * svc_rdma_regions_abandon - what waits will not be posted any more
 * @rdma: connection, closed; no thread is inside it
 */
void svc_rdma_regions_abandon(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_chain *chain, *next;

	list_for_each_entry_safe(chain, next, &rdma->sc_unmapped, parked) {
		list_del(&chain->parked);
		llist_add(&chain->orphan, &rdma->sc_orphans);
	}
}
