// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reverse-direction RPC (RFC 8167): NFSv4.1 and later call the client back over
 * the connection that the client made. How calls and replies pass is in callback.c.
 *
 * To the RPC client half of sunrpc this is an rpc_xprt that is connected until its
 * connection ends, and never connects; nfsd finds it by our class ident. Calls and
 * replies are inline and without chunks, in both directions: a call is copied into
 * a Send context, a reply into the caller's receive buffer, so no buffer of the
 * RPC layer is ever with the device.
 *
 * Several clients of nfsd may share a connection, and each asks for an rpc_xprt:
 * the first gets the one that carries all calls (sc_bc_xprt), any other a mere
 * handle. sunrpc keeps a switch for each connection (xpt_bc_xps), which the
 * first asker fills, and all calls go where the switch says. A handle is needed
 * because sunrpc initialises whatever set-up returns: it must be new. Nor can
 * sunrpc be left to find the first one by itself (xpt_bc_xprt): it would use it,
 * and fill the switch a second time, while the first asker is at it.
 *
 * Lifetime: the switch belongs to the connection and holds a reference to the
 * rpc_xprt that carries calls; so does every client of sunrpc that calls over it.
 * nfsd holds a reference to the connection as long as it may call back over it,
 * which means that no call outlives the connection. The rpc_xprt may, as long as
 * nfsd winds down its client; it does not know the connection any more then, but
 * holds a reference to this module.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include <linux/sunrpc/addr.h>
#include <linux/sunrpc/clnt.h>
#include <linux/sunrpc/xprt.h>

#include "svcrdma.h"
#include "strain.h"
#include "trace.h"

/**
 * struct svc_rdma_bc - what nfsd calls back through
 * @xprt: sunrpc's part, first because sunrpc allocates and frees it
 * @rdma: the connection, in the one that carries its calls; NULL in a handle and
 *	  when the connection is gone
 */
struct svc_rdma_bc {
	struct rpc_xprt		xprt;
	struct svcxprt_rdma	*rdma;
};

/*
 * Protects sc_bc_xprt of every connection and @rdma: a connection and its rpc_xprt
 * may be freed in either order, each by a work item. Calls and replies need it
 * not: whoever makes them holds what they use.
 */
static DEFINE_MUTEX(svc_rdma_bc_mutex);

static struct svc_rdma_bc *svc_rdma_bc_of(struct rpc_xprt *xprt)
{
	return container_of(xprt, struct svc_rdma_bc, xprt);
}

/* One buffer for the call and, behind it, the reply. */
static int svc_rdma_bc_buf_alloc(struct rpc_task *task)
{
	struct rpc_rqst *rqst = task->tk_rqstp;
	size_t size = rqst->rq_callsize + rqst->rq_rcvsize;

	rqst->rq_buffer = kmalloc(size, GFP_NOIO | __GFP_NOWARN);
	if (!rqst->rq_buffer)
		return -ENOMEM;
	rqst->rq_rbuffer = rqst->rq_buffer + rqst->rq_callsize;
	return 0;
}

static void svc_rdma_bc_buf_free(struct rpc_task *task)
{
	kfree(task->tk_rqstp->rq_buffer);
}

/*
 * Called by rpciod, which serves everybody: does not wait for Send Queue space.
 * sunrpc tries again a quarter of a second after -ENOBUFS.
 *
 * So it does on a connection that is about to be closed. Were the call refused,
 * nfsd would come back with it at once, again and again, until one of its threads
 * has closed the connection and told it to look for another.
 */
static int svc_rdma_bc_send_request(struct rpc_rqst *rqst)
{
	struct rpc_xprt *xprt = rqst->rq_xprt;
	struct svcxprt_rdma *rdma = svc_rdma_bc_of(xprt)->rdma;
	int ret;

	/* Closed before nfsd had its rpc_xprt, so nobody has disconnected that. */
	if (!rdma || test_bit(XPT_DEAD, &rdma->sc_xprt.xpt_flags)) {
		xprt_disconnect_done(xprt);
		return -ENOTCONN;
	}
	if (svc_rdma_closing(rdma))
		return -ENOBUFS;
	if (!svc_rdma_bc_is_covered(rdma, xprt))
		return -EAGAIN;
	ret = svc_rdma_send_call(rdma, be32_to_cpu(rqst->rq_xid),
				 &rqst->rq_snd_buf);
	if (ret)
		return svc_rdma_closing(rdma) ? -ENOBUFS : ret;
	rqst->rq_xtime = ktime_get();
	return 0;
}

static void svc_rdma_bc_close(struct rpc_xprt *xprt)
{
	xprt_disconnect_done(xprt);
}

