// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners: the addresses that clients connect to, and the connections that
 * wait to be accepted.
 *
 * A connection request waits in its listener's queue for an nfsd thread, which
 * accepts it (connection.c). One that ends before that, because its client gave
 * up or its device went, leaves the queue at once.
 *
 * The connection manager follows devices by itself for a listener on every
 * address. A listener on one address belongs to that address's device: when the
 * device goes, or gets another hardware address, its id goes too, and a new one
 * is tried for every second until the address can be listened on again.
 */
#include <linux/module.h>

#include <linux/sunrpc/addr.h>

#include "svcrdma.h"
#include "cm_private.h"
#include "trace.h"

/* Jiffies between two tries to listen again. */
#define SVC_RDMA_RELISTEN	HZ

/*
 * Protects the queues of all listeners and who is in them: a connection must
 * find out whether it is queued without touching a listener that may be gone.
 */
static DEFINE_SPINLOCK(svc_rdma_accept_lock);

/* Whether @rdma was queued; if so, its queue's reference is the caller's now. */
static bool svc_rdma_accept_unqueue(struct svcxprt_rdma *rdma)
{
	bool queued;

	spin_lock(&svc_rdma_accept_lock);
	queued = !list_empty(&rdma->sc_accept_entry);
	if (queued) {
		list_del_init(&rdma->sc_accept_entry);
		rdma->sc_listener->sc_accept_len--;
		svc_rdma_add(SVC_RDMA_live_waiting, -1);
	}
	spin_unlock(&svc_rdma_accept_lock);
	return queued;
}

/**
 * svc_rdma_abandon - end a connection, accepted or not
 * @rdma: connection
 *
 * Process context. One that still waits to be accepted is dropped now: no nfsd
 * thread has seen it yet. Any other is closed by an nfsd thread.
 */
void svc_rdma_abandon(struct svcxprt_rdma *rdma)
{
	/* First: it may be taken from the queue to be accepted just now. */
	svc_rdma_close(rdma);
	if (svc_rdma_accept_unqueue(rdma)) {
		svc_rdma_count(SVC_RDMA_accepts_abandoned);
		svc_xprt_put(&rdma->sc_xprt);
	}
}

static bool svc_rdma_accept_queue(struct svcxprt_rdma *listener,
				  struct svcxprt_rdma *rdma)
{
	bool queued = false;

	spin_lock(&svc_rdma_accept_lock);
	/* Whoever abandons a connection closes it before looking for it here. */
	if (listener->sc_accept_len < SVC_RDMA_ACCEPT_BACKLOG &&
	    !svc_rdma_closing(listener) && !svc_rdma_closing(rdma)) {
		rdma->sc_listener = listener;
		list_add_tail(&rdma->sc_accept_entry, &listener->sc_accept_q);
		listener->sc_accept_len++;
		svc_rdma_count(SVC_RDMA_live_waiting);
		queued = true;
	}
	spin_unlock(&svc_rdma_accept_lock);
	return queued;
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

	rdma = svc_rdma_connection_alloc(listener, id, param);
	if (!rdma) {
		svc_rdma_count(SVC_RDMA_accepts_failed);
		return -ENOMEM;
	}
	if (!svc_rdma_device_attach(rdma)) {
		svc_rdma_count(SVC_RDMA_accepts_failed);
		svc_rdma_connection_reject(rdma);
		return -ENODEV;
	}
	if (!svc_rdma_accept_queue(listener, rdma)) {
		svc_rdma_count(SVC_RDMA_accepts_refused);
		svc_rdma_connection_reject(rdma);
		return -EBUSY;
	}
	set_bit(XPT_CONN, &listener->sc_xprt.xpt_flags);
	svc_xprt_enqueue(&listener->sc_xprt);
	return 0;
}

static void svc_rdma_relisten(struct svcxprt_rdma *listener)
{
	if (!svc_rdma_closing(listener))
		queue_delayed_work(svc_rdma_wq, &listener->sc_listen_work, 0);
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
	case RDMA_CM_EVENT_ADDR_CHANGE:
		svc_rdma_relisten(listener);
		break;
	default:
		break;
	}
	return 0;
}

/*
 * An id that listens on the listener's address. An IPv6 listener leaves IPv4
 * alone (as every IPv4 listener does the reverse): nfsd creates one of each on
 * the same port.
 */
static struct rdma_cm_id *svc_rdma_listen(struct svcxprt_rdma *listener)
{
	struct sockaddr *sa = (struct sockaddr *)&listener->sc_xprt.xpt_local;
	struct rdma_cm_id *id;
	int ret;

