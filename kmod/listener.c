// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners: the addresses that clients connect to, and the connections on their
 * way in.
 *
 * A connection is built by a work item as soon as its client asks for it
 * (connection.c), and answered when it is complete, any number of them at once.
 * Until it is handed over to sunrpc its listener holds it: on the pending list
 * until the client confirms, then on the ready list, from which xpo_accept takes
 * the oldest. Calls that arrive meanwhile lie in its Receive queue: the first
 * thread finds XPT_DATA set. One that ends before that, because its client gave up
 * or its device went, leaves its list at once.
 *
 * sunrpc closes the oldest of those whose clients have not shown yet that they may
 * do anything, as soon as there are more than some dozens. After a restart of the
 * service hundreds come within moments, and closing them would be of no use: they
 * are handed over no faster than they prove themselves. Who has done nothing with
 * a connection for a while does not hold up others.
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
#include "compat/compat.h"
#include "trace.h"

enum {
	/* Requests that an iWARP adapter keeps for the connection manager. */
	SVC_RDMA_LISTEN_BACKLOG	= 1024,
};

/* Jiffies between two tries to listen again. */
#define SVC_RDMA_RELISTEN	HZ

/* Jiffies that a client has to prove itself while others wait for its place. */
#define SVC_RDMA_PROVE		(5 * HZ)

/* Jiffies between two looks whether clients have proved themselves. */
#define SVC_RDMA_PACE		msecs_to_jiffies(10)

/*
 * Protects the lists of all listeners and who is in them: a connection must find
 * out whether it is held by a listener without touching one that may be gone.
 * Taken in timers.
 */
static DEFINE_SPINLOCK(svc_rdma_accept_lock);

/* The caller holds the lock, and from now on the list's reference. */
static void svc_rdma_accept_take(struct svcxprt_rdma *rdma)
{
	list_del_init(&rdma->sc_accept_entry);
	svc_rdma_add(SVC_RDMA_live_waiting, -1);
}

/**
 * svc_rdma_accept_drop - let go of a connection that is not handed over yet
 * @rdma: connection
 * @counter: what to count if so
 *
 * Any context but hard interrupts. Returns false if no listener holds it.
 */
bool svc_rdma_accept_drop(struct svcxprt_rdma *rdma,
			  enum svc_rdma_counter counter)
{
	bool held;

	spin_lock_bh(&svc_rdma_accept_lock);
	held = !list_empty(&rdma->sc_accept_entry);
	if (held)
		svc_rdma_accept_take(rdma);
	spin_unlock_bh(&svc_rdma_accept_lock);
	if (held) {
		svc_rdma_count(counter);
		svc_xprt_put(&rdma->sc_xprt);
	}
	return held;
}

/**
 * svc_rdma_abandon - end a connection, handed over or not
 * @rdma: connection
 *
 * Any context but hard interrupts. One that no nfsd thread has seen yet is dropped
 * now. Any other is closed by an nfsd thread.
 */
void svc_rdma_abandon(struct svcxprt_rdma *rdma)
{
	/* First: it may be handed over just now. */
	svc_rdma_close(rdma);
	svc_rdma_accept_drop(rdma, SVC_RDMA_accepts_abandoned);
}

static bool svc_rdma_accept_queue(struct svcxprt_rdma *listener,
				  struct svcxprt_rdma *rdma)
{
	bool queued = false;

	spin_lock_bh(&svc_rdma_accept_lock);
	/* Whoever abandons a connection closes it before looking for it here. */
	if (!svc_rdma_closing(listener) && !svc_rdma_closing(rdma)) {
		rdma->sc_listener = listener;
		list_add_tail(&rdma->sc_accept_entry, &listener->sc_pending_q);
		svc_rdma_count(SVC_RDMA_live_waiting);
		queued = true;
	}
	spin_unlock_bh(&svc_rdma_accept_lock);
	return queued;
}

static void svc_rdma_accept_call(struct svcxprt_rdma *listener)
{
	set_bit(XPT_CONN, &listener->sc_xprt.xpt_flags);
	svc_xprt_enqueue(&listener->sc_xprt);
}

/**
 * svc_rdma_accept_ready - the client has confirmed the connection
 * @rdma: connection, complete
 *
 * Process context. Does nothing if it was dropped meanwhile.
 */
