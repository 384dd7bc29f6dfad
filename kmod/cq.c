// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completion queues: create, poll, arm with the missed-event hint.
 *
 * The rule that holds for every provider: after arming, either
 * ib_req_notify_cq() has said that a completion may already be there, or an
 * event will come. So whoever needs to be woken polls until the queue is empty,
 * arms, and polls again if told so.
 *
 * Who needs to be woken:
 * - the Receive queue's user always: it is armed whenever the receiver finds it
 *   empty;
 * - the Send queue's user only while RDMA Reads are in flight, something is parked
 *   or the connection is blocked (svc_rdma_wants_send_event()). For anything else a
 *   thread will pass by soon, and the quiet timer sees to the rest (release.c).
 */
#include "svcrdma.h"
#include "fault.h"
#include "lend.h"
#include "trace.h"

enum {
	SVC_RDMA_POLL_BATCH	= 8,	/* completions on the stack at once */
	SVC_RDMA_WATCH_ROUNDS	= 4,	/* hints followed before giving others a turn */
};

/* Any context, interrupts included. */
static void svc_rdma_recv_event(struct ib_cq *cq, void *context)
{
	struct svcxprt_rdma *rdma = context;

	svc_rdma_count(SVC_RDMA_recv_events);
	svc_rdma_enqueue(rdma);
}

/* Any context, interrupts included. */
static void svc_rdma_send_event(struct ib_cq *cq, void *context)
{
	struct svcxprt_rdma *rdma = context;

	svc_rdma_count(SVC_RDMA_send_events);
	clear_bit(SVC_RDMA_SEND_ARMED, &rdma->sc_flags);
	smp_mb__after_atomic();	/* pairs with svc_rdma_send_arm() */
	if (!svc_rdma_wants_send_event(rdma))
		return;
	/* What has completed may be what the next call waits for. */
	clear_bit(SVC_RDMA_BLOCKED, &rdma->sc_flags);
	svc_rdma_enqueue(rdma);
}

/* The queue overran or the device lost it: no completion can be trusted. */
static void svc_rdma_cq_failed(struct ib_event *event, void *context)
{
	struct svcxprt_rdma *rdma = context;

	pr_err_ratelimited("svcrdma: %s on a completion queue of %s, closing the connection\n",
			   ib_event_msg(event->event),
			   rdma->sc_xprt.xpt_remotebuf);
	svc_rdma_close(rdma);
}

static struct ib_cq *svc_rdma_cq_create(struct svcxprt_rdma *rdma,
					unsigned int entries,
					ib_comp_handler event)
{
	struct ib_device *device = rdma->sc_cm_id->device;
	struct ib_cq_init_attr attr = {
		.cqe = entries,
		.comp_vector = rdma->sc_vector,
	};
	struct ib_cq *cq;

	cq = ib_create_cq(device, event, svc_rdma_cq_failed, rdma, &attr);
	/* Tells ib_drain_qp() to poll by itself: nobody else does any more. */
	if (!IS_ERR(cq))
		cq->poll_ctx = IB_POLL_DIRECT;
	return cq;
}

/**
 * svc_rdma_cqs_choose_vector - choose the CPU that both queues of a connection interrupt
 * @rdma: connection, its cm_id bound to a device
 *
 * Connections take turns, one turn each, however often their queues are refused: on a
 * device with two vectors that refuses one attempt in two all would end on one.
 */
void svc_rdma_cqs_choose_vector(struct svcxprt_rdma *rdma)
{
	static atomic_t next_vector;
	u32 vectors = max(READ_ONCE(rdma->sc_cm_id->device->num_comp_vectors), 1);

	rdma->sc_vector = (u32)atomic_inc_return(&next_vector) % vectors;
}

/**
 * svc_rdma_cqs_create - create the Receive and the Send completion queue
 * @rdma: connection, its vector chosen
 * @recvs: Receives that may be posted at once
 * @sends: entries of the Send Queue; both less than the device's max_cqe
 *
 * Each queue has one entry more, for the marker of ib_drain_qp(). Neither is
 * armed yet. May sleep. Returns 0 or a negative errno; svc_rdma_cqs_destroy()
 * undoes a complete or an incomplete call.
 */
