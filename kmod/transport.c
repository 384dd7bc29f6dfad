// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sunrpc sees of us: the transport class, and the beginning and the end of
 * listeners (listener.c) and connections (connection.c).
 *
 * Closing is always deferred to an nfsd thread (XPT_CLOSE); freeing, which waits
 * for the queue pair, to a workqueue.
 *
 * References to this module: sunrpc takes one for each listener and for each
 * connection that xpo_accept returns, and drops one when a transport is freed.
 * A connection that was not handed over yet holds its own.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "svcrdma.h"
#include "trace.h"

/**
 * svc_rdma_alloc - a transport with nothing in it
 * @serv: RPC service
 * @net: network namespace
 * @node: NUMA node, or NUMA_NO_NODE
 *
 * May sleep. Returns NULL if there is no memory.
 */
struct svcxprt_rdma *svc_rdma_alloc(struct svc_serv *serv, struct net *net,
				    int node)
{
	struct svcxprt_rdma *rdma;

	rdma = kzalloc_node(sizeof(*rdma), GFP_KERNEL, node);
	if (!rdma)
		return NULL;
	svc_xprt_init(net, &svc_rdma_class, &rdma->sc_xprt, serv);
	rdma->sc_threadfn = serv->sv_threadfn;
	/* NFSv4 asks for it (RFC 8881 section 2.9.1), and every RDMA network has it. */
	set_bit(XPT_CONG_CTRL, &rdma->sc_xprt.xpt_flags);

	INIT_LIST_HEAD(&rdma->sc_accept_entry);
	INIT_LIST_HEAD(&rdma->sc_unproven_entry);
	INIT_LIST_HEAD(&rdma->sc_recv_ready);
	init_llist_head(&rdma->sc_recv_free);
	init_llist_head(&rdma->sc_read_done);
	init_llist_head(&rdma->sc_recv_later);
	spin_lock_init(&rdma->sc_send_lock);
	init_llist_head(&rdma->sc_send_free);
	init_llist_head(&rdma->sc_send_release_list);
	timer_setup(&rdma->sc_quiet_timer, svc_rdma_quiet_timer, 0);
	timer_setup(&rdma->sc_trim_timer, svc_rdma_trim_timer, 0);
	spin_lock_init(&rdma->sc_sq_lock);
	INIT_LIST_HEAD(&rdma->sc_sq_parked);
	init_llist_head(&rdma->sc_orphans);
	INIT_LIST_HEAD(&rdma->sc_unmapped);
	mutex_init(&rdma->sc_region_mutex);
	return rdma;
}

/* xpo_detach: no nfsd thread will serve this transport any more. May sleep. */
static void svc_rdma_detach(struct svc_xprt *xprt)
{
	struct svcxprt_rdma *rdma = svc_rdma_of(xprt);

	/* At once: whoever stops the service may want the port again. */
	if (test_bit(XPT_LISTENER, &xprt->xpt_flags))
		svc_rdma_stop_listening(rdma);

	svc_rdma_bc_detach(rdma);
	if (rdma->sc_qp) {
		trace_svc_rdma_detach(rdma);
		svc_rdma_disconnect(rdma);
	}
}

static void svc_rdma_free_listener(struct svcxprt_rdma *listener)
{
	svc_rdma_stop_listening(listener);
	svc_rdma_add(SVC_RDMA_live_listeners, -1);
}

/* A drained queue pair owes nothing but what was never posted, or not all of it. */
static void svc_rdma_check_drained(const struct svcxprt_rdma *rdma)
{
	if (!IS_ENABLED(CONFIG_SVCRDMA_CHECKS))
		return;
	WARN_ON_ONCE(!svc_rdma_sq_idle(rdma) && llist_empty(&rdma->sc_orphans));
	WARN_ON_ONCE(rdma->sc_recvs_posted);
}