void svc_rdma_accept_ready(struct svcxprt_rdma *rdma)
{
	spin_lock_bh(&svc_rdma_accept_lock);
	if (!list_empty(&rdma->sc_accept_entry)) {
		list_move_tail(&rdma->sc_accept_entry,
			       &rdma->sc_listener->sc_accept_q);
		/* In here: a listener that is gone has let go of all of them. */
		svc_rdma_accept_call(rdma->sc_listener);
	}
	spin_unlock_bh(&svc_rdma_accept_lock);
}

/* The first that was handed over and has not proved itself yet. Under the lock. */
static struct svcxprt_rdma *svc_rdma_unproven(struct svcxprt_rdma *listener)
{
	struct svcxprt_rdma *rdma, *next;

	list_for_each_entry_safe(rdma, next, &listener->sc_unproven,
				 sc_unproven_entry) {
		if (!svc_rdma_closing(rdma) &&
		    !svc_rdma_compat_peer_valid(&rdma->sc_xprt))
			return rdma;
		list_del_init(&rdma->sc_unproven_entry);
	}
	return NULL;
}

/*
 * Whether another connection may be handed over: not if sunrpc would close one for
 * it whose client has had no time to prove itself. Under the lock. The limit is
 * for all transports of the service together, so some places are left to them, and
 * to another listener of ours that does the same just now.
 */
static bool svc_rdma_may_hand_over(struct svcxprt_rdma *listener)
{
	const struct svc_serv *serv = listener->sc_xprt.xpt_server;
	unsigned int most = svc_rdma_compat_max_unproven(serv);
	struct svcxprt_rdma *oldest;

	if (READ_ONCE(serv->sv_tmpcnt) < most - most / 8)
		return true;
	oldest = svc_rdma_unproven(listener);
	return !oldest || time_after(jiffies, oldest->sc_handed_over +
					      SVC_RDMA_PROVE);
}

/* Calls a thread to the listener again when there is something to do for it. */
static void svc_rdma_pace_work(struct work_struct *work)
{
	struct svcxprt_rdma *listener =
		container_of(to_delayed_work(work), struct svcxprt_rdma,
			     sc_pace_work);

	spin_lock_bh(&svc_rdma_accept_lock);
	if (!list_empty(&listener->sc_accept_q)) {
		if (svc_rdma_may_hand_over(listener))
			svc_rdma_accept_call(listener);
		else
			queue_delayed_work(svc_rdma_wq,
					   &listener->sc_pace_work,
					   SVC_RDMA_PACE);
	}
	spin_unlock_bh(&svc_rdma_accept_lock);
}

/**
 * svc_rdma_accept_forget - a connection is about to be freed
 * @rdma: connection, its last reference gone
 *
 * Process context.
 */
void svc_rdma_accept_forget(struct svcxprt_rdma *rdma)
{
	spin_lock_bh(&svc_rdma_accept_lock);
	list_del(&rdma->sc_unproven_entry);
	spin_unlock_bh(&svc_rdma_accept_lock);
}

/*
 * A client wants to connect. Runs in the connection manager's workqueue, one at
 * a time, so all that takes time is left to a work item. On failure the
 * connection manager rejects the client and destroys @id.
 */
