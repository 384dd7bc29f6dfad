// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draining: the end of a queue pair, before what was posted to it is freed.
 *
 * A queue pair in the error state completes everything that is posted, in order.
 * So a marker is posted to each of its queues, behind all the rest, and both
 * completion queues are polled until the markers come. ib_drain_qp() does the
 * same, one queue after the other, but sleeps for a tenth of a second before it
 * polls for the first time: connections that come and go are to cost less. It
 * takes over where a device refuses what is done here, because some know a way of
 * their own then: a dead adapter takes no markers and has to be drained all the
 * same.
 */
#include <linux/delay.h>

#include "svcrdma.h"
#include "fault.h"
#include "trace.h"

enum {
	/* Microseconds between two looks at the queues: twice as long each time. */
	SVC_RDMA_DRAIN_STEP_MIN	= 20,
	SVC_RDMA_DRAIN_STEP_MAX	= 10000,
};

/* Jiffies after which the log says that a device does not come to an end. */
#define SVC_RDMA_DRAIN_SLOW	(10 * HZ)

struct svc_rdma_marker {
	struct ib_cqe	cqe;
	bool		seen;
};

/* In svc_rdma_drain_poll() only. */
static void svc_rdma_wc_marker(struct ib_cq *cq, struct ib_wc *wc)
{
	container_of(wc->wr_cqe, struct svc_rdma_marker, cqe)->seen = true;
}

static int svc_rdma_post_send_marker(struct ib_qp *qp,
				     struct svc_rdma_marker *marker)
{
	struct ib_rdma_wr wr = {
		.wr = {
			.wr_cqe		= &marker->cqe,
			.opcode		= IB_WR_RDMA_WRITE,
			.send_flags	= IB_SEND_SIGNALED,
		},
	};

	return ib_post_send(qp, &wr.wr, NULL);
}

static int svc_rdma_post_recv_marker(struct ib_qp *qp,
				     struct svc_rdma_marker *marker)
{
	struct ib_recv_wr wr = { .wr_cqe = &marker->cqe };

	return ib_post_recv(qp, &wr, NULL);
}

/* Nobody else polls any more. There is no way out but the markers. */
static void svc_rdma_drain_poll(struct svcxprt_rdma *rdma,
				const struct svc_rdma_marker *send,
				const struct svc_rdma_marker *recv)
{
	unsigned long slow = jiffies + SVC_RDMA_DRAIN_SLOW;
	unsigned int step = SVC_RDMA_DRAIN_STEP_MIN;

	for (;;) {
		ib_process_cq_direct(rdma->sc_sq_cq, -1);
		ib_process_cq_direct(rdma->sc_rq_cq, -1);
		if (send->seen && recv->seen)
			return;
		if (time_after(jiffies, slow)) {
			pr_warn("svcrdma: %s has yet to end what was posted for %s\n",
				dev_name(&rdma->sc_qp->device->dev),
				rdma->sc_xprt.xpt_remotebuf);
			slow = jiffies + SVC_RDMA_DRAIN_SLOW;
		}
		usleep_range(step, 2 * step);
		step = min_t(unsigned int, 2 * step, SVC_RDMA_DRAIN_STEP_MAX);
	}
}

static int svc_rdma_qp_fail(struct svcxprt_rdma *rdma)
{
	struct ib_qp_attr attr = { .qp_state = IB_QPS_ERR };

	return ib_modify_qp(rdma->sc_qp, &attr, IB_QP_STATE);
}

/**
 * svc_rdma_disconnect - tell the client that its connection has ended
 * @rdma: connection with a queue pair
 *
 * May sleep. The connection manager of InfiniBand begins with the queue pair's error
 * state. That of iWARP asks for an orderly end, in which software iWARP forgets the
 * Reads whose data are still to come: they complete neither then nor in the error
 * state, and a marker behind them comes all the same. So the error state comes first
 * there, too. Whether anything is posted does not matter: a thread may be about to.
 */
void svc_rdma_disconnect(struct svcxprt_rdma *rdma)
{
	if (rdma_protocol_iwarp(rdma->sc_cm_id->device, rdma->sc_port_num))
		svc_rdma_qp_fail(rdma);	/* refused, svc_rdma_drain() tries again */
	rdma_disconnect(rdma->sc_cm_id);
}

/**
 * svc_rdma_drain - end everything that is posted
 * @rdma: connection with a queue pair; nobody posts or polls any more
 *
 * May sleep, for as long as the device takes. All completion handlers have run
 * when it returns.
 */
void svc_rdma_drain(struct svcxprt_rdma *rdma)
{
	struct svc_rdma_marker send = { .cqe.done = svc_rdma_wc_marker };
	struct svc_rdma_marker recv = { .cqe.done = svc_rdma_wc_marker };
	struct ib_qp *qp = rdma->sc_qp;

	if (svc_rdma_fault(SVC_RDMA_FAULT_drain) ||
	    svc_rdma_qp_fail(rdma) ||
	    svc_rdma_post_recv_marker(qp, &recv)) {
		svc_rdma_count(SVC_RDMA_drains_by_core);
		ib_drain_qp(qp);
		return;
	}
	if (svc_rdma_post_send_marker(qp, &send)) {
		svc_rdma_count(SVC_RDMA_drains_by_core);
		ib_drain_sq(qp);
		send.seen = true;
	}
	svc_rdma_drain_poll(rdma, &send, &recv);
}
