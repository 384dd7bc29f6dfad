// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accounting of the Send Queue: every Work Request has its entry reserved
 * before it is posted, and the completion at the end of its chain gives the
 * entries back.
 *
 * Waiting: threads that find no space stand in line and are served in the order
 * in which they came; a newcomer does not take what the first of them waits for.
 * The first in line polls and arms the Send queue by itself: it relies on nobody
 * else to notice completions. The others sleep until the line moves.
 */
#include <linux/completion.h>

#include "svcrdma.h"
#include "fault.h"
#include "trace.h"

/*
 * A thread's place in line; on its stack. @first: it stands at the head; @sqes:
 * what it waits for.
 */
struct svc_rdma_sq_place {
	struct list_head	entry;
	struct completion	first;
	unsigned int		sqes;
};

/* Gives back reserved entries and wakes who waits for them. */
static void svc_rdma_sq_give_back(struct svcxprt_rdma *rdma, unsigned int sqes)
{
	atomic_add(sqes, &rdma->sc_sq_avail);
	smp_mb__after_atomic();	/* pairs with svc_rdma_sq_wait() */
	if (atomic_read(&rdma->sc_sq_waiters))
		wake_up_all(&rdma->sc_sq_wait);
}

static bool svc_rdma_sq_try(struct svcxprt_rdma *rdma, unsigned int sqes)
{
	if (atomic_sub_return(sqes, &rdma->sc_sq_avail) >= 0)
		return true;
	svc_rdma_sq_give_back(rdma, sqes);
	return false;
}

/* Returns 0 at the head of the line, or a negative errno if being killed. */
static int svc_rdma_sq_line_up(struct svcxprt_rdma *rdma,
			       struct svc_rdma_sq_place *place)
{
	init_completion(&place->first);
	spin_lock(&rdma->sc_sq_lock);
	if (list_empty(&rdma->sc_sq_line))
		complete(&place->first);
	list_add_tail(&place->entry, &rdma->sc_sq_line);
	/* Under the lock: the trace shows the line's own order. */
	trace_svc_rdma_sq_wait(rdma, place->sqes);
	spin_unlock(&rdma->sc_sq_lock);
	return wait_for_completion_killable(&place->first);
}

/* From anywhere in the line: whoever is at its head afterwards knows it. */
static void svc_rdma_sq_step_out(struct svcxprt_rdma *rdma,
				 struct svc_rdma_sq_place *place)
{
	struct svc_rdma_sq_place *next;
	bool head;

	spin_lock(&rdma->sc_sq_lock);
	head = list_is_first(&place->entry, &rdma->sc_sq_line);
	list_del(&place->entry);
	trace_svc_rdma_sq_leave(rdma, place->sqes);
	next = list_first_entry_or_null(&rdma->sc_sq_line,
					struct svc_rdma_sq_place, entry);
	if (head && next)
		complete(&next->first);
	spin_unlock(&rdma->sc_sq_lock);
}

/* The caller stands at the head of the line. */
static int svc_rdma_sq_wait_space(struct svcxprt_rdma *rdma, unsigned int sqes)
{
	unsigned long since = jiffies;
	int seen, ret;

	for (;;) {
		/* Sampled first: an event from here on is one to wake up for. */
		seen = atomic_read(&rdma->sc_send_events);
		if (svc_rdma_closing(rdma) || svc_rdma_stalled(rdma, since))
			return -ENOTCONN;
		svc_rdma_send_poll(rdma);
		/* Who else would, while enqueues are refused? It may be long. */
		svc_rdma_send_ctxts_drain(rdma, SVC_RDMA_drained_by_sq_wait);
		if (svc_rdma_sq_try(rdma, sqes))
			return 0;
		if (svc_rdma_send_arm(rdma) > 0)
			continue;

		/*
		 * Another thread may poll what this one waits for, hence the
		 * second condition; svc_rdma_sq_return() wakes for it. The
		 * timeout is for sunrpc, which sets XPT_CLOSE without a word,
		 * and for a client that takes nothing any more.
		 */
		ret = wait_event_killable_timeout(rdma->sc_sq_wait,
						  atomic_read(&rdma->sc_send_events) != seen ||
						  atomic_read(&rdma->sc_sq_avail) >= (int)sqes ||
						  svc_rdma_closing(rdma), HZ);
		if (ret < 0)
			return ret;
	}
}

