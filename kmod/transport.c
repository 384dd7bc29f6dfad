// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners and connections: created, accepted, closed, freed.
 *
 * A connection request waits in its listener's queue for an nfsd thread, which
 * builds the connection and accepts it. Closing is always deferred to an nfsd
 * thread (XPT_CLOSE); freeing, which waits for the queue pair, to a workqueue.
 *
 * References to this module: sunrpc takes one for each listener and for each
 * connection that xpo_accept returns, and drops one when a transport is freed.
 * A connection that was requested but not accepted yet holds its own.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include <linux/sunrpc/addr.h>

#include "svcrdma.h"
#include "cm_private.h"
#include "strain.h"
#include "compat/compat.h"
#include "trace.h"

enum {
	/* Work Requests per credit: the Send, and two Reads or Writes. */
	SVC_RDMA_SQES_PER_CREDIT	= 3,

	/* Client's RNR retries without limit: it overran its credits, its loss. */
	SVC_RDMA_RNR_RETRY		= 7,

	/* Segments of one chunk, and Read segments of one call. */
	SVC_RDMA_MAX_SEGMENTS		= 128,
	SVC_RDMA_MAX_READ_CHUNKS	= 16,
};

/**
 * svc_rdma_close - close a connection, soon
 * @rdma: connection or listener
 *
 * Any context. An nfsd thread does it; threads that wait for Send Queue space
 * give up.
 */
void svc_rdma_close(struct svcxprt_rdma *rdma)
{
	/* Once is enough, and the last reference may be gone after that. */
	if (!svc_rdma_closing(rdma))
		svc_xprt_deferred_close(&rdma->sc_xprt);
	wake_up_all(&rdma->sc_sq_wait);
}

/**
 * svc_rdma_enqueue - make an nfsd thread call xpo_recvfrom
 * @rdma: connection
 *
 * Any context. Refused, without loss, while a receiver is there (it looks at
 * XPT_DATA again when it lets go) and while a thread waits for Send Queue space
 * (it enqueues when it goes on).
 */
void svc_rdma_enqueue(struct svcxprt_rdma *rdma)
{
	set_bit(XPT_DATA, &rdma->sc_xprt.xpt_flags);
	smp_mb__after_atomic();	/* pairs with svc_rdma_sq_wait() */
	svc_xprt_enqueue(&rdma->sc_xprt);
}

static struct svcxprt_rdma *svc_rdma_alloc(struct svc_serv *serv,
					   struct net *net, int node)
{
	struct svcxprt_rdma *rdma;

	rdma = kzalloc_node(sizeof(*rdma), GFP_KERNEL, node);
	if (!rdma)
		return NULL;
	svc_xprt_init(net, &svc_rdma_class, &rdma->sc_xprt, serv);
	rdma->sc_threadfn = serv->sv_threadfn;
	/* NFSv4 asks for it (RFC 8881 section 2.9.1), and every RDMA network has it. */
	set_bit(XPT_CONG_CTRL, &rdma->sc_xprt.xpt_flags);

	spin_lock_init(&rdma->sc_accept_lock);
	INIT_LIST_HEAD(&rdma->sc_accept_q);
	INIT_LIST_HEAD(&rdma->sc_accept_entry);
	INIT_LIST_HEAD(&rdma->sc_recv_ready);
	init_llist_head(&rdma->sc_recv_free);
	init_llist_head(&rdma->sc_read_done);
	init_llist_head(&rdma->sc_recv_orphans);
	spin_lock_init(&rdma->sc_send_lock);
	init_llist_head(&rdma->sc_send_free);
	init_llist_head(&rdma->sc_send_release_list);
	init_llist_head(&rdma->sc_send_orphans);
	timer_setup(&rdma->sc_quiet_timer, svc_rdma_quiet_timer, 0);
	spin_lock_init(&rdma->sc_sq_lock);
	INIT_LIST_HEAD(&rdma->sc_sq_line);
	init_waitqueue_head(&rdma->sc_sq_wait);
	return rdma;
}

/* Connection manager events of one connection. Process context. */
static int svc_rdma_conn_event(struct rdma_cm_id *id,
			       struct rdma_cm_event *event)
{
	struct svcxprt_rdma *rdma = id->context;

	trace_svc_rdma_cm_event(rdma, event->event, event->status);
	switch (event->event) {
	case RDMA_CM_EVENT_ESTABLISHED:
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
	case RDMA_CM_EVENT_ADDR_CHANGE:
	case RDMA_CM_EVENT_CONNECT_ERROR:
	case RDMA_CM_EVENT_UNREACHABLE:
	case RDMA_CM_EVENT_REJECTED:
		svc_rdma_close(rdma);
		break;
	default:
		break;
	}
	return 0;
}

