// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Send Queue: who may post, and who has to wait.
 *
 * Every Send context has an entry of the queue of its own, so a Send never waits.
 * The other entries are for RDMA Writes and Reads: a chain that needs more of them
 * than are left is parked on its connection, behind those that are parked already,
 * and the thread goes on. Nobody waits for a peer. A reply without RDMA Writes
 * overtakes what is parked; what is posted it cannot overtake on any device.
 *
 * Parked chains are posted by whoever polls the Send queue and finds that there is
 * room: each thread that passes by. The one that parks a chain sees to it that
 * somebody will: it polls, arms the queue, and looks again.
 */
#include "svcrdma.h"
#include "fault.h"
#include "trace.h"

static s64 svc_rdma_sq_cost(unsigned int entries)
{
	return SVC_RDMA_SQ_CHAIN + entries;
}

/* Takes entries for a chain, if there are as many. A chain without always fits. */
static bool svc_rdma_sq_reserve(struct svcxprt_rdma *rdma, unsigned int entries)
{
	s64 used = atomic64_add_return(svc_rdma_sq_cost(entries),
				       &rdma->sc_sq_used);

	if (!entries || (u32)used <= rdma->sc_sq_shared)
		return true;
	atomic64_sub(svc_rdma_sq_cost(entries), &rdma->sc_sq_used);
	return false;
}

/**
 * svc_rdma_sq_return - give back the entries of a chain that has completed
 * @rdma: connection
 * @entries: that its RDMA Writes or Reads took
 *
 * Completion handlers, as their last step: the queue counts as idle only when
 * nothing is left to append. svc_rdma_send_poll() looks for parked chains after it.
 */
void svc_rdma_sq_return(struct svcxprt_rdma *rdma, unsigned int entries)
{
	unsigned long now = jiffies;

	if (READ_ONCE(rdma->sc_sq_moved) != now)
		WRITE_ONCE(rdma->sc_sq_moved, now);
	atomic64_sub(svc_rdma_sq_cost(entries), &rdma->sc_sq_used);
}

/*
 * Posts a chain whose entries are reserved. One that the device does not take, or
 * not all of, ends the connection; it is released when the queue pair is drained,
 * because only that proves that the device is through with it.
 */
static void svc_rdma_sq_post_now(struct svcxprt_rdma *rdma,
				 struct svc_rdma_chain *chain)
{
	const struct ib_send_wr *bad = chain->first;
	int ret;

	trace_svc_rdma_post(rdma, chain->first);
	/* Until it is posted: see svc_rdma_credits_cut(). */
	rcu_read_lock();
	if (chain->reply)
		svc_rdma_credits_tell(rdma, chain->reply);
	ret = svc_rdma_fault_post_send(rdma->sc_qp, chain->first, &bad);
	rcu_read_unlock();
	if (likely(!ret))
		return;

	llist_add(&chain->orphan, &rdma->sc_orphans);
	svc_rdma_count(SVC_RDMA_post_failures);
	trace_svc_rdma_post_failed(rdma, chain->entries, ret);
	svc_rdma_close(rdma);
}

/*
 * Posts parked chains as far as there is room, in the order in which they came.
 * Under the lock, so that nobody posts a later one first; posting does not sleep.
 */
void svc_rdma_sq_unpark(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_chain *chain;

	spin_lock(&rdma->sc_sq_lock);
	while (!svc_rdma_closing(rdma)) {
		chain = list_first_entry_or_null(&rdma->sc_sq_parked,
						 struct svc_rdma_chain, parked);
		if (!chain || !svc_rdma_sq_reserve(rdma, chain->entries))
			break;
		list_del(&chain->parked);
		trace_svc_rdma_unparked(rdma, chain);
		svc_rdma_sq_post_now(rdma, chain);
	}
	spin_unlock(&rdma->sc_sq_lock);
}

static void svc_rdma_sq_park(struct svcxprt_rdma *rdma,
			     struct svc_rdma_chain *chain)
{
	svc_rdma_count(SVC_RDMA_parked);
	spin_lock(&rdma->sc_sq_lock);
	list_add_tail(&chain->parked, &rdma->sc_sq_parked);
	/* Under the lock: the trace shows the line's own order. */
	trace_svc_rdma_parked(rdma, chain);
	spin_unlock(&rdma->sc_sq_lock);

	/*
	 * Appended, then tried to reserve; whoever gives entries back does so
	 * first and looks at the list second (svc_rdma_send_poll()). One of the
	 * two posts the chain. Entries that another thread took for a moment, and
	 * could not use, come back before that thread is here.
	 */
	smp_mb();
	svc_rdma_sq_unpark(rdma);
	if (!svc_rdma_sq_all_posted(rdma))
		svc_rdma_send_watch(rdma);
}

/**
 * svc_rdma_sq_post - post a chain of Work Requests, now or when there is room
 * @rdma: connection
 * @chain: its last Work Request, and only that, is signalled. Not the caller's any
 *	   more: it completes, or is released when the connection is freed
 *
 * Process context; does not sleep. A failure closes the connection.
 */
void svc_rdma_sq_post(struct svcxprt_rdma *rdma, struct svc_rdma_chain *chain)
{
	if (unlikely(chain->entries > rdma->sc_sq_shared)) {
		/* It would wait for ever; whoever made it has not asked. */
		llist_add(&chain->orphan, &rdma->sc_orphans);
		svc_rdma_count(SVC_RDMA_post_failures);
		trace_svc_rdma_post_failed(rdma, chain->entries, -E2BIG);
		svc_rdma_close(rdma);
	} else if ((!chain->entries || svc_rdma_sq_all_posted(rdma)) &&
		   svc_rdma_sq_reserve(rdma, chain->entries)) {
		svc_rdma_sq_post_now(rdma, chain);
	} else {
		svc_rdma_sq_park(rdma, chain);
	}
}

/**
 * svc_rdma_sq_abandon - what is parked will not be posted any more
 * @rdma: connection, closed; no thread is inside it
 */
void svc_rdma_sq_abandon(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_chain *chain, *next;

	list_for_each_entry_safe(chain, next, &rdma->sc_sq_parked, parked) {
		list_del(&chain->parked);
		llist_add(&chain->orphan, &rdma->sc_orphans);
	}
}