/* Everything that was taken has been given back. */
static void svc_rdma_check_released(const struct svcxprt_rdma *rdma)
{
	if (!IS_ENABLED(CONFIG_SVCRDMA_CHECKS))
		return;
	WARN_ON_ONCE(atomic_read(&rdma->sc_reads));
	WARN_ON_ONCE(atomic_long_read(&rdma->sc_reading));
	WARN_ON_ONCE(atomic_long_read(&rdma->sc_budget));
	WARN_ON_ONCE(rdma->sc_recv_ctxts);
	WARN_ON_ONCE(atomic_read(&rdma->sc_send_ctxts));
}

static void svc_rdma_free_connection(struct svcxprt_rdma *rdma)
{
	timer_shutdown_sync(&rdma->sc_handshake_timer);
	timer_shutdown_sync(&rdma->sc_quiet_timer);
	timer_shutdown_sync(&rdma->sc_trim_timer);
	svc_rdma_bc_forget(rdma);
	svc_rdma_accept_forget(rdma);

	if (rdma->sc_qp) {
		svc_rdma_drain(rdma);
		trace_svc_rdma_drained(rdma);
		svc_rdma_check_drained(rdma);
		svc_rdma_release_flush(rdma);
		svc_rdma_recv_ctxts_destroy(rdma);
		svc_rdma_send_ctxts_destroy(rdma);
		svc_rdma_check_released(rdma);
		rdma_destroy_qp(rdma->sc_cm_id);
	}
	svc_rdma_cqs_destroy(rdma);
	if (rdma->sc_pd)
		ib_dealloc_pd(rdma->sc_pd);
	if (rdma->sc_cm_id)
		rdma_destroy_id(rdma->sc_cm_id);
	svc_rdma_device_detach(rdma);
	svc_rdma_peer_put(rdma->sc_peer);
	trace_svc_rdma_freed(rdma);
	if (rdma->sc_accepted)
		svc_rdma_add(SVC_RDMA_live_connections, -1);
}

static void svc_rdma_free_work(struct work_struct *work)
{
	struct svcxprt_rdma *rdma =
		container_of(work, struct svcxprt_rdma, sc_free_work);

	if (test_bit(XPT_LISTENER, &rdma->sc_xprt.xpt_flags))
		svc_rdma_free_listener(rdma);
	else
		svc_rdma_free_connection(rdma);
	kfree(rdma);
}

/* xpo_free: the last reference is gone. May be called where sleeping is not. */
static void svc_rdma_free(struct svc_xprt *xprt)
{
	struct svcxprt_rdma *rdma = svc_rdma_of(xprt);

	/*
	 * Late events and completions find a closed transport and leave
	 * sunrpc's part of it alone: that is half gone already.
	 */
	set_bit(XPT_CLOSE, &xprt->xpt_flags);
	INIT_WORK(&rdma->sc_free_work, svc_rdma_free_work);
	queue_work(svc_rdma_wq, &rdma->sc_free_work);
}

/* xpo_kill_temp_xprt: the disconnect in xpo_detach is all that is needed. */
static void svc_rdma_kill_temp_xprt(struct svc_xprt *xprt)
{
}

static const struct svc_xprt_ops svc_rdma_ops = {
	.xpo_create		= svc_rdma_create,
	.xpo_accept		= svc_rdma_accept,
	.xpo_kill_temp_xprt	= svc_rdma_kill_temp_xprt,
	.xpo_detach		= svc_rdma_detach,
	.xpo_free		= svc_rdma_free,

	.xpo_has_wspace		= svc_rdma_has_wspace,
	.xpo_recvfrom		= svc_rdma_recvfrom,
	.xpo_result_payload	= svc_rdma_result_payload,
	.xpo_sendto		= svc_rdma_sendto,
	.xpo_release_ctxt	= svc_rdma_release_ctxt,
};

struct svc_xprt_class svc_rdma_class = {
	.xcl_owner		= THIS_MODULE,
	.xcl_ops		= &svc_rdma_ops,
	.xcl_max_payload	= RPCSVC_MAXPAYLOAD,
	.xcl_ident		= SVC_RDMA_IDENT,
};