static int svc_rdma_connect_request(struct svcxprt_rdma *listener,
				    struct rdma_cm_id *id,
				    const struct rdma_conn_param *param)
{
	struct svcxprt_rdma *rdma;

	rdma = svc_rdma_connection_alloc(listener, id, param);
	if (IS_ERR(rdma)) {
		/* Over a limit: counted there. */
		if (PTR_ERR(rdma) != -EUSERS)
			svc_rdma_count(SVC_RDMA_accepts_failed);
		return PTR_ERR(rdma);
	}
	if (!svc_rdma_device_attach(rdma)) {
		svc_rdma_count(SVC_RDMA_accepts_failed);
		svc_rdma_connection_reject(rdma);
		return -ENODEV;
	}
	/* The work's. First: whoever takes it off the list drops that one's. */
	svc_xprt_get(&rdma->sc_xprt);
	if (!svc_rdma_accept_queue(listener, rdma)) {
		svc_rdma_count(SVC_RDMA_accepts_abandoned);
		svc_xprt_put(&rdma->sc_xprt);
		svc_rdma_connection_reject(rdma);
		return -ECONNABORTED;
	}
	queue_work(svc_rdma_wq, &rdma->sc_connect_work);
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
		ret = rdma_listen(id, SVC_RDMA_LISTEN_BACKLOG);
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
	INIT_LIST_HEAD(&listener->sc_pending_q);
	INIT_LIST_HEAD(&listener->sc_accept_q);
	INIT_LIST_HEAD(&listener->sc_unproven);
	INIT_DELAYED_WORK(&listener->sc_pace_work, svc_rdma_pace_work);
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

/*
 * Takes the oldest; closing ones go to @dead, by the entry that they have not used
 * yet: the other one says that they are held. Under the lock.
 */
static struct svcxprt_rdma *svc_rdma_accept_first(struct svcxprt_rdma *listener,
						  struct list_head *dead)
{
	struct svcxprt_rdma *rdma, *next;

	list_for_each_entry_safe(rdma, next, &listener->sc_accept_q,
				 sc_accept_entry) {
		if (svc_rdma_closing(rdma)) {
			svc_rdma_accept_take(rdma);
			list_add_tail(&rdma->sc_unproven_entry, dead);
			continue;
		}
		if (!svc_rdma_may_hand_over(listener)) {
			svc_rdma_count(SVC_RDMA_accepts_paced);
			mod_delayed_work(svc_rdma_wq, &listener->sc_pace_work,
					 SVC_RDMA_PACE);
			return NULL;
		}
		svc_rdma_accept_take(rdma);
		rdma->sc_handed_over = jiffies;
		list_add_tail(&rdma->sc_unproven_entry, &listener->sc_unproven);
		if (!list_empty(&listener->sc_accept_q))
			set_bit(XPT_CONN, &listener->sc_xprt.xpt_flags);
		return rdma;
	}
	return NULL;
}

/* Without the lock: nobody else finds those on @dead any more. */
static void svc_rdma_accept_put(struct list_head *dead)
{
	struct svcxprt_rdma *rdma, *next;

	list_for_each_entry_safe(rdma, next, dead, sc_unproven_entry) {
		list_del_init(&rdma->sc_unproven_entry);
		svc_rdma_count(SVC_RDMA_accepts_abandoned);
		svc_rdma_close(rdma);
		svc_xprt_put(&rdma->sc_xprt);
	}
}

/**
 * svc_rdma_accept_next - take the connection that has waited longest
 * @listener: the caller holds XPT_BUSY
 *
 * Leaves XPT_CONN set if there are more. Returns NULL if there is none, or none
 * may be handed over now: the listener is enqueued when one may.
 */
struct svcxprt_rdma *svc_rdma_accept_next(struct svcxprt_rdma *listener)
{
	struct svcxprt_rdma *rdma;
	LIST_HEAD(dead);

	clear_bit(XPT_CONN, &listener->sc_xprt.xpt_flags);
	spin_lock_bh(&svc_rdma_accept_lock);
	rdma = svc_rdma_accept_first(listener, &dead);
	spin_unlock_bh(&svc_rdma_accept_lock);
	svc_rdma_accept_put(&dead);
	return rdma;
}

static void svc_rdma_accept_take_all(struct list_head *queue,
				     struct list_head *dead)
{
	struct svcxprt_rdma *rdma, *next;

	list_for_each_entry_safe(rdma, next, queue, sc_accept_entry) {
		svc_rdma_accept_take(rdma);
		list_add_tail(&rdma->sc_unproven_entry, dead);
	}
}

/**
 * svc_rdma_stop_listening - give the address back, refuse who still waits
 * @listener: closing; calling it again does nothing
 *
 * May sleep. Work items may still build connections when it returns; they do not
 * touch the listener, nor the service.
 */
void svc_rdma_stop_listening(struct svcxprt_rdma *listener)
{
	struct svcxprt_rdma *rdma, *next;
	LIST_HEAD(dead);

	cancel_delayed_work_sync(&listener->sc_listen_work);
	svc_rdma_stop_id(listener);
	/* An event may have queued it again before the id was gone. */
	cancel_delayed_work_sync(&listener->sc_listen_work);

	spin_lock_bh(&svc_rdma_accept_lock);
	svc_rdma_accept_take_all(&listener->sc_pending_q, &dead);
	svc_rdma_accept_take_all(&listener->sc_accept_q, &dead);
	list_for_each_entry_safe(rdma, next, &listener->sc_unproven,
				 sc_unproven_entry)
		list_del_init(&rdma->sc_unproven_entry);
	spin_unlock_bh(&svc_rdma_accept_lock);
	/* With nobody on the lists it is not queued again. */
	cancel_delayed_work_sync(&listener->sc_pace_work);
	svc_rdma_accept_put(&dead);
}
