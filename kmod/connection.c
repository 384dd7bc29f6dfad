// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections, from the client's request until they are established: who the
 * client is, what was agreed on, the queues, and the events that end it all.
 *
 * A work item builds a connection and answers its client; how it comes from there
 * to sunrpc is in listener.c. A client that does not confirm is dropped after a
 * deadline.
 */
#include <linux/module.h>

#include <linux/sunrpc/addr.h>

#include "svcrdma.h"
#include "cm_private.h"
#include "compat/compat.h"
#include "fault.h"
#include "lend.h"
#include "strain.h"
#include "trace.h"

enum {
	/* Client's RNR retries without limit: it overran its credits, its loss. */
	SVC_RDMA_RNR_RETRY		= 7,

	/*
	 * What we wait for an acknowledgment, 4.096 us << this: two seconds.
	 * Left to itself the client would say, and could say hours. It tries as
	 * often as the client asked for, 6 times with Linux: one that stands
	 * still for eight seconds keeps its connection.
	 */
	SVC_RDMA_ACK_TIMEOUT		= 19,

	/*
	 * How soon a client tries again that met no Receive. Left to itself this
	 * would be the longest there is, 655 ms.
	 */
	SVC_RDMA_RNR_TIMER		= IB_RNR_TIMER_000_64,

	/* Segments of one chunk, and Read segments of one call. */
	SVC_RDMA_MAX_SEGMENTS		= 64,
	SVC_RDMA_MAX_READ_CHUNKS	= 16,
};

/* Jiffies from our answer to the end of the handshake. */
#define SVC_RDMA_HANDSHAKE	(10 * HZ)

/* Connection manager events of one connection. Process context. */
static int svc_rdma_conn_event(struct rdma_cm_id *id,
			       struct rdma_cm_event *event)
{
	struct svcxprt_rdma *rdma = id->context;

	trace_svc_rdma_cm_event(rdma, event->event, event->status);
	switch (event->event) {
	case RDMA_CM_EVENT_ESTABLISHED:
		WRITE_ONCE(rdma->sc_heard, jiffies);
		/* With all that was built; pairs with keepalive.c. */
		smp_store_release(&rdma->sc_established, true);
		timer_delete(&rdma->sc_handshake_timer);
		svc_rdma_accept_ready(rdma);
		break;
	case RDMA_CM_EVENT_TIMEWAIT_EXIT:
		/* Closed long since; now its queue pair number is free again. */
		break;
	case RDMA_CM_EVENT_ADDR_CHANGE:
		svc_rdma_count(SVC_RDMA_address_changes);
		svc_rdma_abandon(rdma);
		break;
	default:
		/*
		 * DISCONNECTED and DEVICE_REMOVAL; CONNECT_ERROR,
		 * UNREACHABLE and REJECTED while the client has yet to confirm;
		 * and whatever no server expects.
		 */
		svc_rdma_abandon(rdma);
		break;
	}
	return 0;
}