static void svc_rdma_set_addresses(struct svcxprt_rdma *rdma)
{
	struct rdma_addr *addr = &rdma->sc_cm_id->route.addr;
	struct sockaddr *remote = (struct sockaddr *)&addr->dst_addr;
	struct sockaddr *local = (struct sockaddr *)&addr->src_addr;
	struct svc_xprt *xprt = &rdma->sc_xprt;

	svc_xprt_set_remote(xprt, remote, svc_addr_len(remote));
	snprintf(xprt->xpt_remotebuf, sizeof(xprt->xpt_remotebuf), "%pISc",
		 remote);
	/*
	 * The client's port changes with every reconnect; the duplicate
	 * request cache must recognise the client all the same.
	 */
	rpc_set_port((struct sockaddr *)&xprt->xpt_remote, 0);
	svc_xprt_set_local(xprt, local, svc_addr_len(local));
}

/*
 * A client wants to connect. Runs in the connection manager's workqueue, one at
 * a time, so all that takes time is left to xpo_accept. On failure the
 * connection manager rejects the client and destroys @id.
 */
static int svc_rdma_connect_request(struct svcxprt_rdma *listener,
				    struct rdma_cm_id *id,
				    const struct rdma_conn_param *param)
{
	struct svcxprt_rdma *rdma;
	struct cm_private priv;
	bool queued = false;

	rdma = svc_rdma_alloc(listener->sc_xprt.xpt_server,
			      listener->sc_xprt.xpt_net,
			      ibdev_to_node(id->device));
	if (!rdma) {
		svc_rdma_count(SVC_RDMA_accepts_failed);
		return -ENOMEM;
	}
	__module_get(THIS_MODULE);

	cm_private_decode(param->private_data, param->private_data_len, &priv);
	rdma->sc_remote_invalidation = priv.remote_invalidation;
	rdma->sc_inline_send = min_t(u32, priv.recv_size, SVC_RDMA_INLINE_SIZE);
	rdma->sc_ord = param->initiator_depth;

	spin_lock(&listener->sc_accept_lock);
	if (listener->sc_accept_len < SVC_RDMA_ACCEPT_BACKLOG &&
	    !svc_rdma_closing(listener)) {
		rdma->sc_cm_id = id;
		svc_rdma_set_addresses(rdma);
		id->context = rdma;
		id->event_handler = svc_rdma_conn_event;
		list_add_tail(&rdma->sc_accept_entry, &listener->sc_accept_q);
		listener->sc_accept_len++;
		queued = true;
	}
	spin_unlock(&listener->sc_accept_lock);

	if (!queued) {
		svc_rdma_count(SVC_RDMA_accepts_refused);
		svc_xprt_put(&rdma->sc_xprt);
		return -EBUSY;
	}
	set_bit(XPT_CONN, &listener->sc_xprt.xpt_flags);
	svc_xprt_enqueue(&listener->sc_xprt);
	return 0;
}

/* Connection manager events of a listener. Process context. */
static int svc_rdma_listen_event(struct rdma_cm_id *id,
				 struct rdma_cm_event *event)
{
	struct svcxprt_rdma *listener = id->context;

	trace_svc_rdma_cm_event(listener, event->event, event->status);
	switch (event->event) {
	case RDMA_CM_EVENT_CONNECT_REQUEST:
		return svc_rdma_connect_request(listener, id,
						&event->param.conn);
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		/* Bound to one address, and its device is going. */
		svc_rdma_close(listener);
		break;
	default:
		break;
	}
	return 0;
}

/*
 * An id that listens on @sa. An IPv6 listener leaves IPv4 alone (as every IPv4
 * listener does the reverse): nfsd creates one of each on the same port.
 */
static struct rdma_cm_id *svc_rdma_listen(struct svcxprt_rdma *listener,
					  struct net *net, struct sockaddr *sa)
{
	struct rdma_cm_id *id;
	int ret;

	id = rdma_create_id(net, svc_rdma_listen_event, listener, RDMA_PS_TCP,
			    IB_QPT_RC);
	if (IS_ERR(id))
		return id;