static void svc_rdma_bc_free(struct rpc_xprt *xprt)
{
	kfree(xprt->address_strings[RPC_DISPLAY_ADDR]);
	kfree(xprt->address_strings[RPC_DISPLAY_PORT]);
	kfree(xprt->address_strings[RPC_DISPLAY_HEX_ADDR]);
	kfree(xprt->address_strings[RPC_DISPLAY_HEX_PORT]);
	xprt_free(xprt);
}

static void svc_rdma_bc_destroy(struct rpc_xprt *xprt)
{
	struct svc_rdma_bc *bc = svc_rdma_bc_of(xprt);

	/* sunrpc may have failed to make a client of it: another may be set up. */
	mutex_lock(&svc_rdma_bc_mutex);
	if (bc->rdma)
		bc->rdma->sc_bc_xprt = NULL;
	mutex_unlock(&svc_rdma_bc_mutex);

	svc_rdma_bc_free(xprt);
	module_put(THIS_MODULE);
}

static void svc_rdma_bc_print_stats(struct rpc_xprt *xprt, struct seq_file *seq)
{
	seq_printf(seq, "\txprt:\tsvcrdma-bc %lu %lu %lu\n", xprt->stat.sends,
		   xprt->stat.recvs, xprt->stat.bad_xids);
}

static const struct rpc_xprt_ops svc_rdma_bc_ops = {
	.alloc_slot		= xprt_alloc_slot,
	.buf_alloc		= svc_rdma_bc_buf_alloc,
	.reserve_xprt		= xprt_reserve_xprt_cong,
	.send_request		= svc_rdma_bc_send_request,
	.release_xprt		= xprt_release_xprt_cong,
	.wait_for_reply_request	= xprt_wait_for_reply_request_def,
	.release_request	= xprt_release_rqst_cong,
	.buf_free		= svc_rdma_bc_buf_free,
	.free_slot		= xprt_free_slot,

	.print_stats		= svc_rdma_bc_print_stats,
	.close			= svc_rdma_bc_close,
	.destroy		= svc_rdma_bc_destroy,
};

/* Jiffies. nfsd sets its own; this is for whoever does not. */
static const struct rpc_timeout svc_rdma_bc_timeout = {
	.to_initval	= 60 * HZ,
	.to_maxval	= 60 * HZ,
};

/* Every string must be there: sunrpc shows them in sysfs and in traces. */
static int svc_rdma_bc_format_address(struct rpc_xprt *xprt)
{
	const struct sockaddr *sap = (struct sockaddr *)&xprt->addr;
	const struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)sap;
	const struct sockaddr_in *sin = (struct sockaddr_in *)sap;
	const char **strings = xprt->address_strings;

	strings[RPC_DISPLAY_ADDR] = kasprintf(GFP_KERNEL, "%pISc", sap);
	strings[RPC_DISPLAY_PORT] = kasprintf(GFP_KERNEL, "%u",
					      rpc_get_port(sap));
	strings[RPC_DISPLAY_HEX_ADDR] =
		sap->sa_family == AF_INET6 ?
		kasprintf(GFP_KERNEL, "%pi6", &sin6->sin6_addr) :
		kasprintf(GFP_KERNEL, "%08x", ntohl(sin->sin_addr.s_addr));
	strings[RPC_DISPLAY_HEX_PORT] = kasprintf(GFP_KERNEL, "%4hx",
						  rpc_get_port(sap));
	strings[RPC_DISPLAY_PROTO] = "rdma";
	strings[RPC_DISPLAY_NETID] = sap->sa_family == AF_INET6 ?
				     RPCBIND_NETID_RDMA6 : RPCBIND_NETID_RDMA;
	return strings[RPC_DISPLAY_ADDR] && strings[RPC_DISPLAY_PORT] &&
	       strings[RPC_DISPLAY_HEX_ADDR] && strings[RPC_DISPLAY_HEX_PORT] ?
	       0 : -ENOMEM;
}

static struct rpc_xprt *svc_rdma_bc_setup(struct xprt_create *args);

/* A class in no list of names: only nfsd, by the ident, asks for it. */
static struct xprt_class svc_rdma_bc_class = {
	.list	= LIST_HEAD_INIT(svc_rdma_bc_class.list),
	.name	= "svcrdma backchannel",
	.owner	= THIS_MODULE,
	.ident	= SVC_RDMA_IDENT | XPRT_TRANSPORT_BC,
	.setup	= svc_rdma_bc_setup,
	.netid	= { "" },
};

