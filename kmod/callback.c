// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls to the client, as they pass: when they may go, and what becomes of the replies
 * (RFC 8167). Who makes them, and what sunrpc wants for it, is in backchannel.c.
 *
 * The client's replies need Receives beside those that its calls have been granted.
 * The receiver posts them when it finds that there is an rpc_xprt; until then no call
 * is sent.
 */
#include <linux/sunrpc/clnt.h>
#include <linux/sunrpc/xprt.h>

#include "svcrdma.h"

/**
 * svc_rdma_bc_xprt - the rpc_xprt that carries a connection's calls
 * @rdma: connection, referenced by the caller
 *
 * Any context. Returns NULL if none can have been made yet. With a switch there is
 * one, and it remains as long as the connection.
 */
struct rpc_xprt *svc_rdma_bc_xprt(struct svcxprt_rdma *rdma)
{
	/* Pairs with the barrier in svc_rdma_bc_claim(). */
	if (!smp_load_acquire(&rdma->sc_xprt.xpt_bc_xps))
		return NULL;
	/* Pairs with the release there. */
	return smp_load_acquire(&rdma->sc_bc_xprt);
}

/**
 * svc_rdma_bc_is_covered - whether the client's replies find Receives
 * @rdma: connection, referenced by the caller
 * @xprt: wants to call the client over it
 *
 * rpciod. If they do not yet, sunrpc lets every call wait until svc_rdma_bc_cover().
 */
bool svc_rdma_bc_is_covered(struct svcxprt_rdma *rdma, struct rpc_xprt *xprt)
{
	/* Posted before: pairs with the release in svc_rdma_bc_cover(). */
	if (likely(smp_load_acquire(&rdma->sc_bc_covered)))
		return true;
	xprt_wait_for_buffer_space(xprt);
	smp_mb__after_atomic();	/* then look: pairs with the barrier there */
	if (!smp_load_acquire(&rdma->sc_bc_covered))
		return false;
	xprt_write_space(xprt);
	return true;
}

/**
 * svc_rdma_bc_cover - the client's replies have Receives: it may be called
 * @rdma: connection
 *
 * The receiver.
 */
void svc_rdma_bc_cover(struct svcxprt_rdma *rdma)
{
	struct rpc_xprt *xprt;

	/* The Receives first: pairs with svc_rdma_bc_is_covered(). */
	smp_store_release(&rdma->sc_bc_covered, true);
	/*
	 * Said first, looked second: pairs with the barrier there. Where there is no
	 * switch yet nobody waits, because without it no call is made.
	 */
	smp_mb();
	xprt = svc_rdma_bc_xprt(rdma);
	if (xprt)
		xprt_write_space(xprt);
}

/**
 * svc_rdma_bc_is_reply - whether a message answers a call of ours
 * @ctxt: decoded
 *
 * Such messages are inline and come without chunks (RFC 8167 section 4).
 */
bool svc_rdma_bc_is_reply(const struct svc_rdma_recv_ctxt *ctxt)
{
	const struct rpcrdma_hdr *hdr = &ctxt->rc_hdr;

	return hdr->is_reply && !hdr->read_segments && !hdr->write_chunks &&
	       !hdr->has_reply;
}

/**
 * svc_rdma_bc_awaits - whether a call of ours waits for the reply to an XID
 * @rdma: connection, referenced by the caller
 * @xid: in host order
 *
 * Any thread.
 */
bool svc_rdma_bc_awaits(struct svcxprt_rdma *rdma, u32 xid)
{
	struct rpc_xprt *xprt = svc_rdma_bc_xprt(rdma);
	bool awaited;

	if (!xprt)
		return false;
	spin_lock(&xprt->queue_lock);
	awaited = xprt_lookup_rqst(xprt, cpu_to_be32(xid));
	spin_unlock(&xprt->queue_lock);
	return awaited;
}

/* Finds the call, and copies the reply to where it wants it. */
static bool svc_rdma_bc_complete(struct rpc_xprt *xprt,
				 const struct svc_rdma_recv_ctxt *ctxt)
{
	const struct rpcrdma_hdr *hdr = &ctxt->rc_hdr;
	unsigned long window = clamp_t(u32, hdr->credits, 1, xprt->max_reqs);
	struct rpc_rqst *req;
	bool found = false;

	/* The client's grant holds before the slot of this reply is reused. */
	spin_lock(&xprt->transport_lock);
	xprt->cwnd = window << RPC_CWNDSHIFT;
	spin_unlock(&xprt->transport_lock);

	spin_lock(&xprt->queue_lock);
	req = xprt_lookup_rqst(xprt, cpu_to_be32(hdr->xid));
	if (req && hdr->inline_length <= req->rq_rcv_buf.head[0].iov_len) {
		req->rq_private_buf = req->rq_rcv_buf;
		memcpy(req->rq_private_buf.head[0].iov_base,
		       ctxt->rc_buf + hdr->length, hdr->inline_length);
		xprt_complete_rqst(req->rq_task, hdr->inline_length);
		found = true;
	}
	spin_unlock(&xprt->queue_lock);
	return found;
}

/**
 * svc_rdma_bc_reply - handle the reply to a call of ours
 * @rdma: connection, referenced by the caller
 * @ctxt: svc_rdma_bc_is_reply(); remains the caller's
 *
 * One that answers no call, or is larger than its buffer, is dropped and
 * counted.
 */
void svc_rdma_bc_reply(struct svcxprt_rdma *rdma,
		       const struct svc_rdma_recv_ctxt *ctxt)
{
	struct rpc_xprt *xprt = svc_rdma_bc_xprt(rdma);

	if (xprt && svc_rdma_bc_complete(xprt, ctxt))
		svc_rdma_count(SVC_RDMA_backchannel_replies);
	else
		svc_rdma_count(SVC_RDMA_backchannel_drops);
}