	ret = sa->sa_family == AF_INET6 ? rdma_set_afonly(id, 1) : 0;
	if (!ret)
		ret = rdma_bind_addr(id, sa);
	if (!ret)
		ret = rdma_listen(id, SVC_RDMA_ACCEPT_BACKLOG);
	if (!ret)
		return id;
	rdma_destroy_id(id);
	return ERR_PTR(ret);
}

/* xpo_create: a listener, on every address of a family or on one. */
static struct svc_xprt *svc_rdma_create(struct svc_serv *serv, struct net *net,
					struct sockaddr *sa, int salen,
					int flags)
{
	struct svcxprt_rdma *listener;
	struct rdma_cm_id *id;

	if (sa->sa_family != AF_INET && sa->sa_family != AF_INET6)
		return ERR_PTR(-EAFNOSUPPORT);

	listener = svc_rdma_alloc(serv, net, NUMA_NO_NODE);
	if (!listener)
		return ERR_PTR(-ENOMEM);
	set_bit(XPT_LISTENER, &listener->sc_xprt.xpt_flags);

	id = svc_rdma_listen(listener, net, sa);
	if (IS_ERR(id)) {
		/* The caller drops the module when told of an error, and so does this. */
		__module_get(THIS_MODULE);
		svc_xprt_put(&listener->sc_xprt);
		return ERR_CAST(id);
	}
	listener->sc_cm_id = id;
	svc_rdma_count(SVC_RDMA_live_listeners);
	svc_xprt_set_local(&listener->sc_xprt,
			   (struct sockaddr *)&id->route.addr.src_addr, salen);
	return &listener->sc_xprt;
}

static void svc_rdma_set_limits(struct svcxprt_rdma *rdma)
{
	struct rpcrdma_hdr_limits *limits = &rdma->sc_limits;

	/* Two pages of the thread's stay free for the reply. */
	limits->max_message = PAGE_SIZE *
		(svc_rdma_compat_maxpages(rdma->sc_xprt.xpt_server) - 2);
	limits->max_read_segments = SVC_RDMA_MAX_SEGMENTS;
	limits->max_read_chunks = SVC_RDMA_MAX_READ_CHUNKS;
	limits->max_write_chunks = SVC_RDMA_MAX_PAYLOADS;
	limits->max_segments = SVC_RDMA_MAX_SEGMENTS;
}

static void svc_rdma_qp_event(struct ib_event *event, void *context)
{
	struct svcxprt_rdma *rdma = context;

	trace_svc_rdma_qp_event(rdma, event->event);
	switch (event->event) {
	case IB_EVENT_COMM_EST:
		/* Data before the last message of the handshake, or instead. */
		rdma_notify(rdma->sc_cm_id, event->event);
		break;
	case IB_EVENT_PATH_MIG:
	case IB_EVENT_SQ_DRAINED:
	case IB_EVENT_QP_LAST_WQE_REACHED:
		break;
	default:
		svc_rdma_close(rdma);
		break;
	}
}

/*
 * Whether chunks can only be moved through memory regions: on iWARP, and with
 * ib_core's force_mr. Devices for which regions are a mere optimisation
 * (max_sgl_rd) do without them: rdma_rw falls back when there are none.
 */
static bool svc_rdma_needs_regions(struct ib_device *device, u32 port)
{
	if (rdma_protocol_iwarp(device, port))
		return true;
	return !device->attrs.max_sgl_rd &&
	       rdma_rw_max_send_wr(device, port, 1, 0) > 1;
}