int svc_rdma_cqs_create(struct svcxprt_rdma *rdma, unsigned int recvs,
			unsigned int sends)
{
	struct ib_cq *cq;

	cq = svc_rdma_cq_create(rdma, recvs + 1, svc_rdma_recv_event);
	if (IS_ERR(cq))
		return PTR_ERR(cq);
	rdma->sc_rq_cq = cq;
	svc_rdma_lent_cq_init(&rdma->sc_rq_lent, cq);

	cq = svc_rdma_cq_create(rdma, sends + 1, svc_rdma_send_event);
	if (IS_ERR(cq))
		return PTR_ERR(cq);
	rdma->sc_sq_cq = cq;
	svc_rdma_lent_cq_init(&rdma->sc_sq_lent, cq);
	return 0;
}

/* No queue pair may use the queues any more. May sleep. */
void svc_rdma_cqs_destroy(struct svcxprt_rdma *rdma)
{
	if (rdma->sc_sq_cq) {
		svc_rdma_lent_cq_flush(&rdma->sc_sq_lent);
		ib_destroy_cq(rdma->sc_sq_cq);
	}
	if (rdma->sc_rq_cq) {
		svc_rdma_lent_cq_flush(&rdma->sc_rq_lent);
		ib_destroy_cq(rdma->sc_rq_cq);
	}
	rdma->sc_sq_cq = NULL;
	rdma->sc_rq_cq = NULL;
}

/**
 * svc_rdma_wc_failed - a completion that is not a success ends the connection
 * @rdma: connection
 * @wc: its status is not IB_WC_SUCCESS
 * @counter: what to count, unless the Work Request was merely flushed: that
 *	     happens to all that are posted when a connection ends
 *
 * Completion handlers.
 */
void svc_rdma_wc_failed(struct svcxprt_rdma *rdma, const struct ib_wc *wc,
			enum svc_rdma_counter counter)
{
	if (wc->status == IB_WC_WR_FLUSH_ERR)
		counter = SVC_RDMA_flushes;
	svc_rdma_count(counter);
	trace_svc_rdma_wc_failed(rdma, counter, wc->status, wc->vendor_err);
	svc_rdma_close(rdma);
}

/*
 * A Work Request inside a chain completes only when it fails. The one at the
 * end of its chain will tell the owner; this one knows the reason.
 */
static void svc_rdma_wc_unsignalled(struct svcxprt_rdma *rdma,
				    const struct ib_wc *wc)
{
	if (wc->status != IB_WC_SUCCESS)
		svc_rdma_wc_failed(rdma, wc, SVC_RDMA_chain_failures);
}

static unsigned int svc_rdma_cq_poll(struct ib_cq *cq, unsigned int budget)
{
	/* Zeroing what the device is about to fill costs more than the poll. */
	struct ib_wc wcs[SVC_RDMA_POLL_BATCH] __uninitialized;
	unsigned int done = 0;
	int i, want, got;

	do {
		want = min_t(unsigned int, budget - done, ARRAY_SIZE(wcs));
		got = ib_poll_cq(cq, want, wcs);
		for (i = 0; i < got; i++) {
			if (likely(wcs[i].wr_cqe))
				wcs[i].wr_cqe->done(cq, &wcs[i]);
			else
				svc_rdma_wc_unsignalled(cq->cq_context,
							&wcs[i]);
		}
		if (got > 0)
			done += got;
	} while (got == want && done < budget);
	return done;
}

/**
 * svc_rdma_recv_poll - take completed Receives off their queue
 * @rdma: connection
 * @budget: the most to take
 *
 * The receiver only. Returns how many were taken; @budget means that there may
 * be more.
 */
unsigned int svc_rdma_recv_poll(struct svcxprt_rdma *rdma, unsigned int budget)
{
	unsigned int done = svc_rdma_cq_poll(rdma->sc_rq_cq, budget);

	if (!done)
		svc_rdma_count(SVC_RDMA_recv_empty_polls);
	return done;
}

/**
 * svc_rdma_send_poll - take completed Sends, Writes and Reads off their queue
 * @rdma: connection
 *
 * Any thread, several at once. Finished Sends are on the release list
 * afterwards: the caller drains it, or sees to it that somebody will. What was
 * parked is posted as far as there is room now. Returns how many completions were
 * taken.
 */
