// SPDX-License-Identifier: GPL-2.0-only
/*
 * The release list: what happens to a reply after its Send has completed.
 *
 * The completion handler gives the Send Queue entries back and appends the
 * context to sc_send_release_list, lock-free. nfsd threads take the whole list
 * and do the expensive part (unmap, release pages, recycle) between RPCs, when
 * the client has its reply already.
 *
 * Nothing stays on the list of an idle connection:
 *
 * - A thread of the service that appends drains on its way out, in
 *   xpo_release_ctxt. Any other thread that finds that it made the list
 *   non-empty enqueues the transport (the self-enqueue), and the nfsd thread
 *   that comes finds nothing to receive and drains.
 * - A thread that leaves Sends in flight, or contexts that others appended
 *   behind its back, starts the quiet timer. If nobody has passed by when it
 *   expires it self-enqueues, and goes on as long as there is anything left.
 *   So on an idle connection the bound is two periods of the timer after the
 *   completion, plus the time in which an nfsd thread is free.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/wait_bit.h>

#include "svcrdma.h"
#include "release_list.h"
#include "compat/compat.h"
#include "trace.h"

/*
 * Jiffies. Longer than the pause between two calls of a client that is merely
 * slow: at worst 5 wakeups a second, and none on an idle connection.
 */
#define SVC_RDMA_QUIET	msecs_to_jiffies(200)

/* Whether this thread will pass through xpo_release_ctxt before it idles. */
static bool svc_rdma_is_service_thread(const struct svcxprt_rdma *rdma)
{
	return (current->flags & PF_KTHREAD) &&
	       kthread_func(current) == rdma->sc_threadfn;
}

/* release=deferred: lock-free, allocates nothing, unmaps nothing. */
static void svc_rdma_release_by_drain(struct svcxprt_rdma *rdma,
				      struct svc_rdma_send_ctxt *ctxt)
{
	/*
	 * Appending is a full barrier and comes before set_bit(XPT_DATA): the
	 * thread that the enqueue wakes, and one that clears XPT_DATA after it
	 * was set here, find the context on the list. An enqueue refused
	 * because the transport is busy is not lost: the receiver looks at
	 * XPT_DATA again when it lets go. One refused because the connection is
	 * blocked is lost, but the quiet timer comes: it unblocks.
	 */
	if (svc_rdma_release_list_append(&rdma->sc_send_release_list,
					 &ctxt->sc_node) &&
	    !svc_rdma_is_service_thread(rdma))
		svc_rdma_self_enqueue(rdma);
}

static void svc_rdma_release_work(struct work_struct *work)
{
	struct svc_rdma_send_ctxt *ctxt =
		container_of(work, struct svc_rdma_send_ctxt, sc_work);
	struct svcxprt_rdma *rdma = ctxt->sc_rdma;

	svc_rdma_send_ctxt_release(rdma, ctxt);
	/* Last touch of the transport; pairs with svc_rdma_release_flush(). */
	if (atomic_dec_and_test(&rdma->sc_release_works))
		wake_up_var(&rdma->sc_release_works);
}

/* release=workqueue: what stock did before kernel 7.2. */
static void svc_rdma_release_by_work(struct svcxprt_rdma *rdma,
				     struct svc_rdma_send_ctxt *ctxt)
{
	atomic_inc(&rdma->sc_release_works);
	INIT_WORK(&ctxt->sc_work, svc_rdma_release_work);
	queue_work(svc_rdma_release_wq, &ctxt->sc_work);
}

static const struct svc_rdma_release_policy {
	const char *name;
	void (*completed)(struct svcxprt_rdma *rdma,
			  struct svc_rdma_send_ctxt *ctxt);
} svc_rdma_release_policies[] = {
	{ "deferred",	svc_rdma_release_by_drain },
	{ "workqueue",	svc_rdma_release_by_work },
	{ "inline",	svc_rdma_send_ctxt_release },
};

static const struct svc_rdma_release_policy *svc_rdma_release_policy =
	&svc_rdma_release_policies[0];

/**
 * svc_rdma_release_set_policy - choose who releases finished replies
 * @name: "deferred", "workqueue" or "inline"
 *
 * Before the transport class is registered only. Returns 0, or -EINVAL for any
 * other name.
 */
