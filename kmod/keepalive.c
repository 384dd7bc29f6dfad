// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keepalive: clients that vanished without a word.
 *
 * Nobody tells a server that its client was switched off, and a queue pair on which
 * nothing is sent notices nothing. So a connection from which nothing was heard for
 * a while is probed: an RDMA Write of no bytes needs neither memory nor a Receive
 * of the client, whose adapter acknowledges it all by itself. How long an adapter
 * repeats what is not acknowledged was the client's choice, and may be hours, so
 * that is not waited for: a client is gone when it was silent for two periods, the
 * second of which began with a probe. A pause of our own, or a period that was just
 * made shorter, says nothing about clients.
 *
 * Any completion of ours that succeeds is a sign of life, because there it was
 * acknowledged. With iWARP it is not: there only the TCP connection below can fail.
 *
 * One work item looks at all connections, some times in each period, and polls for
 * those that are silent. An idle server's threads sleep on.
 */
#include <linux/kref.h>

#include "svcrdma.h"
#include "trace.h"

enum {
	SVC_RDMA_LOOKS		= 8,	/* in each period */
	SVC_RDMA_PROBE_ENTRIES	= 1,	/* of the Send Queue */
};

/* Jiffies between two looks, at the most; and to see that it was turned on. */
#define SVC_RDMA_LOOK_MAX	(5 * HZ)

static void svc_rdma_keepalive_work(struct work_struct *work);

static DECLARE_DELAYED_WORK(svc_rdma_keepalive, svc_rdma_keepalive_work);

/* Whoever polls the Send queue. */
static void svc_rdma_wc_probe(struct ib_cq *cq, struct ib_wc *wc)
{
	struct svcxprt_rdma *rdma = cq->cq_context;

	if (wc->status != IB_WC_SUCCESS)
		svc_rdma_wc_failed(rdma, wc, SVC_RDMA_probe_failures);
	/* Before the entry is given back; pairs with svc_rdma_look_at(). */
	smp_store_release(&rdma->sc_probing, false);
	svc_rdma_sq_return(rdma, SVC_RDMA_PROBE_ENTRIES);
}

/* The queue pair is drained, and the probe never completed. */
static void svc_rdma_probe_orphan(struct svcxprt_rdma *rdma,
				  struct svc_rdma_chain *chain)
{
}

/* Where something is in flight it says as much as a probe would. */
static void svc_rdma_probe(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_chain *chain = &rdma->sc_probe_chain;
	struct ib_rdma_wr *wr = &rdma->sc_probe_wr;

	if (!svc_rdma_sq_idle(rdma) || !svc_rdma_sq_all_posted(rdma))
		return;
	wr->wr.wr_cqe = &rdma->sc_probe_cqe;
	wr->wr.opcode = IB_WR_RDMA_WRITE;
	wr->wr.send_flags = IB_SEND_SIGNALED;
	rdma->sc_probe_cqe.done = svc_rdma_wc_probe;
	chain->first = &wr->wr;
	chain->entries = SVC_RDMA_PROBE_ENTRIES;
	chain->reply = NULL;
	chain->release = svc_rdma_probe_orphan;

	WRITE_ONCE(rdma->sc_probing, true);
	svc_rdma_count(SVC_RDMA_probes);
	svc_rdma_sq_post(rdma, chain);
}

/* Whether there was no sign of life for so many jiffies. */
static bool svc_rdma_silent(const struct svcxprt_rdma *rdma,
			    unsigned long period)
{
	unsigned long heard = READ_ONCE(rdma->sc_heard);
	unsigned long completed = READ_ONCE(rdma->sc_sq_moved);

	if (time_after(completed, heard))
		heard = completed;
	return time_after_eq(jiffies, heard + period);
}

/*
 * The caller holds a reference. @data: jiffies of a period. What the probe consists
 * of is this work's alone while sc_probing is false.
 */
static void svc_rdma_look_at(struct svcxprt_rdma *rdma, void *data)
{
	const unsigned long period = *(unsigned long *)data;
	unsigned long now;

	/* Established: built, and its queues are there to be polled. */
	if (!smp_load_acquire(&rdma->sc_established) || svc_rdma_closing(rdma))
		return;
	/* Where all threads are busy elsewhere, signs of life lie in the queue. */
	if (svc_rdma_silent(rdma, period) && !svc_rdma_sq_idle(rdma))
		svc_rdma_send_poll(rdma);
	if (!svc_rdma_silent(rdma, period)) {
		rdma->sc_asked = false;
		return;
	}

	now = jiffies;
	if (!rdma->sc_asked) {
		rdma->sc_asked = true;
		rdma->sc_asked_since = now;
	} else if (now - rdma->sc_asked_since + 2 * period / SVC_RDMA_LOOKS >=
		   period) {
		/* Not later than after two periods, whenever the next look is. */
		svc_rdma_count(SVC_RDMA_silent_closes);
		trace_svc_rdma_silent(rdma);
		svc_rdma_abandon(rdma);
		return;
	}
	/* Pairs with svc_rdma_wc_probe(): what it consists of is free again. */
	if (!smp_load_acquire(&rdma->sc_probing))
		svc_rdma_probe(rdma);
}

static void svc_rdma_keepalive_work(struct work_struct *work)
{
	unsigned long period = svc_rdma_setting(SVC_RDMA_SETTING_KEEPALIVE) * HZ;
	unsigned long next = SVC_RDMA_LOOK_MAX;

	if (period) {
		svc_rdma_visit_connections(svc_rdma_look_at, &period);
		next = min(next, period / SVC_RDMA_LOOKS);
	}
	queue_delayed_work(svc_rdma_wq, &svc_rdma_keepalive, max(next, 1UL));
}

/* Once svc_rdma_wq is there. */
void svc_rdma_keepalive_start(void)
{
	queue_delayed_work(svc_rdma_wq, &svc_rdma_keepalive, SVC_RDMA_LOOK_MAX);
}

/* May sleep. */
void svc_rdma_keepalive_stop(void)
{
	cancel_delayed_work_sync(&svc_rdma_keepalive);
}