static int svc_rdma_sq_wait(struct svcxprt_rdma *rdma, unsigned int sqes)
{
	struct svc_rdma_sq_place place = { .sqes = sqes };
	int ret;

	svc_rdma_count(SVC_RDMA_sq_waits);

	svc_rdma_wait_begin(rdma);
	/* Either svc_rdma_sq_return() sees the waiter, or the waiter the entries. */
	atomic_inc(&rdma->sc_sq_waiters);
	smp_mb__after_atomic();	/* pairs with svc_rdma_sq_return() */
	ret = svc_rdma_sq_line_up(rdma, &place);
	if (!ret)
		ret = svc_rdma_sq_wait_space(rdma, sqes);
	svc_rdma_sq_step_out(rdma, &place);
	atomic_dec(&rdma->sc_sq_waiters);
	svc_rdma_wait_end(rdma);
	return ret;
}

/*
 * Returns 0, -ENOTCONN if the connection is closing, -E2BIG if the queue will
 * never have as many entries, -ENOBUFS if it has not and @may_sleep is false,
 * -EINTR or -ERESTARTSYS if the thread is being killed.
 */
static int svc_rdma_sq_reserve(struct svcxprt_rdma *rdma, unsigned int sqes,
			       bool may_sleep)
{
	if (sqes > rdma->sc_sq_depth)
		return -E2BIG;
	if (!atomic_read(&rdma->sc_sq_waiters) && svc_rdma_sq_try(rdma, sqes))
		return 0;
	return may_sleep ? svc_rdma_sq_wait(rdma, sqes) : -ENOBUFS;
}

/**
 * svc_rdma_sq_return - give back the entries of a chain that has completed
 * @rdma: connection
 * @sqes: how many; wakes who waits for them
 *
 * Completion handlers.
 */
void svc_rdma_sq_return(struct svcxprt_rdma *rdma, unsigned int sqes)
{
	WRITE_ONCE(rdma->sc_sq_moved, jiffies);
	svc_rdma_sq_give_back(rdma, sqes);
}

/**
 * svc_rdma_sq_post - post a chain of Work Requests
 * @rdma: connection
 * @first: the chain; its last Work Request, and only that, is signalled
 * @sqes: entries that the chain takes
 * @may_sleep: wait until there are as many
 * @posted: on failure: whether the device has taken a part of the chain
 *
 * Returns 0, and the completion of the last Work Request gives the entries back;
 * -ENOBUFS if there is no room and @may_sleep is false; or another negative
 * errno, and the connection is closing. After a failure, if @posted is false the
 * chain's resources are the caller's to release; if it is true they must stay
 * until the queue pair is drained, and so do the entries.
 */
int svc_rdma_sq_post(struct svcxprt_rdma *rdma, struct ib_send_wr *first,
		     unsigned int sqes, bool may_sleep, bool *posted)
{
	const struct ib_send_wr *bad = first;
	int ret;

	*posted = false;
	ret = svc_rdma_sq_reserve(rdma, sqes, may_sleep);
	if (ret == -ENOBUFS)
		return ret;
	if (ret)
		goto out_close;
	trace_svc_rdma_post(rdma, first, sqes);
	ret = svc_rdma_fault_post_send(rdma->sc_qp, first, &bad);
	if (!ret)
		return 0;

	*posted = bad != first;
	if (!*posted)
		svc_rdma_sq_give_back(rdma, sqes);

out_close:
	svc_rdma_count(SVC_RDMA_post_failures);
	trace_svc_rdma_post_failed(rdma, sqes, ret);
	svc_rdma_close(rdma);
	return ret;
}
