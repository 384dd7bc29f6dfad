/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, in /sys/kernel/tracing/events/svcrdma/: the moments that the
 * counters count, one by one. Each begins with the client's address.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM svcrdma

#if !defined(SVCRDMA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SVCRDMA_TRACE_H

#include <linux/tracepoint.h>
#include <rdma/ib_verbs.h>
#include <rdma/rdma_cm.h>

#include "svcrdma.h"

TRACE_EVENT(svc_rdma_arm,
	TP_PROTO(const struct svcxprt_rdma *rdma, bool send, int result),
	TP_ARGS(rdma, send, result),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__field(bool, send)
		__field(int, result)
	),
	TP_fast_assign(
		__assign_str(client);
		__entry->send = send;
		__entry->result = result;
	),
	TP_printk("client=%s queue=%s %s", __get_str(client),
		  __entry->send ? "send" : "receive",
		  __entry->result < 0 ? "failed" :
		  __entry->result ? "missed-event" : "armed")
);

TRACE_EVENT(svc_rdma_call,
	TP_PROTO(const struct svcxprt_rdma *rdma,
		 const struct rpcrdma_hdr *hdr, u32 length),
	TP_ARGS(rdma, hdr, length),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__field(u32, xid)
		__field(u32, length)
		__field(u32, credits)
		__field(u32, read_length)
		__field(u32, write_chunks)
		__field(u64, reply_length)
	),
	TP_fast_assign(
		__assign_str(client);
		__entry->xid = hdr->xid;
		__entry->length = length;
		__entry->credits = hdr->credits;
		__entry->read_length = hdr->read_length;
		__entry->write_chunks = hdr->write_chunks;
		__entry->reply_length = hdr->reply.length;
	),
	TP_printk("client=%s xid=0x%08x length=%u credits=%u read=%u write_chunks=%u reply_chunk=%llu",
		  __get_str(client), __entry->xid, __entry->length,
		  __entry->credits, __entry->read_length,
		  __entry->write_chunks, __entry->reply_length)
);

TRACE_EVENT(svc_rdma_reply,
	TP_PROTO(const struct svcxprt_rdma *rdma, u32 xid, u32 length),
	TP_ARGS(rdma, xid, length),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__field(u32, xid)
		__field(u32, length)
	),
	TP_fast_assign(
		__assign_str(client);
		__entry->xid = xid;
		__entry->length = length;
	),
	TP_printk("client=%s xid=0x%08x length=%u", __get_str(client),
		  __entry->xid, __entry->length)
);

TRACE_EVENT(svc_rdma_refused,
	TP_PROTO(const struct svcxprt_rdma *rdma,
		 enum rpcrdma_hdr_verdict verdict, u32 xid, u32 received),
	TP_ARGS(rdma, verdict, xid, received),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__string(verdict, rpcrdma_hdr_verdict_name(verdict))
		__field(u32, xid)
		__field(u32, received)
	),
	TP_fast_assign(
		__assign_str(client);
		__assign_str(verdict);
		__entry->xid = xid;
		__entry->received = received;
	),
	TP_printk("client=%s verdict=%s xid=0x%08x received=%u",
		  __get_str(client), __get_str(verdict), __entry->xid,
		  __entry->received)
);

TRACE_EVENT(svc_rdma_drain,
	TP_PROTO(const struct svcxprt_rdma *rdma, enum svc_rdma_counter caller,
		 unsigned int released),
	TP_ARGS(rdma, caller, released),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__string(caller, svc_rdma_counter_name(caller))
		__field(unsigned int, released)
	),
	TP_fast_assign(
		__assign_str(client);
		__assign_str(caller);
		__entry->released = released;
	),
	TP_printk("client=%s %s released=%u", __get_str(client),
		  __get_str(caller), __entry->released)
);

TRACE_EVENT(svc_rdma_self_enqueue,
	TP_PROTO(const struct svcxprt_rdma *rdma),
	TP_ARGS(rdma),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__field(int, in_flight)
	),
	TP_fast_assign(
		__assign_str(client);
		__entry->in_flight = atomic64_read(&rdma->sc_sq_used) /
				     SVC_RDMA_SQ_CHAIN;
	),
	TP_printk("client=%s chains_in_flight=%d", __get_str(client),
		  __entry->in_flight)
);

