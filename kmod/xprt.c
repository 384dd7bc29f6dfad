// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every layer asks of sunrpc: that a thread of nfsd closes a connection, or comes
 * to it.
 */
#include "svcrdma.h"

/**
 * svc_rdma_close - close a connection, soon
 * @rdma: connection or listener
 *
 * Any context. An nfsd thread does it.
 */
void svc_rdma_close(struct svcxprt_rdma *rdma)
{
	/* Once is enough, and the last reference may be gone after that. */
	if (!svc_rdma_closing(rdma))
		svc_xprt_deferred_close(&rdma->sc_xprt);
}

/**
 * svc_rdma_enqueue - make an nfsd thread call xpo_recvfrom
 * @rdma: connection
 *
 * Any context. Refused, without loss, while a receiver is there (it looks at
 * XPT_DATA again when it lets go) and while the connection is blocked (whoever
 * unblocks it enqueues it).
 */
void svc_rdma_enqueue(struct svcxprt_rdma *rdma)
{
	set_bit(XPT_DATA, &rdma->sc_xprt.xpt_flags);
	svc_xprt_enqueue(&rdma->sc_xprt);
}
