// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive contexts: one buffer each, and the call that arrives in it until it is
 * answered. They grow with the credits that a client uses and are freed when it is
 * idle (trim.c).
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "svcrdma.h"

static struct svc_rdma_recv_ctxt *
svc_rdma_recv_ctxt_alloc(struct svcxprt_rdma *rdma)
{
	struct ib_device *device = rdma->sc_pd->device;
	int node = ibdev_to_node(device);
	struct svc_rdma_recv_ctxt *ctxt;

	ctxt = kzalloc_node(sizeof(*ctxt), GFP_KERNEL, node);
	if (!ctxt)
		goto out_count;
	ctxt->rc_buf = kmalloc_node(rdma->sc_inline_size, GFP_KERNEL, node);
	if (!ctxt->rc_buf)
		goto out_ctxt;
	if (svc_rdma_bounce_map(&ctxt->rc_bounce, device, ctxt->rc_buf,
				&ctxt->rc_sge, rdma->sc_inline_size,
				DMA_FROM_DEVICE))
		goto out_buf;
	ctxt->rc_sge.length = rdma->sc_inline_size;
	ctxt->rc_sge.lkey = rdma->sc_pd->local_dma_lkey;
	ctxt->rc_rdma = rdma;
	ctxt->rc_cqe.done = svc_rdma_wc_receive;
	ctxt->rc_wr.wr_cqe = &ctxt->rc_cqe;
	ctxt->rc_wr.sg_list = &ctxt->rc_sge;
	ctxt->rc_wr.num_sge = 1;
	rdma->sc_recv_ctxts++;
	svc_rdma_count(SVC_RDMA_live_recv_ctxts);
	return ctxt;

out_buf:
	kfree(ctxt->rc_buf);
out_ctxt:
	kfree(ctxt);
out_count:
	svc_rdma_count(SVC_RDMA_no_memory);
	return NULL;
}

static void svc_rdma_recv_ctxt_free(struct svcxprt_rdma *rdma,
				    struct svc_rdma_recv_ctxt *ctxt)
{
	svc_rdma_bounce_unmap(&ctxt->rc_bounce, rdma->sc_pd->device,
			      ctxt->rc_sge.addr, ctxt->rc_sge.length,
			      DMA_FROM_DEVICE);
	kfree(ctxt->rc_buf);
	kfree(ctxt);
	rdma->sc_recv_ctxts--;
	svc_rdma_add(SVC_RDMA_live_recv_ctxts, -1);
}

/**
 * svc_rdma_recv_ctxt_get - get a Receive context, to be posted
 * @rdma: connection
 *
 * The receiver. May sleep for memory; returns NULL if there is none.
 */
struct svc_rdma_recv_ctxt *svc_rdma_recv_ctxt_get(struct svcxprt_rdma *rdma)
{
	struct llist_node *node = llist_del_first(&rdma->sc_recv_free);

	if (!node)
		return svc_rdma_recv_ctxt_alloc(rdma);
	return llist_entry(node, struct svc_rdma_recv_ctxt, rc_node);
}

/**
 * svc_rdma_recv_ctxt_put - the call in a Receive context is done with
 * @rdma: connection
 * @ctxt: owned by the caller; no RDMA Read of it outstanding
 *
 * Gives back everything but the Receive buffer, and the place of a reply that was
 * not sent. Any thread.
 */
void svc_rdma_recv_ctxt_put(struct svcxprt_rdma *rdma,
			    struct svc_rdma_recv_ctxt *ctxt)
{
	svc_rdma_read_undo(rdma, ctxt);
	/* Where there is a reply its completion counts for the call. */
	if (ctxt->rc_owed)
		atomic_inc(&rdma->sc_calls_out);
	if (ctxt->rc_send)
		svc_rdma_send_ctxt_release(rdma, ctxt->rc_send);
	ctxt->rc_send = NULL;
	ctxt->rc_owed = false;
	ctxt->rc_nr_payloads = 0;
	/* A full barrier, as svc_rdma_unblock() wants it. */
	llist_add(&ctxt->rc_node, &rdma->sc_recv_free);
	svc_rdma_unblock(rdma);
}

/**
 * svc_rdma_recv_ctxts_take_ready - put calls that came back into the queue
 * @rdma: connection
 *
 * Calls that have been read come first: they hold what the others wait for. Those
 * that were put off come last, or they would be put off again and again in front of
 * them. Oldest first, both. The receiver, or whoever is alone with the connection.
 */
void svc_rdma_recv_ctxts_take_ready(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_recv_ctxt *ctxt, *next;
	struct llist_node *node;

	if (!llist_empty(&rdma->sc_recv_later)) {
		node = llist_reverse_order(llist_del_all(&rdma->sc_recv_later));
		llist_for_each_entry_safe(ctxt, next, node, rc_node)
			list_add_tail(&ctxt->rc_ready, &rdma->sc_recv_ready);
	}
	if (!llist_empty(&rdma->sc_read_done)) {
		node = llist_del_all(&rdma->sc_read_done);
		llist_for_each_entry_safe(ctxt, next, node, rc_node)
			list_add(&ctxt->rc_ready, &rdma->sc_recv_ready);
	}
}

/**
 * svc_rdma_recv_ctxts_trim - free the Receive contexts that are free
 * @rdma: connection
 *
 * The receiver, or whoever is alone with the connection.
 */
void svc_rdma_recv_ctxts_trim(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_recv_ctxt *ctxt, *next;
	struct llist_node *node = llist_del_all(&rdma->sc_recv_free);

	llist_for_each_entry_safe(ctxt, next, node, rc_node)
		svc_rdma_recv_ctxt_free(rdma, ctxt);
}

/**
 * svc_rdma_recv_ctxts_destroy - free every Receive context of a connection
 * @rdma: connection, its queue pair drained and no RPC of it in progress
 */
void svc_rdma_recv_ctxts_destroy(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_recv_ctxt *ctxt, *next;

	svc_rdma_recv_ctxts_take_ready(rdma);
	list_for_each_entry_safe(ctxt, next, &rdma->sc_recv_ready, rc_ready) {
		list_del(&ctxt->rc_ready);
		svc_rdma_recv_ctxt_put(rdma, ctxt);
	}
	svc_rdma_recv_ctxts_trim(rdma);
}