static struct rpc_xprt *svc_rdma_bc_alloc(const struct svcxprt_rdma *rdma,
					  const struct xprt_create *args)
{
	struct rpc_xprt *xprt;
	int ret;

	if (args->dstaddr->sa_family != AF_INET &&
	    args->dstaddr->sa_family != AF_INET6)
		return ERR_PTR(-EAFNOSUPPORT);
	if (args->addrlen > sizeof(xprt->addr))
		return ERR_PTR(-EINVAL);

	xprt = xprt_alloc(args->net, sizeof(struct svc_rdma_bc),
			  rdma->sc_bc_credits, rdma->sc_bc_credits);
	if (!xprt)
		return ERR_PTR(-ENOMEM);
	memcpy(&xprt->addr, args->dstaddr, args->addrlen);
	xprt->addrlen = args->addrlen;
	ret = svc_rdma_bc_format_address(xprt);
	if (ret) {
		svc_rdma_bc_free(xprt);
		return ERR_PTR(ret);
	}

	xprt->xprt_class = &svc_rdma_bc_class;
	xprt->ops = &svc_rdma_bc_ops;
	xprt->prot = svc_rdma_bc_class.ident;
	xprt->timeout = &svc_rdma_bc_timeout;
	xprt->max_payload = rdma->sc_inline_size;
	xprt_set_bound(xprt);
	/* It outlives the connection while the RPC client winds down. */
	__module_get(THIS_MODULE);
	return xprt;
}

/* Whether @xprt, complete but not connected, is to carry the connection's calls. */
static bool svc_rdma_bc_claim(struct svcxprt_rdma *rdma, struct rpc_xprt *xprt)
{
	bool first;

	mutex_lock(&svc_rdma_bc_mutex);
	first = !rdma->sc_bc_xprt;
	if (first) {
		svc_rdma_bc_of(xprt)->rdma = rdma;
		xprt->bc_xprt = &rdma->sc_xprt;
		xprt_set_connected(xprt);
		WRITE_ONCE(rdma->sc_bc_covered, false);
		/* Complete before the receiver finds it: see svc_rdma_bc_xprt(). */
		smp_store_release(&rdma->sc_bc_xprt, xprt);
	}
	mutex_unlock(&svc_rdma_bc_mutex);
	/* Before sunrpc sets xpt_bc_xps; pairs with svc_rdma_bc_xprt(). */
	smp_wmb();
	return first;
}

/*
 * nfsd wants to call back over args->bc_xprt, to which it holds a reference. May
 * sleep.
 *
 * Several may ask at once. Whoever is not the first waits until the first one's
 * switch is there, a few allocations later in sunrpc, or until sunrpc has given it
 * up, and then tries to be the first itself.
 */
static struct rpc_xprt *svc_rdma_bc_setup(struct xprt_create *args)
{
	struct svcxprt_rdma *rdma;
	struct rpc_xprt *xprt;

	/* Through sysfs one can ask without a connection. */
	if (!args->bc_xprt)
		return ERR_PTR(-EINVAL);
	rdma = svc_rdma_of(args->bc_xprt);
	xprt = svc_rdma_bc_alloc(rdma, args);
	if (IS_ERR(xprt))
		return xprt;

	while (!svc_rdma_bc_claim(rdma, xprt)) {
		if (READ_ONCE(args->bc_xprt->xpt_bc_xps))
			return xprt;
		usleep_range(100, 1000);
	}
	svc_rdma_strain_bc_setup();
	/* For whoever posts the Receives that replies need. */
	svc_rdma_enqueue(rdma);
	return xprt;
}

/**
 * svc_rdma_bc_detach - no call will be answered any more
 * @rdma: connection, XPT_DEAD
 *
 * May sleep. Calls that wait for their replies fail now, and others when they are
 * made.
 */
void svc_rdma_bc_detach(struct svcxprt_rdma *rdma)
{
	struct rpc_xprt *xprt = svc_rdma_bc_xprt(rdma);

	if (xprt)
		xprt_disconnect_done(xprt);
}

/**
 * svc_rdma_bc_forget - the connection is about to be freed
 * @rdma: connection, its last reference gone
 *
 * May sleep.
 */
void svc_rdma_bc_forget(struct svcxprt_rdma *rdma)
{
	mutex_lock(&svc_rdma_bc_mutex);
	if (rdma->sc_bc_xprt)
		svc_rdma_bc_of(rdma->sc_bc_xprt)->rdma = NULL;
	mutex_unlock(&svc_rdma_bc_mutex);
}

/* Returns 0 or a negative errno. May sleep. */
int svc_rdma_bc_init(void)
{
	return xprt_register_transport(&svc_rdma_bc_class);
}

void svc_rdma_bc_exit(void)
{
	xprt_unregister_transport(&svc_rdma_bc_class);
}
