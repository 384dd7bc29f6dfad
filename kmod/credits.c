// SPDX-License-Identifier: GPL-2.0-only
/*
 * Credits: how many calls a client may have outstanding, and how many Receives are
 * posted for them.
 *
 * A grant is a promise. More is granted after the Receives for it were posted. Less
 * is told first, and the Receives go when the client cannot have another belief any
 * more: a cut takes four steps.
 *
 * 1. The grant that replies tell is lowered. A thread may have read the old one and
 *    not posted its reply yet; each does both inside an RCU read-side section.
 * 2. After a grace period no reply with more can be posted any more. The next that
 *    is posted carries the number of the cut.
 * 3. It completes: it is in the client's memory, and so are all that were posted
 *    before it. The client has yet to read it, and calls may be on their way.
 * 4. A second later the client has read it. When everything that had arrived by then
 *    is off the queue, Receives that are used up are no longer replaced: until then
 *    what counts as posted may have been used up by calls of before the cut, and
 *    replies to calls of ours would find none.
 *
 * Nothing can be told to a client that does not call: one that falls silent right
 * after a burst keeps what the burst has earned it.
 *
 * The size follows what the client has outstanding: calls that have arrived and
 * whose replies it has not acknowledged, wherever they are just now: in the queue,
 * with RDMA Reads in flight, with nfsd, parked, on the wire. A client that uses more
 * than half of its credits gets four times as many: 128 of 4 in three round trips. One
 * that has had more before gets that at once: most clients come back with what they do.
 */
#include "svcrdma.h"
#include "strain.h"
#include "trace.h"

enum {
	SVC_RDMA_GROWTH	= 4,	/* times, where a client uses what it has */
};

/*
 * Jiffies of little use until credits are cut by half. What a client has to wait for
 * when it comes back costs it more than its queueing costs us.
 */
#define SVC_RDMA_CUT_WINDOW	(60 * HZ)

/* Jiffies from the completion of a reply until its client has surely read it. */
#define SVC_RDMA_CUT_SETTLE	HZ

static void svc_rdma_credits_grow(struct svcxprt_rdma *rdma)
{
	/* A cut that is under way is over: what is covered was not reduced yet. */
	WRITE_ONCE(rdma->sc_cut, SVC_RDMA_CUT_NONE);
	rdma->sc_recv_target = min(max(SVC_RDMA_GROWTH * rdma->sc_recv_target,
				       rdma->sc_recv_before),
				   rdma->sc_credits_max);
	rdma->sc_calls_window = jiffies;
	svc_rdma_count(SVC_RDMA_credit_growths);
	trace_svc_rdma_credit_growth(rdma, rdma->sc_recv_target);
}

/* Steps 1 and 2; see above. */
static void svc_rdma_credits_cut(struct svcxprt_rdma *rdma)
{
	rdma->sc_recv_before = max(rdma->sc_recv_before, rdma->sc_recv_target);
	rdma->sc_recv_target = max(rdma->sc_recv_target / 2,
				   SVC_RDMA_CREDITS_START);
	WRITE_ONCE(rdma->sc_grant, min(rdma->sc_grant, rdma->sc_recv_target));
	/* A full barrier; pairs with the read-side section in sq.c. */
	rdma->sc_cut_rcu = start_poll_synchronize_rcu();
	WRITE_ONCE(rdma->sc_cut, SVC_RDMA_CUT_POSTING);
	svc_rdma_count(SVC_RDMA_credit_cuts);
}

static void svc_rdma_credits_advance(struct svcxprt_rdma *rdma, bool all)
{
	switch (rdma->sc_cut) {
	case SVC_RDMA_CUT_POSTING:
		if (!poll_state_synchronize_rcu(rdma->sc_cut_rcu))
			return;
		/* 0 is a reply that tells none. */
		WRITE_ONCE(rdma->sc_cut_nr, rdma->sc_cut_nr + 1 ?: 1);
		/* Pairs with svc_rdma_credits_tell(). */
		smp_store_release(&rdma->sc_cut, SVC_RDMA_CUT_TELLING);
		return;
	case SVC_RDMA_CUT_TELLING:
		if (READ_ONCE(rdma->sc_cut_told) != rdma->sc_cut_nr)
			return;
		rdma->sc_cut_since = jiffies;
		WRITE_ONCE(rdma->sc_cut, SVC_RDMA_CUT_SETTLING);
		return;
	case SVC_RDMA_CUT_SETTLING:
		if (time_before(jiffies, rdma->sc_cut_since + SVC_RDMA_CUT_SETTLE))
			return;
		WRITE_ONCE(rdma->sc_cut, SVC_RDMA_CUT_SETTLED);
		return;
	case SVC_RDMA_CUT_SETTLED:
		if (!all)
			return;
		rdma->sc_recv_covered = rdma->sc_grant;
		WRITE_ONCE(rdma->sc_cut, SVC_RDMA_CUT_NONE);
		return;
	case SVC_RDMA_CUT_NONE:
		return;
	}
}

