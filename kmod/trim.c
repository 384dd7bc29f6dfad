// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small idle connections: what a burst has left behind is given back.
 *
 * Free contexts are kept for the next burst, but not for ever. When the quiet
 * timer (release.c) has nothing left to look after, the trim timer takes over:
 * if nobody passes by for a while it enqueues the transport, and the nfsd thread
 * that comes finds nothing to receive and frees them. Receives that are posted
 * cannot be taken back; as long as a client uses few of them, they are not
 * replaced (recv.c).
 */
#include "svcrdma.h"

/* Jiffies without a visit until a connection counts as idle. */
#define SVC_RDMA_TRIM_IDLE	(2 * HZ)

static bool svc_rdma_has_excess(const struct svcxprt_rdma *rdma)
{
	/*
	 * The receiver may be changing its counts (recv.c): a wrong answer costs
	 * a visit, or waits for the next burst.
	 */
	return data_race(rdma->sc_recv_ctxts > rdma->sc_recvs_posted) ||
	       atomic_read(&rdma->sc_send_ctxts) > SVC_RDMA_SEND_KEEP;
}

static void svc_rdma_start_trim_timer(struct svcxprt_rdma *rdma)
{
	WRITE_ONCE(rdma->sc_trim_seen, READ_ONCE(rdma->sc_passes));
	mod_timer(&rdma->sc_trim_timer, jiffies + SVC_RDMA_TRIM_IDLE);
}

/**
 * svc_rdma_watch_idle - free contexts that turn out not to be needed
 * @rdma: connection, nothing in flight
 *
 * The quiet timer only.
 */
void svc_rdma_watch_idle(struct svcxprt_rdma *rdma)
{
	if (svc_rdma_has_excess(rdma) && !timer_pending(&rdma->sc_trim_timer))
		svc_rdma_start_trim_timer(rdma);
}

/**
 * svc_rdma_trim_timer - find out whether a connection is idle
 * @timer: sc_trim_timer of a connection
 *
 * Softirq.
 */
void svc_rdma_trim_timer(struct timer_list *timer)
{
	struct svcxprt_rdma *rdma =
		container_of(timer, struct svcxprt_rdma, sc_trim_timer);

	if (svc_rdma_closing(rdma) || !svc_rdma_has_excess(rdma))
		return;
	if (READ_ONCE(rdma->sc_passes) != READ_ONCE(rdma->sc_trim_seen)) {
		svc_rdma_start_trim_timer(rdma);
		return;
	}
	WRITE_ONCE(rdma->sc_trim, true);
	svc_rdma_enqueue(rdma);
}

/**
 * svc_rdma_trim - free the contexts that nobody uses
 * @rdma: connection
 *
 * The receiver, when it has found nothing to receive. May sleep.
 */
void svc_rdma_trim(struct svcxprt_rdma *rdma)
{
	WRITE_ONCE(rdma->sc_trim, false);
	svc_rdma_count(SVC_RDMA_trims);
	svc_rdma_recv_ctxts_trim(rdma);
	svc_rdma_send_ctxts_trim(rdma);
}