static int svc_rdma_create_qp(struct svcxprt_rdma *rdma)
{
	struct rdma_cm_id *id = rdma->sc_cm_id;
	const struct ib_device_attr *dev = &id->device->attrs;
	struct ib_qp_init_attr attr = {
		.event_handler	= svc_rdma_qp_event,
		.qp_context	= rdma,
		.sq_sig_type	= IB_SIGNAL_REQ_WR,
		.qp_type	= IB_QPT_RC,
		.port_num	= id->port_num,
	};
	const u32 extra_recvs = SVC_RDMA_RECV_BATCH + SVC_RDMA_BC_CREDITS;
	u32 payload_wrs, sends, recvs, sges, queue_max, register_wrs = 0;
	int ret;

	rdma->sc_port_num = id->port_num;
	/* Room for the drain's marker in both kinds of queue. */
	queue_max = min(dev->max_qp_wr, dev->max_cqe) - 1;
	if (queue_max <= extra_recvs)
		return -EOPNOTSUPP;
	rdma->sc_credits_max = min_t(u32, READ_ONCE(svc_rdma_credits),
				     queue_max - extra_recvs);
	recvs = rdma->sc_credits_max + extra_recvs;

	/* At the least one RPC with the largest payload in small segments. */
	sges = clamp_t(u32, dev->max_send_sge, 1, SVC_RDMA_MAX_SGE);
	payload_wrs = DIV_ROUND_UP(rdma->sc_limits.max_message >> PAGE_SHIFT,
				   clamp_t(u32, dev->max_sge_rd, 1, sges)) +
		      2 * SVC_RDMA_MAX_SEGMENTS + 1;
	sends = max(rdma->sc_credits_max * SVC_RDMA_SQES_PER_CREDIT,
		    payload_wrs) + SVC_RDMA_BC_CREDITS;
	sends = svc_rdma_strain_sq(min(sends, queue_max));

	attr.cap.max_recv_wr = recvs + 1;
	attr.cap.max_send_sge = sges;
	attr.cap.max_recv_sge = 1;
	if (svc_rdma_needs_regions(id->device, id->port_num)) {
		/* The core adds what registering takes, and so do we. */
		attr.cap.max_rdma_ctxs = rdma->sc_credits_max;
		register_wrs = rdma_rw_max_send_wr(id->device, id->port_num,
						   attr.cap.max_rdma_ctxs, 0);
		if (register_wrs >= queue_max)
			return -EOPNOTSUPP;
		sends = min(sends, queue_max - register_wrs);
	}
	attr.cap.max_send_wr = sends + 1;
	sends += register_wrs;

	ret = svc_rdma_cqs_create(rdma, recvs, sends);
	if (ret)
		return ret;
	attr.recv_cq = rdma->sc_rq_cq;
	attr.send_cq = rdma->sc_sq_cq;

	ret = rdma_create_qp(id, rdma->sc_pd, &attr);
	if (ret)
		return ret;
	rdma->sc_qp = id->qp;
	rdma->sc_sq_depth = sends;
	atomic_set(&rdma->sc_sq_avail, sends);
	return 0;
}

static int svc_rdma_accept_client(struct svcxprt_rdma *rdma)
{
	struct ib_device *device = rdma->sc_cm_id->device;
	struct cm_private priv = {
		.remote_invalidation = true,
		.send_size = SVC_RDMA_INLINE_SIZE,
		.recv_size = SVC_RDMA_INLINE_SIZE,
	};
	u8 message[CM_PRIVATE_SIZE];
	struct rdma_conn_param param = {
		.private_data = message,
		.private_data_len = sizeof(message),
		.rnr_retry_count = SVC_RDMA_RNR_RETRY,
	};
	int ret;

	/* The client may offer it, but the device must be able to send it. */
	if (!(device->attrs.device_cap_flags & IB_DEVICE_MEM_MGT_EXTENSIONS))
		rdma->sc_remote_invalidation = false;

	rdma->sc_ord = min_t(u32, rdma->sc_ord, device->attrs.max_qp_init_rd_atom);
	if (!rdma->sc_ord)
		return -EINVAL;		/* it would not let us read */
	param.initiator_depth = rdma->sc_ord;
	cm_private_encode(message, &priv);

	/* Accepting is one of the steps that the connection manager serialises. */
	rdma_lock_handler(rdma->sc_cm_id);
	ret = rdma_accept(rdma->sc_cm_id, &param);
	rdma_unlock_handler(rdma->sc_cm_id);
	return ret;
}

/* Everything between the client's request and its first call. May sleep. */
static int svc_rdma_connect(struct svcxprt_rdma *rdma)
{
	struct ib_pd *pd;
	int ret;

	svc_rdma_set_limits(rdma);

	pd = ib_alloc_pd(rdma->sc_cm_id->device, 0);
	if (IS_ERR(pd))
		return PTR_ERR(pd);
	rdma->sc_pd = pd;

	ret = svc_rdma_create_qp(rdma);
	if (ret)
		return ret;

	rdma->sc_recv_target = min_t(u32, SVC_RDMA_CREDITS_START,
				     rdma->sc_credits_max);
	if (!svc_rdma_recv_refill(rdma))
		return -ENOMEM;

	/* sunrpc looks at the flag when it takes the new transport over. */
	ret = svc_rdma_recv_arm(rdma);
	if (ret < 0)
		return ret;
	if (ret > 0)
		set_bit(XPT_DATA, &rdma->sc_xprt.xpt_flags);
	return svc_rdma_accept_client(rdma);
}

static struct svcxprt_rdma *svc_rdma_accept_next(struct svcxprt_rdma *listener)
{
	struct svcxprt_rdma *rdma;

