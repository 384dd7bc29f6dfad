/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters, one file each in /sys/module/svcrdma/counters/. They add up over
 * all connections since the module was loaded; those named "live" go up and
 * down. Adding is a per-CPU add: any context, no lock.
 */
#ifndef SVCRDMA_STATS_H
#define SVCRDMA_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

#define SVC_RDMA_COUNTERS(X)						\
	/* traffic */							\
	X(calls)		/* RPC calls handed to the RPC server */	\
	X(replies)		/* RPC replies posted */		\
	X(long_calls)		/* calls that came as RDMA_NOMSG */	\
	X(long_replies)		/* replies that went to a Reply chunk */	\
	X(reads)		/* RDMA Reads: remote segments read */	\
	X(read_bytes)							\
	X(writes)		/* RDMA Writes: remote segments written */	\
	X(write_bytes)							\
	X(remote_invalidations)	/* replies sent with invalidate */	\
	X(backchannel_calls)	/* calls of ours to the client */	\
	X(backchannel_replies)						\
	X(backchannel_drops)	/* replies to no call, or too large */	\
	/* completion queues */						\
	X(recv_events)		/* events of Receive queues */		\
	X(send_events)		/* events of Send queues */		\
	X(recv_arms)							\
	X(send_arms)							\
	X(recv_missed)		/* armed, but told to poll again */	\
	X(send_missed)							\
	X(arm_failures)		/* each closes its connection */	\
	X(lent_events)		/* raised in place of a lent adapter */	\
	X(recv_empty_polls)						\
	X(send_empty_polls)						\
	X(nothing_received)	/* threads that came and found no call */	\
	/* release path: contexts drained, by caller */			\
	X(released)		/* Send contexts released after completion */	\
	X(drained_by_release_ctxt)					\
	X(drained_by_send_ctxt_get)					\
	X(drained_by_watch)	/* who parked something, or was blocked */ \
	X(drained_by_free)						\
	X(self_enqueues)						\
	X(trims)		/* idle connections that gave contexts back */	\
	X(quiet_timers)		/* backstop timer found Sends unreleased */	\
	X(parked)		/* chains that found no room in the Send Queue */ \
	X(unmapped)		/* replies that found too few memory regions */ \
	X(blocks)		/* calls left in the queue: no Send context */	\
	X(over_budget)		/* calls left there: too much is pinned */ \
	X(over_window)		/* ... too much is asked for already */	\
	X(window_cuts)		/* a window that had become too large */ \
	X(credit_growths)						\
	X(credit_cuts)		/* fewer granted: they were not used */	\
	/* trouble */							\
	X(flushes)		/* Work Requests that ended with their queue */	\
	X(recv_failures)						\
	X(send_failures)	/* Sends and Writes that did not complete */	\
	X(read_failures)						\
	X(chain_failures)	/* Work Requests in front of those */	\
	X(post_failures)						\
	X(map_failures)		/* chunks that could not be mapped */	\
	X(no_memory)							\
	X(replies_too_large)	/* answered with ERR_CHUNK */		\
	X(calls_without_room)	/* the thread has fewer pages than it should */ \
	X(accepts_over_limit)	/* refused: there are too many in all */ \
	X(accepts_over_client_limit)	/* ... of this client's address */ \
	X(accepts_failed)						\
	X(accepts_abandoned)	/* ended before they were handed over */ \
	X(accepts_paced)	/* threads that were to leave others time */ \
	X(handshakes_timed_out)	/* the client did not confirm */	\
	X(probes)		/* of clients that were silent */	\
	X(probe_failures)						\
	X(silent_closes)	/* clients that were silent for too long */ \
	X(stalls)		/* the client took nothing until the deadline */ \
	X(smaller_queues)	/* the device refused larger ones */	\
	X(drains_by_core)	/* queue pairs that were left to ib_drain_qp() */ \
	X(device_closes)	/* connections that their device took along */ \
	X(address_changes)	/* connections whose hardware address changed */ \
	X(relistens)		/* listeners that found their device again */ \
	/* protocol errors by kind, in the order of the codec's verdicts */	\
	X(err_short)							\
	X(err_discarded)						\
	X(err_version)							\
	X(err_proc)							\
	X(err_truncated)						\
	X(err_bool)							\
	X(err_too_many)							\
	X(err_position)							\
	X(err_too_long)							\
	X(err_no_message)						\
	X(err_xid)							\
	X(err_reply)		/* of these, replies: dropped in silence */ \
	/* live */							\
	X(live_listeners)						\
	X(live_waiting)		/* connections to be handed over */	\
	X(live_connections)						\
	X(live_recv_ctxts)						\
	X(live_send_ctxts)						\
	X(live_reply_pages)	/* held for RDMA Writes until released */ \
	X(live_pages)		/* allocated for RDMA Reads */

enum svc_rdma_counter {
#define SVC_RDMA_COUNTER_ENUM(name) SVC_RDMA_##name,
	SVC_RDMA_COUNTERS(SVC_RDMA_COUNTER_ENUM)
#undef SVC_RDMA_COUNTER_ENUM
	SVC_RDMA_NR_COUNTERS
};

struct svc_rdma_stats {
	long value[SVC_RDMA_NR_COUNTERS];
};

DECLARE_PER_CPU(struct svc_rdma_stats, svc_rdma_stats);

static inline void svc_rdma_add(enum svc_rdma_counter counter, long n)
{
	this_cpu_add(svc_rdma_stats.value[counter], n);
}

static inline void svc_rdma_count(enum svc_rdma_counter counter)
{
	svc_rdma_add(counter, 1);
}

const char *svc_rdma_counter_name(enum svc_rdma_counter counter);
int svc_rdma_stats_init(void);
void svc_rdma_stats_exit(void);

#endif