/**
 * svc_rdma_credits_arrived - adapt credits to what the client has outstanding
 * @rdma: connection; new calls were taken off the Receive queue
 * @all: the queue was empty afterwards
 *
 * The receiver, before it posts Receives.
 */
void svc_rdma_credits_arrived(struct svcxprt_rdma *rdma, bool all)
{
	u32 outstanding = rdma->sc_calls_in - atomic_read(&rdma->sc_calls_out);
	unsigned int target = rdma->sc_recv_target;

	rdma->sc_calls_peak = max(rdma->sc_calls_peak, outstanding);
	if (outstanding > target / 2 && target < rdma->sc_credits_max) {
		svc_rdma_credits_grow(rdma);
		return;
	}
	if (unlikely(rdma->sc_cut != SVC_RDMA_CUT_NONE))
		svc_rdma_credits_advance(rdma, all);
	if (time_before(jiffies, rdma->sc_calls_window +
			svc_rdma_strain_credit_window(SVC_RDMA_CUT_WINDOW)))
		return;
	if (rdma->sc_calls_peak < target / 4 && target > SVC_RDMA_CREDITS_START &&
	    rdma->sc_cut == SVC_RDMA_CUT_NONE)
		svc_rdma_credits_cut(rdma);
	rdma->sc_calls_peak = outstanding;
	rdma->sc_calls_window = jiffies;
}

/**
 * svc_rdma_credits_cover - grant what Receives were posted for
 * @rdma: connection
 *
 * The receiver, after it has posted Receives. Raises the grant only; a cut lowers it.
 * Returns whether the replies to calls of ours have Receives, beside those of the grant.
 */
bool svc_rdma_credits_cover(struct svcxprt_rdma *rdma)
{
	unsigned int covered = rdma->sc_recvs_posted;
	bool replies = false;

	if (READ_ONCE(rdma->sc_bc_xprt)) {
		covered -= min(covered, rdma->sc_bc_credits);
		replies = covered >= rdma->sc_recv_covered;
	}
	covered = min(covered, rdma->sc_recv_target);
	if (covered > rdma->sc_grant) {
		rdma->sc_recv_covered = max(rdma->sc_recv_covered, covered);
		/* Posted first: pairs with svc_rdma_credits_tell(). */
		smp_store_release(&rdma->sc_grant, covered);
	}
	return replies;
}

/**
 * svc_rdma_credits_tell - put the grant into a reply
 * @rdma: connection
 * @ctxt: about to be posted, inside the same RCU read-side section
 *
 * The message belongs to the device afterwards.
 */
void svc_rdma_credits_tell(struct svcxprt_rdma *rdma,
			   struct svc_rdma_send_ctxt *ctxt)
{
	enum svc_rdma_cut cut;
	u32 grant;

	/*
	 * The grant was lowered a grace period before the cut could be told:
	 * whoever sees that it can sees the number and the grant as well. Pairs
	 * with svc_rdma_credits_advance().
	 */
	cut = smp_load_acquire(&rdma->sc_cut);
	ctxt->sc_cut = unlikely(cut == SVC_RDMA_CUT_TELLING) ?
		       READ_ONCE(rdma->sc_cut_nr) : 0;
	/* Receives first, Send second: pairs with svc_rdma_credits_cover(). */
	grant = smp_load_acquire(&rdma->sc_grant);
	rpcrdma_hdr_set_credits(ctxt->sc_buf, grant);
	svc_rdma_bounce_to_device(&ctxt->sc_bounce, rdma->sc_pd->device,
				  ctxt->sc_sge.addr, ctxt->sc_sge.length,
				  DMA_TO_DEVICE);
}

/**
 * svc_rdma_credits_told - a reply has reached the client
 * @rdma: connection
 * @ctxt: its Send has completed
 *
 * Completion handlers.
 */
void svc_rdma_credits_told(struct svcxprt_rdma *rdma,
			   const struct svc_rdma_send_ctxt *ctxt)
{
	/*
	 * One of an earlier cut may come late and hide a later one: the next reply
	 * tells that, too.
	 */
	if (unlikely(ctxt->sc_cut))
		WRITE_ONCE(rdma->sc_cut_told, ctxt->sc_cut);
}