	clear_bit(XPT_CONN, &listener->sc_xprt.xpt_flags);
	spin_lock(&listener->sc_accept_lock);
	rdma = list_first_entry_or_null(&listener->sc_accept_q,
					struct svcxprt_rdma, sc_accept_entry);
	if (rdma) {
		list_del_init(&rdma->sc_accept_entry);
		listener->sc_accept_len--;
	}
	if (!list_empty(&listener->sc_accept_q))
		set_bit(XPT_CONN, &listener->sc_xprt.xpt_flags);
	spin_unlock(&listener->sc_accept_lock);
	return rdma;
}

/* xpo_accept: an nfsd thread serves the listener's queue. May sleep. */
static struct svc_xprt *svc_rdma_accept(struct svc_xprt *xprt)
{
	struct svcxprt_rdma *rdma = svc_rdma_accept_next(svc_rdma_of(xprt));
	int ret;

	if (!rdma)
		return NULL;
	ret = svc_rdma_connect(rdma);
	if (ret) {
		svc_rdma_count(SVC_RDMA_accepts_failed);
		pr_warn_ratelimited("svcrdma: no connection for %s: error %d\n",
				    rdma->sc_xprt.xpt_remotebuf, ret);
		svc_xprt_put(&rdma->sc_xprt);
		return NULL;
	}

	trace_svc_rdma_accepted(rdma);
	svc_rdma_count(SVC_RDMA_live_connections);
	rdma->sc_accepted = true;
	/* sunrpc's own reference takes over from here. */
	module_put(THIS_MODULE);
	return &rdma->sc_xprt;
}

/* No handler runs and no request comes in after this. May sleep. */
static void svc_rdma_stop_listening(struct svcxprt_rdma *listener)
{
	if (!listener->sc_cm_id)
		return;
	rdma_destroy_id(listener->sc_cm_id);
	listener->sc_cm_id = NULL;
	svc_rdma_add(SVC_RDMA_live_listeners, -1);
}

/* xpo_detach: no nfsd thread will serve this transport any more. May sleep. */
static void svc_rdma_detach(struct svc_xprt *xprt)
{
	struct svcxprt_rdma *rdma = svc_rdma_of(xprt);

	/* At once: whoever stops the service may want the port again. */
	if (test_bit(XPT_LISTENER, &xprt->xpt_flags))
		svc_rdma_stop_listening(rdma);

	wake_up_all(&rdma->sc_sq_wait);
	if (rdma->sc_qp)
		rdma_disconnect(rdma->sc_cm_id);
}

static void svc_rdma_free_listener(struct svcxprt_rdma *listener)
{
	struct svcxprt_rdma *rdma, *next;

	svc_rdma_stop_listening(listener);
	list_for_each_entry_safe(rdma, next, &listener->sc_accept_q,
				 sc_accept_entry) {
		list_del_init(&rdma->sc_accept_entry);
		svc_xprt_put(&rdma->sc_xprt);
	}
}

/*
 * A drained queue pair owes nothing. Chains that were posted in part keep their
 * Send Queue entries for good, so they excuse a difference.
 */
static void svc_rdma_check_drained(const struct svcxprt_rdma *rdma)
{
	if (!IS_ENABLED(CONFIG_SVCRDMA_CHECKS))
		return;
	WARN_ON_ONCE(!svc_rdma_sq_idle(rdma) &&
		     llist_empty(&rdma->sc_send_orphans) &&
		     llist_empty(&rdma->sc_recv_orphans));
	WARN_ON_ONCE(rdma->sc_recvs_posted);
	WARN_ON_ONCE(atomic_read(&rdma->sc_reads));
	WARN_ON_ONCE(atomic_read(&rdma->sc_sq_waiters));
}

static void svc_rdma_free_connection(struct svcxprt_rdma *rdma)
{
	timer_shutdown_sync(&rdma->sc_quiet_timer);

	if (rdma->sc_qp) {
		ib_drain_qp(rdma->sc_qp);
		svc_rdma_check_drained(rdma);
		svc_rdma_release_flush(rdma);
		svc_rdma_recv_ctxts_destroy(rdma);
		svc_rdma_send_ctxts_destroy(rdma);
		rdma_destroy_qp(rdma->sc_cm_id);
	}
	svc_rdma_cqs_destroy(rdma);
	if (rdma->sc_pd)
		ib_dealloc_pd(rdma->sc_pd);
	if (rdma->sc_cm_id)
		rdma_destroy_id(rdma->sc_cm_id);
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