DECLARE_EVENT_CLASS(svc_rdma_sq_line,
	TP_PROTO(const struct svcxprt_rdma *rdma,
		 const struct svc_rdma_chain *chain),
	TP_ARGS(rdma, chain),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__field(const void *, chain)
		__field(unsigned int, entries)
		__field(unsigned int, used)
		__field(unsigned int, of)
	),
	TP_fast_assign(
		__assign_str(client);
		__entry->chain = chain;
		__entry->entries = chain->entries;
		__entry->used = (u32)atomic64_read(&rdma->sc_sq_used);
		__entry->of = rdma->sc_sq_shared;
	),
	TP_printk("client=%s chain=%p entries=%u used=%u of=%u",
		  __get_str(client), __entry->chain, __entry->entries,
		  __entry->used, __entry->of)
);

/* A chain finds no room in the Send Queue ... */
DEFINE_EVENT(svc_rdma_sq_line, svc_rdma_parked,
	TP_PROTO(const struct svcxprt_rdma *rdma,
		 const struct svc_rdma_chain *chain),
	TP_ARGS(rdma, chain)
);

/* ... and is about to be posted. */
DEFINE_EVENT(svc_rdma_sq_line, svc_rdma_unparked,
	TP_PROTO(const struct svcxprt_rdma *rdma,
		 const struct svc_rdma_chain *chain),
	TP_ARGS(rdma, chain)
);

/* A reply waits for memory regions ... */
DEFINE_EVENT(svc_rdma_sq_line, svc_rdma_unmapped,
	TP_PROTO(const struct svcxprt_rdma *rdma,
		 const struct svc_rdma_chain *chain),
	TP_ARGS(rdma, chain)
);

/* ... and waits no more. */
DEFINE_EVENT(svc_rdma_sq_line, svc_rdma_mapped,
	TP_PROTO(const struct svcxprt_rdma *rdma,
		 const struct svc_rdma_chain *chain),
	TP_ARGS(rdma, chain)
);

TRACE_EVENT(svc_rdma_credit_growth,
	TP_PROTO(const struct svcxprt_rdma *rdma, unsigned int credits),
	TP_ARGS(rdma, credits),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__field(unsigned int, credits)
	),
	TP_fast_assign(
		__assign_str(client);
		__entry->credits = credits;
	),
	TP_printk("client=%s credits=%u", __get_str(client), __entry->credits)
);

TRACE_EVENT(svc_rdma_post,
	TP_PROTO(const struct svcxprt_rdma *rdma,
		 const struct ib_send_wr *first),
	TP_ARGS(rdma, first),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__field(unsigned int, wrs)
		__field(int, most_sges)
	),
	TP_fast_assign(
		const struct ib_send_wr *wr;
		unsigned int wrs = 0;
		int most = 0;

		for (wr = first; wr; wr = wr->next, wrs++)
			most = max(most, wr->num_sge);
		__assign_str(client);
		__entry->wrs = wrs;
		__entry->most_sges = most;
	),
	TP_printk("client=%s work_requests=%u most_sges=%d",
		  __get_str(client), __entry->wrs, __entry->most_sges)
);

TRACE_EVENT(svc_rdma_post_failed,
	TP_PROTO(const struct svcxprt_rdma *rdma, unsigned int wrs, int error),
	TP_ARGS(rdma, wrs, error),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__field(unsigned int, wrs)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(client);
		__entry->wrs = wrs;
		__entry->error = error;
	),
	TP_printk("client=%s work_requests=%u error=%d", __get_str(client),
		  __entry->wrs, __entry->error)
);