int svc_rdma_release_set_policy(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(svc_rdma_release_policies); i++) {
		if (!strcmp(name, svc_rdma_release_policies[i].name)) {
			svc_rdma_release_policy = &svc_rdma_release_policies[i];
			return 0;
		}
	}
	return -EINVAL;
}

/**
 * svc_rdma_send_ctxt_completed - hand a finished Send over for release
 * @rdma: connection
 * @ctxt: its Send has completed, successfully or not; not the caller's any more
 *
 * Called by the Send completion handler.
 */
void svc_rdma_send_ctxt_completed(struct svcxprt_rdma *rdma,
				  struct svc_rdma_send_ctxt *ctxt)
{
	svc_rdma_release_policy->completed(rdma, ctxt);
}

static void svc_rdma_send_ctxt_recycle(struct svcxprt_rdma *rdma,
				       struct svc_rdma_send_ctxt *ctxt,
				       struct folio_batch *batch)
{
	svc_rdma_rw_release(rdma, &ctxt->sc_rw, batch);
	if (ctxt->sc_budget)
		svc_rdma_budget_return(rdma, ctxt->sc_budget);
	ctxt->sc_budget = 0;
	/* A full barrier, as svc_rdma_unblock() wants it. */
	llist_add(&ctxt->sc_node, &rdma->sc_send_free);
	svc_rdma_unblock(rdma);
}

/**
 * svc_rdma_send_ctxt_release - give back what a Send held, and recycle it
 * @rdma: connection
 * @ctxt: not on any list, no Work Request of it outstanding
 *
 * Any thread; may take a while (unmapping).
 */
void svc_rdma_send_ctxt_release(struct svcxprt_rdma *rdma,
				struct svc_rdma_send_ctxt *ctxt)
{
	svc_rdma_send_ctxt_recycle(rdma, ctxt, NULL);
}

struct svc_rdma_batch {
	struct svcxprt_rdma	*rdma;
	struct folio_batch	pages;
};

static void svc_rdma_batch_release(struct llist_node *node, void *data)
{
	struct svc_rdma_batch *batch = data;

	svc_rdma_send_ctxt_recycle(batch->rdma,
				   llist_entry(node, struct svc_rdma_send_ctxt,
					       sc_node), &batch->pages);
}

/**
 * svc_rdma_send_ctxts_drain - release every Send context on the release list
 * @rdma: connection
 * @caller: which of the drained_by_ counters to add to
 *
 * Several threads may drain at once: each takes a list of its own. Returns how
 * many contexts were released.
 */
unsigned int svc_rdma_send_ctxts_drain(struct svcxprt_rdma *rdma,
				       enum svc_rdma_counter caller)
{
	struct svc_rdma_batch batch __uninitialized;
	unsigned int released;

	if (llist_empty(&rdma->sc_send_release_list))
		return 0;
	batch.rdma = rdma;
	folio_batch_init(&batch.pages);
	released = svc_rdma_release_list_drain(&rdma->sc_send_release_list,
					       svc_rdma_batch_release, &batch);
	/* Not folio_batch_release(): that drains this CPU's LRU lists, too. */
	folios_put(&batch.pages);
	svc_rdma_add(SVC_RDMA_released, released);
	svc_rdma_add(caller, released);
	trace_svc_rdma_drain(rdma, caller, released);
	return released;
}

/**
 * svc_rdma_self_enqueue - make an nfsd thread come by and drain
 * @rdma: connection
 *
 * Any context.
 */
void svc_rdma_self_enqueue(struct svcxprt_rdma *rdma)
{
	svc_rdma_count(SVC_RDMA_self_enqueues);
	trace_svc_rdma_self_enqueue(rdma);
	svc_rdma_enqueue(rdma);
}

/*
 * Nor is any call left behind: a receiver that found a place for its own may have
 * unblocked a connection that another thread had just blocked for the call that it
 * put off.
 */
static bool svc_rdma_all_released(const struct svcxprt_rdma *rdma)
{
	return svc_rdma_all_sent(rdma) &&
	       llist_empty(&rdma->sc_send_release_list) &&
	       llist_empty(&rdma->sc_recv_later) &&
	       !svc_rdma_blocked(rdma);
}

static void svc_rdma_start_quiet_timer(struct svcxprt_rdma *rdma)
{
	WRITE_ONCE(rdma->sc_passes_seen, READ_ONCE(rdma->sc_passes));
	mod_timer(&rdma->sc_quiet_timer, jiffies + SVC_RDMA_QUIET);
}