/* Softirq: the client has not confirmed our answer in time. */
static void svc_rdma_handshake_timer(struct timer_list *timer)
{
	struct svcxprt_rdma *rdma =
		container_of(timer, struct svcxprt_rdma, sc_handshake_timer);

	if (READ_ONCE(rdma->sc_established))
		return;
	svc_rdma_close(rdma);
	svc_rdma_accept_drop(rdma, SVC_RDMA_handshakes_timed_out);
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

/*
 * RDMA Reads that may be in flight at once: as many as client, device and user
 * allow. A client may allow none, but then no call of it could have chunks.
 */
static u8 svc_rdma_outbound_reads(const struct rdma_cm_id *id,
				  const struct rdma_conn_param *param)
{
	u32 most = min_t(u32, param->initiator_depth,
			 svc_rdma_setting(SVC_RDMA_SETTING_OUTBOUND_READS));

	return min_t(u32, most, id->device->attrs.max_qp_init_rd_atom);
}

static void svc_rdma_connect_work(struct work_struct *work);

/**
 * svc_rdma_connection_alloc - a connection that a client has asked for
 * @listener: that it asked
 * @id: of the connection; its events go to the connection from now on
 * @param: what the client has sent
 *
 * In the connection manager's event handler. svc_rdma_connection_reject() undoes
 * it. Takes from the service what the connection needs to know: building it must
 * not touch that any more, which may be gone by then. Returns an ERR_PTR if there
 * must not be such a connection: -EINVAL if the server could not read from its
 * client, -EUSERS if there are too many, or -ENOMEM.
 */
struct svcxprt_rdma *
svc_rdma_connection_alloc(struct svcxprt_rdma *listener, struct rdma_cm_id *id,
			  const struct rdma_conn_param *param)
{
	struct sockaddr *remote = (struct sockaddr *)&id->route.addr.dst_addr;
	u8 reads = svc_rdma_outbound_reads(id, param);
	struct svc_rdma_peer *peer;
	struct svcxprt_rdma *rdma;
	struct cm_private priv;

	if (!reads) {
		pr_warn_ratelimited("svcrdma: no connection for %pISc: it allows no RDMA Reads\n",
				    remote);
		return ERR_PTR(-EINVAL);
	}
	peer = svc_rdma_peer_get(listener->sc_xprt.xpt_net, remote);
	if (IS_ERR(peer))
		return ERR_CAST(peer);
	rdma = svc_rdma_alloc(listener->sc_xprt.xpt_server,
			      listener->sc_xprt.xpt_net,
			      ibdev_to_node(id->device));
	if (!rdma) {
		svc_rdma_peer_put(peer);
		return ERR_PTR(-ENOMEM);
	}
	/* sunrpc's own comes only with xpo_accept. */
	__module_get(THIS_MODULE);
	rdma->sc_peer = peer;
	timer_setup(&rdma->sc_handshake_timer, svc_rdma_handshake_timer, 0);
	INIT_WORK(&rdma->sc_connect_work, svc_rdma_connect_work);

	cm_private_decode(param->private_data, param->private_data_len, &priv);
	rdma->sc_remote_invalidation = priv.remote_invalidation;
	rdma->sc_inline_size = svc_rdma_setting(SVC_RDMA_SETTING_INLINE_SIZE);
	rdma->sc_inline_send = min(priv.recv_size, rdma->sc_inline_size);
	rdma->sc_bc_credits = svc_rdma_setting(SVC_RDMA_SETTING_BC_CREDITS);
	rdma->sc_ord = reads;
	svc_rdma_set_limits(rdma);

	rdma->sc_cm_id = id;
	svc_rdma_set_addresses(rdma);
	id->context = rdma;
	id->event_handler = svc_rdma_conn_event;
	return rdma;
}

/* Leaves the id to the connection manager, which rejects the client. */
void svc_rdma_connection_reject(struct svcxprt_rdma *rdma)
{
	rdma->sc_cm_id = NULL;
	svc_xprt_put(&rdma->sc_xprt);
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

static u32 svc_rdma_message_pages(const struct svcxprt_rdma *rdma)
{
	return rdma->sc_limits.max_message >> PAGE_SHIFT;
}

/* Sends that may be posted at once: each Send context has an entry of its own. */
static u32 svc_rdma_send_entries(const struct svcxprt_rdma *rdma, u32 credits)
{
	return credits + 1 + rdma->sc_bc_credits;
}

/* Entries for one RPC with the largest payload in the smallest segments. */
static u32 svc_rdma_payload_entries(const struct svcxprt_rdma *rdma, u32 sges)
{
	const struct ib_device_attr *dev = &rdma->sc_cm_id->device->attrs;

	return DIV_ROUND_UP(svc_rdma_message_pages(rdma),
			    clamp_t(u32, dev->max_sge_rd, 1, sges)) +
	       SVC_RDMA_MAX_SEGMENTS + 1;
}

/*
 * Entries that RDMA Writes and Reads should share, without those for registering
 * memory. A small READ takes one; nearly all calls may be such at once. What finds
 * the queue full is parked. With the others, and the drain's, a power of two at 128
 * credits.
 */
static u32 svc_rdma_shared_entries(u32 credits)
{
	return credits - credits / 16 - 1;
}

static int svc_rdma_make_queues(struct svcxprt_rdma *rdma, u32 credits,
				u32 sges)
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
	const u32 extra_recvs = SVC_RDMA_RECV_BATCH + rdma->sc_bc_credits;
	u32 sends, shared, payload, recvs, queue_max;
	u32 regions, register_wrs = 0;
	int ret;

	/* Room for the drain's marker in both kinds of queue. */
	queue_max = min(dev->max_qp_wr, dev->max_cqe) - 1;
	if (queue_max <= extra_recvs)
		return -EOPNOTSUPP;
	credits = min(credits, queue_max - extra_recvs);

	attr.cap.max_send_sge = sges;
	attr.cap.max_recv_sge = 1;
	regions = svc_rdma_regions_wanted(rdma, credits,
					  svc_rdma_message_pages(rdma),
					  SVC_RDMA_MAX_SEGMENTS);
	rdma->sc_regions = svc_rdma_lent_regions(regions);
	if (regions) {
		/* The core adds to the Send Queue what registering takes. */
		attr.cap.max_rdma_ctxs = rdma->sc_regions;
		register_wrs = rdma_rw_max_send_wr(id->device, id->port_num,
						   rdma->sc_regions, 0);
		if (register_wrs >= queue_max)
			return -EOPNOTSUPP;
	}
	/*
	 * Data come first: one RPC with the largest payload must fit. Where it
	 * does not even with the fewest credits half of the queue is for data.
	 */
	queue_max = svc_rdma_strain_sq(queue_max - register_wrs);
	payload = svc_rdma_payload_entries(rdma, sges);
	if (payload + svc_rdma_send_entries(rdma, SVC_RDMA_CREDITS_MIN) >
	    queue_max)
		payload = queue_max / 2;
	credits = min_t(s32, credits, (s32)(queue_max - payload) -
			(s32)svc_rdma_send_entries(rdma, 0));
	if ((s32)credits < SVC_RDMA_CREDITS_MIN)
		return -EOPNOTSUPP;
	sends = svc_rdma_send_entries(rdma, credits);
	shared = min(max(svc_rdma_shared_entries(credits), payload),
		     queue_max - sends);
	recvs = credits + extra_recvs;
	attr.cap.max_recv_wr = recvs + 1;
	attr.cap.max_send_wr = sends + shared + 1;
	rdma->sc_credits_max = credits;
	rdma->sc_sq_shared = shared + register_wrs;
	sends += rdma->sc_sq_shared;

	ret = svc_rdma_cqs_create(rdma, recvs, sends);
	if (ret)
		return ret;
	attr.recv_cq = rdma->sc_rq_cq;
	attr.send_cq = rdma->sc_sq_cq;

	ret = svc_rdma_fault(SVC_RDMA_FAULT_create_qp) ||
	      svc_rdma_lent_refuses(&attr) ? -ENOMEM :
	      rdma_create_qp(id, rdma->sc_pd, &attr);
	if (ret)
		return ret;
	rdma->sc_qp = id->qp;
	rdma->sc_sq_moved = jiffies;
	svc_rdma_window_init(rdma);
	ret = svc_rdma_regions_probe(rdma);
	if (ret) {
		rdma_destroy_qp(id);
		rdma->sc_qp = NULL;
	}
	return ret;
}

/*
 * Queues for this many credits, or for as many as the device's limits allow, and for
 * Work Requests of at most @sges entries.
 */
static int svc_rdma_try_queues(struct svcxprt_rdma *rdma, u32 credits, u32 sges)
{
	int ret = svc_rdma_make_queues(rdma, credits, sges);

	if (ret != -EAGAIN || !rdma->sc_write_regions)
		return ret;
	/* It does take memory regions. */
	svc_rdma_cqs_destroy(rdma);
	return svc_rdma_make_queues(rdma, credits, sges);
}

/*
 * What a device says about its limits is not always true of all of them at
 * once, and its memory may be short: tries again with half the credits, then with
 * half the entries in a Work Request, and so on. Which of the two it was the device
 * does not say, and fewer entries take more Work Requests.
 */
static int svc_rdma_create_queues(struct svcxprt_rdma *rdma)
{
	u32 credits = svc_rdma_setting(SVC_RDMA_SETTING_CREDITS);
	u32 sges = clamp_t(u32, rdma->sc_cm_id->device->attrs.max_send_sge, 1,
			   SVC_RDMA_MAX_SGE);
	bool fewer_sges = false;
	int ret;

	rdma->sc_port_num = rdma->sc_cm_id->port_num;
	svc_rdma_cqs_choose_vector(rdma);
	for (;; fewer_sges = !fewer_sges) {
		ret = svc_rdma_try_queues(rdma, credits, sges);
		if (!ret)
			return 0;
		svc_rdma_cqs_destroy(rdma);
		if (svc_rdma_closing(rdma))
			return -ENOTCONN;
		if (credits <= SVC_RDMA_CREDITS_MIN && sges == 1)
			return ret;
		if (sges > 1 && (fewer_sges || credits <= SVC_RDMA_CREDITS_MIN))
			sges /= 2;
		else
			credits = max(credits / 2, SVC_RDMA_CREDITS_MIN);
		svc_rdma_count(SVC_RDMA_smaller_queues);
	}
}

static int svc_rdma_accept_client(struct svcxprt_rdma *rdma)
{
	struct ib_device *device = rdma->sc_cm_id->device;
	struct cm_private priv = {
		.remote_invalidation = true,
		.send_size = rdma->sc_inline_size,
		.recv_size = rdma->sc_inline_size,
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

	param.initiator_depth = rdma->sc_ord;
	cm_private_encode(message, &priv);
	rdma_set_ack_timeout(rdma->sc_cm_id, SVC_RDMA_ACK_TIMEOUT);
	rdma_set_min_rnr_timer(rdma->sc_cm_id, SVC_RDMA_RNR_TIMER);

	/* Accepting is one of the steps that the connection manager serialises. */
	rdma_lock_handler(rdma->sc_cm_id);
	mod_timer(&rdma->sc_handshake_timer, jiffies + SVC_RDMA_HANDSHAKE);
	ret = rdma_accept(rdma->sc_cm_id, &param);
	rdma_unlock_handler(rdma->sc_cm_id);
	return ret;
}

/* Everything between the client's request and its first call. May sleep. */
static int svc_rdma_connect(struct svcxprt_rdma *rdma)
{
	struct ib_pd *pd;
	int ret;

	if (svc_rdma_closing(rdma))
		return -ENOTCONN;

	pd = ib_alloc_pd(rdma->sc_cm_id->device, 0);
	if (IS_ERR(pd))
		return PTR_ERR(pd);
	rdma->sc_pd = pd;

	ret = svc_rdma_create_queues(rdma);
	if (ret)
		return ret;

	rdma->sc_recv_target = min_t(u32, SVC_RDMA_CREDITS_START,
				     rdma->sc_credits_max);
	rdma->sc_calls_window = jiffies;
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

/* Builds what a client has asked for, and answers it. Holds a reference. */
static void svc_rdma_connect_work(struct work_struct *work)
{
	struct svcxprt_rdma *rdma =
		container_of(work, struct svcxprt_rdma, sc_connect_work);
	int ret = svc_rdma_connect(rdma);

	if (ret) {
		svc_rdma_close(rdma);
		/* Unless it was abandoned meanwhile, which is why it failed. */
		if (svc_rdma_accept_drop(rdma, SVC_RDMA_accepts_failed))
			pr_warn_ratelimited("svcrdma: no connection for %s: error %d\n",
					    rdma->sc_xprt.xpt_remotebuf, ret);
	}
	svc_xprt_put(&rdma->sc_xprt);
}

/* xpo_accept: an nfsd thread takes over what is ready. */
struct svc_xprt *svc_rdma_accept(struct svc_xprt *xprt)
{
	struct svcxprt_rdma *rdma = svc_rdma_accept_next(svc_rdma_of(xprt));

	if (!rdma)
		return NULL;
	trace_svc_rdma_accepted(rdma);
	svc_rdma_count(SVC_RDMA_live_connections);
	rdma->sc_accepted = true;
	/* sunrpc's own reference takes over from here. */
	module_put(THIS_MODULE);
	return &rdma->sc_xprt;
}