unsigned int svc_rdma_send_poll(struct svcxprt_rdma *rdma)
{
	unsigned int done = svc_rdma_cq_poll(rdma->sc_sq_cq,
					     SVC_RDMA_POLL_BUDGET);

	if (!done) {
		svc_rdma_count(SVC_RDMA_send_empty_polls);
		return 0;
	}
	/* Entries were given back, now look: pairs with svc_rdma_sq_park(). */
	smp_mb();
	if (unlikely(!svc_rdma_sq_all_posted(rdma)))
		svc_rdma_sq_unpark(rdma);
	return done;
}

static int svc_rdma_cq_arm(struct svcxprt_rdma *rdma, struct ib_cq *cq,
			   struct svc_rdma_lent_cq *lent,
			   enum svc_rdma_counter arms,
			   enum svc_rdma_counter missed)
{
	int ret = svc_rdma_fault(SVC_RDMA_FAULT_arm) ? -EIO :
		  svc_rdma_lent_arm(lent, cq);

	svc_rdma_count(arms);
	if (ret > 0)
		svc_rdma_count(missed);
	trace_svc_rdma_arm(rdma, cq == rdma->sc_sq_cq, ret);
	if (ret < 0) {
		/* This queue can wake nobody any more. */
		svc_rdma_count(SVC_RDMA_arm_failures);
		svc_rdma_close(rdma);
	}
	return ret;
}

/**
 * svc_rdma_recv_arm - ask for an event at the next Receive
 * @rdma: connection
 *
 * Returns 0 if an event will come, more than 0 if the queue may hold a
 * completion already and must be polled again, less than 0 if the connection
 * has been closed because nothing will come.
 */
int svc_rdma_recv_arm(struct svcxprt_rdma *rdma)
{
	return svc_rdma_cq_arm(rdma, rdma->sc_rq_cq, &rdma->sc_rq_lent,
			       SVC_RDMA_recv_arms, SVC_RDMA_recv_missed);
}

/**
 * svc_rdma_send_arm - ask for an event at the next completion of a Send or Read
 * @rdma: connection; the caller has said what it waits for
 *	  (svc_rdma_wants_send_event())
 *
 * Any thread. Returns as svc_rdma_recv_arm().
 */
static int svc_rdma_send_arm(struct svcxprt_rdma *rdma)
{
	int ret;

	/*
	 * Fully ordered, and pairs with svc_rdma_send_event(): its event has not
	 * come yet and will see what the caller waits for. If another thread is
	 * about to arm, it is the one that is told what was missed, and polls.
	 */
	if (test_and_set_bit(SVC_RDMA_SEND_ARMED, &rdma->sc_flags))
		return 0;
	ret = svc_rdma_cq_arm(rdma, rdma->sc_sq_cq, &rdma->sc_sq_lent,
			      SVC_RDMA_send_arms, SVC_RDMA_send_missed);
	if (ret > 0)
		clear_bit(SVC_RDMA_SEND_ARMED, &rdma->sc_flags);
	return ret;
}

/**
 * svc_rdma_send_watch - see to it that who waits for completions will be served
 * @rdma: connection
 *
 * Called when RDMA Reads were posted, when something was parked, when the connection
 * was blocked, and by the receiver while Reads are in flight. On return nobody waits
 * any more, or an event will come, or the transport is enqueued. Process context.
 */
void svc_rdma_send_watch(struct svcxprt_rdma *rdma)
{
	int round;

	for (round = 0; round < SVC_RDMA_WATCH_ROUNDS; round++) {
		svc_rdma_send_poll(rdma);
		svc_rdma_send_ctxts_drain(rdma, SVC_RDMA_drained_by_watch);
		if (!svc_rdma_wants_send_event(rdma) || svc_rdma_closing(rdma))
			return;
		if (svc_rdma_send_arm(rdma) <= 0)
			return;
	}
	/* Some devices go on giving hints: others get a turn. */
	clear_bit(SVC_RDMA_BLOCKED, &rdma->sc_flags);
	svc_rdma_enqueue(rdma);
}
