// SPDX-License-Identifier: GPL-2.0-only
/*
 * The window of RDMA Reads: bytes that a connection may have asked its client for and
 * not got yet.
 *
 * A client sends what it is asked for as fast as its network takes it. What was asked
 * for beyond that waits there, in front of everybody's data; and an adapter whose Read
 * has had no answer within the ack timeout asks once more, so that the client sends it
 * twice, on a network that is slow already. So the window grows with each Read that
 * waits little, to all that the budget allows, and is cut when one waits for half of
 * the ack timeout. How long one waits is what it takes longer than the quickest: a
 * long way is not a slow one. It begins with a message of the largest size, which
 * every connection can always have.
 */
#include "svcrdma.h"

enum {
	SVC_RDMA_READ_SOON	= HZ / 4,
	SVC_RDMA_READ_LATE	= HZ,	/* SVC_RDMA_ACK_TIMEOUT is two seconds */
	SVC_RDMA_READ_WINDOW_MAX = SZ_1G,
};

/* The connection posts nothing yet. */
void svc_rdma_window_init(struct svcxprt_rdma *rdma)
{
	rdma->sc_read_least = ULONG_MAX;
	rdma->sc_read_cut = jiffies;
}

/**
 * svc_rdma_window_allows - whether a connection may read more at once
 * @rdma: connection
 * @bytes: that it wants to read
 *
 * The receiver, which alone posts Reads. Bytes that come back meanwhile unblock.
 */
bool svc_rdma_window_allows(const struct svcxprt_rdma *rdma, u32 bytes)
{
	long wanted = atomic_long_read(&rdma->sc_reading) + bytes;

	if (wanted <= max3(READ_ONCE(rdma->sc_read_window),
			   rdma->sc_limits.max_message, bytes))
		return true;
	svc_rdma_count(SVC_RDMA_over_window);
	return false;
}

/* Accounts for a Read that is about to be posted. The receiver. */
void svc_rdma_window_take(struct svcxprt_rdma *rdma,
			  struct svc_rdma_recv_ctxt *ctxt)
{
	ctxt->rc_read_posted = jiffies;
	atomic_long_add(ctxt->rc_rw.bytes, &rdma->sc_reading);
}

/* Accounts for one that will not complete. Any thread. */
void svc_rdma_window_forget(struct svcxprt_rdma *rdma,
			    const struct svc_rdma_recv_ctxt *ctxt)
{
	atomic_long_sub(ctxt->rc_rw.bytes, &rdma->sc_reading);
}

/**
 * svc_rdma_window_return - account for a Read that has completed
 * @rdma: connection
 * @ctxt: its bytes are there
 *
 * Any thread that polls the Send queue. Where two do, a step may be lost; the next Read
 * takes it. svc_rdma_unblock() is the caller's to call, for which this is a barrier.
 */
void svc_rdma_window_return(struct svcxprt_rdma *rdma,
			    const struct svc_rdma_recv_ctxt *ctxt)
{
	unsigned long took = jiffies - ctxt->rc_read_posted;
	unsigned long waited = took - min(took, rdma->sc_read_least);
	u32 window = max(rdma->sc_read_window, rdma->sc_limits.max_message);
	u32 bytes = ctxt->rc_rw.bytes;
	long others = atomic_long_sub_return(bytes, &rdma->sc_reading);

	if (took < rdma->sc_read_least)
		rdma->sc_read_least = took;
	if (waited <= SVC_RDMA_READ_SOON) {
		/* Only what is used up is too small. */
		if (others + bytes > window / 2 &&
		    window < SVC_RDMA_READ_WINDOW_MAX)
			WRITE_ONCE(rdma->sc_read_window, window + bytes);
	} else if (waited >= SVC_RDMA_READ_LATE &&
		   time_after(ctxt->rc_read_posted, rdma->sc_read_cut)) {
		/* What was asked for before a cut is late for the same reason. */
		rdma->sc_read_cut = jiffies;
		WRITE_ONCE(rdma->sc_read_window, window / 2);
		svc_rdma_count(SVC_RDMA_window_cuts);
	}
}