	id = rdma_create_id(listener->sc_xprt.xpt_net, svc_rdma_listen_event,
			    listener, RDMA_PS_TCP, IB_QPT_RC);
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

static void svc_rdma_stop_id(struct svcxprt_rdma *listener)
{
	if (!listener->sc_cm_id)
		return;
	/* No handler runs and no request comes in after this. */
	rdma_destroy_id(listener->sc_cm_id);
	listener->sc_cm_id = NULL;
}

/* The only one that replaces the id; svc_rdma_stop_listening() waits for it. */
static void svc_rdma_listen_work(struct work_struct *work)
{
	struct svcxprt_rdma *listener =
		container_of(to_delayed_work(work), struct svcxprt_rdma,
			     sc_listen_work);
	struct rdma_cm_id *id;

	/* A device that goes waits for this. */
	svc_rdma_stop_id(listener);
	if (svc_rdma_closing(listener))
		return;

	id = svc_rdma_listen(listener);
	if (IS_ERR(id)) {
		queue_delayed_work(svc_rdma_wq, &listener->sc_listen_work,
				   SVC_RDMA_RELISTEN);
		return;
	}
	listener->sc_cm_id = id;
	svc_rdma_count(SVC_RDMA_relistens);
	pr_info("svcrdma: listening on %pISpc again\n",
		&listener->sc_xprt.xpt_local);
}

/* xpo_create: a listener, on every address of a family or on one. */
struct svc_xprt *svc_rdma_create(struct svc_serv *serv, struct net *net,
				 struct sockaddr *sa, int salen, int flags)
{
	struct svcxprt_rdma *listener;
	struct rdma_cm_id *id;

	if (sa->sa_family != AF_INET && sa->sa_family != AF_INET6)
		return ERR_PTR(-EAFNOSUPPORT);

	listener = svc_rdma_alloc(serv, net, NUMA_NO_NODE);
	if (!listener)
		return ERR_PTR(-ENOMEM);
	set_bit(XPT_LISTENER, &listener->sc_xprt.xpt_flags);
	INIT_LIST_HEAD(&listener->sc_accept_q);
	INIT_DELAYED_WORK(&listener->sc_listen_work, svc_rdma_listen_work);
	svc_xprt_set_local(&listener->sc_xprt, sa, salen);
	svc_rdma_count(SVC_RDMA_live_listeners);

	id = svc_rdma_listen(listener);
	if (IS_ERR(id)) {
		/* The caller drops the module when told of an error, and so does this. */
		__module_get(THIS_MODULE);
		svc_xprt_put(&listener->sc_xprt);
		return ERR_CAST(id);
	}
	/* nfsd may have left the port to us. */
	svc_xprt_set_local(&listener->sc_xprt,
			   (struct sockaddr *)&id->route.addr.src_addr, salen);
	listener->sc_cm_id = id;
	return &listener->sc_xprt;
}

/**
 * svc_rdma_accept_next - take the connection that has waited longest
 * @listener: the caller holds XPT_BUSY
 *
 * Leaves XPT_CONN set if there are more. Returns NULL if there is none.
 */
struct svcxprt_rdma *svc_rdma_accept_next(struct svcxprt_rdma *listener)
{
	struct svcxprt_rdma *rdma;

	clear_bit(XPT_CONN, &listener->sc_xprt.xpt_flags);
	spin_lock(&svc_rdma_accept_lock);
	rdma = list_first_entry_or_null(&listener->sc_accept_q,
					struct svcxprt_rdma, sc_accept_entry);
	if (rdma) {
		list_del_init(&rdma->sc_accept_entry);
		listener->sc_accept_len--;
		svc_rdma_add(SVC_RDMA_live_waiting, -1);
	}
	if (!list_empty(&listener->sc_accept_q))
		set_bit(XPT_CONN, &listener->sc_xprt.xpt_flags);
	spin_unlock(&svc_rdma_accept_lock);
	return rdma;
}

/**
 * svc_rdma_stop_listening - give the address back, refuse who still waits
 * @listener: closing; calling it again does nothing
 *
 * May sleep.
 */
void svc_rdma_stop_listening(struct svcxprt_rdma *listener)
{
	struct svcxprt_rdma *rdma;

	cancel_delayed_work_sync(&listener->sc_listen_work);
	svc_rdma_stop_id(listener);
	/* An event may have queued it again before the id was gone. */
	cancel_delayed_work_sync(&listener->sc_listen_work);

	while ((rdma = svc_rdma_accept_next(listener))) {
		svc_rdma_count(SVC_RDMA_accepts_abandoned);
		svc_xprt_put(&rdma->sc_xprt);
	}
}