TRACE_EVENT(svc_rdma_wc_failed,
	TP_PROTO(const struct svcxprt_rdma *rdma, enum svc_rdma_counter counter,
		 enum ib_wc_status status, u32 vendor_error),
	TP_ARGS(rdma, counter, status, vendor_error),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__string(counter, svc_rdma_counter_name(counter))
		__string(status, ib_wc_status_msg(status))
		__field(u32, vendor_error)
	),
	TP_fast_assign(
		__assign_str(client);
		__assign_str(counter);
		__assign_str(status);
		__entry->vendor_error = vendor_error;
	),
	TP_printk("client=%s %s status=%s vendor_error=0x%x",
		  __get_str(client), __get_str(counter), __get_str(status),
		  __entry->vendor_error)
);

TRACE_EVENT(svc_rdma_accepted,
	TP_PROTO(const struct svcxprt_rdma *rdma),
	TP_ARGS(rdma),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__field(u32, inline_send)
		__field(u32, credits)
		__field(u32, outbound_reads)
		__field(u32, sq_shared)
		__field(u32, sges)
		__field(u32, vector)
		__field(bool, remote_invalidation)
	),
	TP_fast_assign(
		__assign_str(client);
		__entry->inline_send = rdma->sc_inline_send;
		__entry->credits = rdma->sc_credits_max;
		__entry->outbound_reads = rdma->sc_ord;
		__entry->sq_shared = rdma->sc_sq_shared;
		__entry->sges = rdma->sc_qp->max_write_sge;
		__entry->vector = rdma->sc_vector;
		__entry->remote_invalidation = rdma->sc_remote_invalidation;
	),
	TP_printk("client=%s inline=%u credits=%u outbound_reads=%u sq_shared=%u sges=%u vector=%u remote_invalidation=%d",
		  __get_str(client), __entry->inline_send, __entry->credits,
		  __entry->outbound_reads, __entry->sq_shared, __entry->sges,
		  __entry->vector, __entry->remote_invalidation)
);

DECLARE_EVENT_CLASS(svc_rdma_connection,
	TP_PROTO(const struct svcxprt_rdma *rdma),
	TP_ARGS(rdma),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
	),
	TP_fast_assign(
		__assign_str(client);
	),
	TP_printk("client=%s", __get_str(client))
);

/* The end of a connection: an nfsd thread lets go of it ... */
DEFINE_EVENT(svc_rdma_connection, svc_rdma_detach,
	TP_PROTO(const struct svcxprt_rdma *rdma),
	TP_ARGS(rdma)
);

/* ... the last reference is gone, and so is all that was posted ... */
DEFINE_EVENT(svc_rdma_connection, svc_rdma_drained,
	TP_PROTO(const struct svcxprt_rdma *rdma),
	TP_ARGS(rdma)
);

/* ... and nothing of it is left. */
DEFINE_EVENT(svc_rdma_connection, svc_rdma_freed,
	TP_PROTO(const struct svcxprt_rdma *rdma),
	TP_ARGS(rdma)
);

/* A client was silent for too long, or its adapter did not answer. */
DEFINE_EVENT(svc_rdma_connection, svc_rdma_silent,
	TP_PROTO(const struct svcxprt_rdma *rdma),
	TP_ARGS(rdma)
);

TRACE_EVENT(svc_rdma_cm_event,
	TP_PROTO(const struct svcxprt_rdma *rdma,
		 enum rdma_cm_event_type event, int status),
	TP_ARGS(rdma, event, status),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__string(event, rdma_event_msg(event))
		__field(int, status)
	),
	TP_fast_assign(
		__assign_str(client);
		__assign_str(event);
		__entry->status = status;
	),
	TP_printk("client=%s event=%s status=%d", __get_str(client),
		  __get_str(event), __entry->status)
);

TRACE_EVENT(svc_rdma_qp_event,
	TP_PROTO(const struct svcxprt_rdma *rdma, enum ib_event_type event),
	TP_ARGS(rdma, event),
	TP_STRUCT__entry(
		__string(client, rdma->sc_xprt.xpt_remotebuf)
		__string(event, ib_event_msg(event))
	),
	TP_fast_assign(
		__assign_str(client);
		__assign_str(event);
	),
	TP_printk("client=%s event=%s", __get_str(client), __get_str(event))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
