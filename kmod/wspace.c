// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write space: whether a connection may be given more to do, and for how long a
 * client may take nothing.
 *
 * A call is taken from the queue when its reply has a place: a Send context, and
 * room in the budget. As long as the next call has none the connection is blocked:
 * sunrpc brings no threads to it, the call stays where it is, and the threads serve
 * others. Whatever comes back, from a completion or from a thread that is done,
 * unblocks it.
 *
 * An adapter repeats a Send for ever if the client, which chooses how often
 * (rnr_retry_count), wants it to, and some repeat for ever a request that a silent
 * client does not acknowledge. So the module has a deadline of its own.
 */
#include "svcrdma.h"

/**
 * svc_rdma_block - the next call has to stay where it is
 * @rdma: connection; the calling thread has found no place for it
 *
 * From here on enqueues are refused until somebody gives a place back. The caller
 * looks again afterwards: what was given back before is found, what is given back
 * from now on unblocks.
 */
void svc_rdma_block(struct svcxprt_rdma *rdma)
{
	set_bit(SVC_RDMA_BLOCKED, &rdma->sc_flags);
	smp_mb__after_atomic();	/* pairs with svc_rdma_unblock() */
}

/**
 * svc_rdma_unblock_now - let the next call be taken, if it stays for want of a place
 * @rdma: connection
 *
 * Any context. If there still is no place the thread that comes blocks again.
 */
void svc_rdma_unblock_now(struct svcxprt_rdma *rdma)
{
	if (test_and_clear_bit(SVC_RDMA_BLOCKED, &rdma->sc_flags))
		svc_rdma_enqueue(rdma);
}

/*
 * TCP, below iWARP, repeats what the network has lost after ever longer pauses. Where
 * the network is so busy that a round trip takes seconds, the first two of them alone
 * are longer than the deadline.
 */
static unsigned long svc_rdma_long_deadline(const struct svcxprt_rdma *rdma,
					    unsigned long deadline)
{
	return rdma_protocol_iwarp(rdma->sc_cm_id->device, rdma->sc_port_num) ?
	       2 * deadline : deadline;
}

/**
 * svc_rdma_watch_stall - close a connection whose client has taken nothing for too long
 * @rdma: connection; the caller has just polled its Send queue
 *
 * Counts from the last completion, or from the moment when something was in flight
 * again: a slow network delivers something in this time. The quiet timer brings a
 * thread as long as something is in flight. A thread, not the timer, decides: where
 * all threads are busy elsewhere, completions may lie in the queue.
 */
void svc_rdma_watch_stall(struct svcxprt_rdma *rdma)
{
	unsigned long since, moved, deadline;

	/* Nothing was in flight until just now. */
	if (!timer_pending(&rdma->sc_quiet_timer))
		return;
	smp_rmb();	/* pairs with svc_rdma_watch_quiet() */
	since = READ_ONCE(rdma->sc_quiet_since);
	moved = READ_ONCE(rdma->sc_sq_moved);
	if (time_after(moved, since))
		since = moved;
	deadline = svc_rdma_setting(SVC_RDMA_SETTING_DEADLINE) * HZ;
	if (likely(time_before(jiffies, since + deadline)) ||
	    time_before(jiffies, since + svc_rdma_long_deadline(rdma, deadline)) ||
	    svc_rdma_all_sent(rdma) || svc_rdma_closing(rdma))
		return;
	svc_rdma_count(SVC_RDMA_stalls);
	svc_rdma_close(rdma);
}

/**
 * svc_rdma_has_wspace - whether the transport may be given more to do
 * @xprt: connection or listener
 *
 * Any context. A call that has been read has its place already, and so has one that
 * was deferred (svc_defer()): they hold what the next call waits for, and must not
 * wait themselves.
 */
int svc_rdma_has_wspace(struct svc_xprt *xprt)
{
	struct svcxprt_rdma *rdma = svc_rdma_of(xprt);

	return !svc_rdma_blocked(rdma) ||
	       atomic_read(&rdma->sc_reads_done) ||
	       test_bit(XPT_DEFERRED, &xprt->xpt_flags);
}
