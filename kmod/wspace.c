// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write space: threads that cannot send their reply, because the client takes
 * what it has been sent slowly, or not at all.
 *
 * As long as one waits, sunrpc calls no more threads to the connection: they
 * would only come to wait, too, until none is left for anybody else. A client
 * that takes nothing at all for a while loses its connection, because nothing
 * else ends the wait: an adapter repeats a Send for ever if the client, which
 * chooses how often (rnr_retry_count), wants it to.
 */
#include "svcrdma.h"

/*
 * Jiffies. A network that loses packets delivers something in this time; a client
 * that stood still for longer has to connect anew.
 */
#define SVC_RDMA_STALL	(10 * HZ)

/**
 * svc_rdma_wait_begin - the calling thread cannot send now
 * @rdma: connection
 *
 * From here on xpo_has_wspace is false and enqueues are refused, those that are
 * to make a thread drain included: until svc_rdma_wait_end() the caller polls
 * the Send queue and drains.
 */
void svc_rdma_wait_begin(struct svcxprt_rdma *rdma)
{
	atomic_inc(&rdma->sc_waiting);
}

/**
 * svc_rdma_wait_end - the calling thread waits no more
 * @rdma: connection
 *
 * While it waited enqueues were refused. What self-enqueues were for it has done
 * itself; the others are made up for, if there is still a reason.
 */
void svc_rdma_wait_end(struct svcxprt_rdma *rdma)
{
	atomic_dec(&rdma->sc_waiting);
	smp_mb__after_atomic();	/* pairs with svc_rdma_enqueue() */
	svc_xprt_enqueue(&rdma->sc_xprt);
}

/**
 * svc_rdma_stalled - whether there is no point in waiting any longer
 * @rdma: connection
 * @since: jiffies when the calling thread began to wait
 *
 * Returns true, with the connection closing, if the client has taken nothing for
 * too long while the caller waited.
 */
bool svc_rdma_stalled(struct svcxprt_rdma *rdma, unsigned long since)
{
	unsigned long moved = READ_ONCE(rdma->sc_sq_moved);

	if (time_after(moved, since))
		since = moved;
	if (time_before(jiffies, since + SVC_RDMA_STALL))
		return false;
	svc_rdma_count(SVC_RDMA_stalls);
	svc_rdma_close(rdma);
	return true;
}

/**
 * svc_rdma_has_wspace - whether the transport may be given more to do
 * @xprt: connection or listener
 *
 * Any context.
 */
int svc_rdma_has_wspace(struct svc_xprt *xprt)
{
	return !atomic_read(&svc_rdma_of(xprt)->sc_waiting);
}