/**
 * svc_rdma_watch_quiet - have the timer look after what is not released yet
 * @rdma: connection
 *
 * Any thread that leaves a Send in flight and does not come back for it.
 * Either it sees what another thread left, or that other thread, which has yet
 * to come here, starts the timer. A timer seen pending here has yet to look,
 * and will see what this thread sees.
 */
void svc_rdma_watch_quiet(struct svcxprt_rdma *rdma)
{
	if (svc_rdma_all_released(rdma) || svc_rdma_closing(rdma))
		return;
	smp_mb();	/* pairs with svc_rdma_quiet_timer() */
	if (timer_pending(&rdma->sc_quiet_timer))
		return;
	WRITE_ONCE(rdma->sc_quiet_since, jiffies);
	smp_wmb();	/* pairs with svc_rdma_watch_stall() */
	svc_rdma_start_quiet_timer(rdma);
}

/**
 * svc_rdma_quiet_timer - look after Sends that nobody came to release
 * @timer: sc_quiet_timer of a connection
 *
 * Softirq. Goes on until everything is released: an nfsd thread that was
 * enqueued may be held up by a long RPC, and an enqueue may be refused.
 */
void svc_rdma_quiet_timer(struct timer_list *timer)
{
	struct svcxprt_rdma *rdma =
		container_of(timer, struct svcxprt_rdma, sc_quiet_timer);

	/* Not pending any more, then look: svc_rdma_watch_quiet() looks, then asks. */
	smp_mb();
	if (svc_rdma_closing(rdma))
		return;
	if (svc_rdma_all_released(rdma)) {
		svc_rdma_watch_idle(rdma);
		return;
	}
	/* For memory that was short, and for an enqueue that was refused. */
	svc_rdma_unblock(rdma);
	/*
	 * A busy transport needs no wakeup: somebody passed by since this timer
	 * was started, and whoever comes next will see what is there now.
	 */
	if (READ_ONCE(rdma->sc_passes) == READ_ONCE(rdma->sc_passes_seen)) {
		svc_rdma_count(SVC_RDMA_quiet_timers);
		svc_rdma_self_enqueue(rdma);
	}
	svc_rdma_start_quiet_timer(rdma);
}

/**
 * svc_rdma_release_ctxt - end of an RPC, or of a visit that found none
 * @xprt: connection or listener
 * @vctxt: rq_xprt_ctxt, may be NULL
 *
 * The nfsd thread's way out: the reply, if any, has been posted. May sleep.
 */
void svc_rdma_release_ctxt(struct svc_xprt *xprt, void *vctxt)
{
	struct svcxprt_rdma *rdma = svc_rdma_of(xprt);

	if (vctxt)
		svc_rdma_recv_ctxt_put(rdma, vctxt);
	if (!rdma->sc_sq_cq)
		return;

	/* A lost update is harmless: the timer only asks whether it moved. */
	WRITE_ONCE(rdma->sc_passes, READ_ONCE(rdma->sc_passes) + 1);
	if (!svc_rdma_all_sent(rdma)) {
		svc_rdma_send_poll(rdma);
		svc_rdma_watch_stall(rdma);
	}
	svc_rdma_send_ctxts_drain(rdma, SVC_RDMA_drained_by_release_ctxt);
	svc_rdma_regions_serve(rdma);

	svc_rdma_watch_quiet(rdma);
}

/**
 * svc_rdma_release_flush - wait until nothing of a connection awaits release
 * @rdma: connection, its queue pair drained: no completion handler runs any more
 *
 * May sleep.
 */
void svc_rdma_release_flush(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_chain *chain, *next;
	struct llist_node *orphans;

	wait_var_event(&rdma->sc_release_works,
		       !atomic_read(&rdma->sc_release_works));
	svc_rdma_send_ctxts_drain(rdma, SVC_RDMA_drained_by_free);

	/* What never completes: only the drained queue is proof. */
	svc_rdma_sq_abandon(rdma);
	svc_rdma_regions_abandon(rdma);
	orphans = llist_del_all(&rdma->sc_orphans);
	llist_for_each_entry_safe(chain, next, orphans, orphan)
		chain->release(rdma, chain);
}
