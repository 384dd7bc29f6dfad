/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of this module share: a connection, its Send and Receive
 * contexts, and which file offers what.
 *
 * Contexts and locks, in one place:
 *
 * - "the receiver" is the nfsd thread that holds XPT_BUSY. There is one at a
 *   time for each transport; what only it touches needs no lock.
 * - Event handlers of completion queues run in any context, interrupts
 *   included, possibly under the provider's lock. They poll nothing, arm
 *   nothing, allocate nothing.
 * - Completion handlers (the done functions) run in whoever polls: an nfsd
 *   thread, rpciod, the teardown worker. All of them may sleep; the handlers do
 *   not rely on it.
 * - No thread of nfsd waits for a peer. A call is taken only together with the Send
 *   context of its reply; what does not fit the Send Queue is parked (sq.c).
 */
#ifndef SVCRDMA_H
#define SVCRDMA_H

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <linux/sunrpc/svc.h>
#include <linux/sunrpc/svc_xprt.h>
#include <linux/sunrpc/xdr.h>

#include <rdma/ib_verbs.h>
#include <rdma/rdma_cm.h>
#include <rdma/rw.h>

#include "bounce.h"
#include "header.h"
#include "lend.h"
#include "stats.h"

enum {
	/* Our class ident: nfsd ORs it with XPRT_TRANSPORT_BC, so not 256. */
	SVC_RDMA_IDENT			= 0x4C52,

	/* The fewest credits that a user may set, and smaller queues end with. */
	SVC_RDMA_CREDITS_MIN		= 8,

	/* Receives posted when a connection is young; credits start here. */
	SVC_RDMA_CREDITS_START		= 4,

	/* Receives are posted in chains of about this many, or half the credits. */
	SVC_RDMA_RECV_BATCH		= 4,

	/* Send contexts that an idle connection keeps. */
	SVC_RDMA_SEND_KEEP		= 1,

	/* Completions taken from a queue in one visit of one thread. */
	SVC_RDMA_POLL_BUDGET		= 32,

	/* Result payloads of one RPC that may go to Write chunks. */
	SVC_RDMA_MAX_PAYLOADS		= 8,

	/*
	 * Scatter/gather entries of one Work Request, if the device has them.
	 * Linux's client makes segments of as many pages as its device reads at
	 * once: 30 on mlx5, 32 on rxe. One Work Request is to do for each.
	 */
	SVC_RDMA_MAX_SGE		= 32,

	/* Storage that small requests find embedded in their context. */
	SVC_RDMA_RW_SEGMENTS		= 2,
	SVC_RDMA_RW_SGS			= 4,
	SVC_RDMA_RW_PAGES		= 4,
};

/**
 * struct svc_rdma_rw_segment - data movement to or from one remote segment
 * @ctx: the kernel's rdma_rw state, initialised once it is mapped
 * @sg: first of its scatterlist entries
 * @nents: how many there are
 * @handle: the segment's steering tag
 * @remote: where in it
 */
struct svc_rdma_rw_segment {
	struct rdma_rw_ctx	ctx;
	struct scatterlist	*sg;
	u32			nents;
	u32			handle;
	u64			remote;
};

/**
 * struct svc_rdma_rw - RDMA Reads or Writes that belong to one RPC
 *
 * Lives in a Send context (Writes) or a Receive context (Reads); owned by
 * whoever owns the context. Empty when @max_sgs is 0. For Writes it holds a
 * reference on every page in @sgs; for Reads the pages belong to the Receive
 * context.
 *
 * @segments: embedded or allocated, @max_segments long
 * @sgs: embedded or allocated, @max_sgs long
 * @nr_mapped: segments that are mapped: all, or none
 * @entries: of the Send Queue that all of it takes, once it is mapped
 * @bytes: that it moves
 */
struct svc_rdma_rw {
	struct svc_rdma_rw_segment	*segments;
	struct scatterlist		*sgs;
	unsigned int			nr_segments;
	unsigned int			nr_mapped;
	unsigned int			max_segments;
	unsigned int			nr_sgs;
	unsigned int			max_sgs;
	unsigned int			entries;
	u32				bytes;
	enum dma_data_direction		direction;
	struct svc_rdma_rw_segment	own_segments[SVC_RDMA_RW_SEGMENTS];
	struct scatterlist		own_sgs[SVC_RDMA_RW_SGS];
};

struct svcxprt_rdma;
struct svc_rdma_send_ctxt;
struct folio_batch;

/**
 * struct svc_rdma_chain - Work Requests that are posted together
 *
 * Part of the context that owns them. The last one is signalled.
 *
 * @first: of them
 * @entries: of the Send Queue that its RDMA Writes or Reads take; a Send has its own
 * @reply: the Send context of a reply, whose header tells the client its credits;
 *	   NULL for anything else
 * @mapped: goes on with what has waited in sc_unmapped, and is told what came of it
 * @release: gives everything back once the queue pair is drained
 * @parked: in sc_sq_parked while there is no room for it, in sc_unmapped before, while
 *	    there are no memory regions for it
 * @orphan: in sc_orphans, if it will never complete
 */
struct svc_rdma_chain {
	struct ib_send_wr		*first;
	unsigned int			entries;
	struct svc_rdma_send_ctxt	*reply;
	void (*mapped)(struct svcxprt_rdma *rdma, struct svc_rdma_chain *chain,
		       int ret);
	void (*release)(struct svcxprt_rdma *rdma, struct svc_rdma_chain *chain);
	union {
		struct list_head	parked;
		struct llist_node	orphan;
	};
};

/**
 * struct svc_rdma_payload - a result that may go to a Write chunk of its call
 * @offset: first byte in the reply
 * @length: bytes, roundup not included; 0 if it stays in the message
 * @end: of the gap that it leaves in the message. This and what follows is known
 *	 once the reply is complete
 * @index: of its chunk in the Write list
 * @chunk: that chunk, not empty
 */
struct svc_rdma_payload {
	u32				offset;
	u32				length;
	u32				end;
	u32				index;
	struct rpcrdma_hdr_write_chunk	chunk;
};

/**
 * struct svc_rdma_recv_ctxt - one Receive buffer and, later, the RPC in it
 *
 * Posted: belongs to the device. Completed: to the receiver. Taken: to the RPC
 * (rq_xprt_ctxt) until xpo_release_ctxt; with RDMA Reads outstanding, to their
 * completion.
 *
 * @rc_send: where the reply will be built; taken together with the call, NULL once
 *	     the reply is on its way
 * @rc_owed: a message has arrived that nothing was sent for yet
 * @rc_hdr: describes @rc_buf, valid once decoded
 * @rc_payloads: results that nfsd has announced, in order of offset
 * @rc_rw: the RDMA Reads of this call, posted as @rc_chain
 * @rc_pages: sink of the Reads, and where the call stays until it is answered
 * @rc_budget: bytes that it has taken of the budget
 * @rc_read_posted: jiffies when its Reads were
 */
struct svc_rdma_recv_ctxt {
	struct llist_node	rc_node;
	struct list_head	rc_ready;
	struct svcxprt_rdma	*rc_rdma;
	struct ib_recv_wr	rc_wr;
	struct ib_cqe		rc_cqe;
	struct ib_sge		rc_sge;
	u8			*rc_buf;
	struct svc_rdma_bounce	rc_bounce;
	u32			rc_byte_len;
	bool			rc_read_done;
	bool			rc_owed;
	struct svc_rdma_send_ctxt *rc_send;
	struct rpcrdma_hdr	rc_hdr;

	unsigned int		rc_nr_payloads;
	struct svc_rdma_payload	rc_payloads[SVC_RDMA_MAX_PAYLOADS];

	struct ib_cqe		rc_read_cqe;
	struct svc_rdma_chain	rc_chain;
	struct svc_rdma_rw	rc_rw;
	u32			rc_budget;
	unsigned long		rc_read_posted;
	unsigned int		rc_nr_pages;
	struct page		**rc_pages;
	struct page		*rc_own_pages[SVC_RDMA_RW_PAGES];
};

/**
 * struct svc_rdma_send_ctxt - one reply, and the place that it has from the moment
 * when its call is taken until it is released
 *
 * @sc_node: on the free list or on the release list
 * @sc_rw: RDMA Writes posted in front of the Send, on the same queue
 * @sc_budget: bytes that they have taken of the budget
 * @sc_cut: the cut in credits that its completion proves to be told (credits.c)
 * @sc_work: used under release=workqueue only
 */
struct svc_rdma_send_ctxt {
	struct llist_node	sc_node;
	struct svcxprt_rdma	*sc_rdma;
	struct ib_send_wr	sc_wr;
	struct ib_cqe		sc_cqe;
	struct ib_sge		sc_sge;
	u8			*sc_buf;
	struct svc_rdma_bounce	sc_bounce;
	struct svc_rdma_chain	sc_chain;
	struct svc_rdma_rw	sc_rw;
	u32			sc_budget;
	u32			sc_cut;
	struct work_struct	sc_work;
};

/* Bits of sc_flags: atomic, any context. */
enum {
	/*
	 * The receiver left a call where it was, because its reply has no place.
	 * Whoever gives back a place, or bytes of the budget, does so first,
	 * then looks here (svc_rdma_unblock()); the receiver sets it first, then
	 * tries again (svc_rdma_block()).
	 */
	SVC_RDMA_BLOCKED,
	/*
	 * An event of the Send queue is to come. The event handler clears it,
	 * then looks who waits for one; whoever waits says so first, then finds
	 * it set or arms (svc_rdma_send_arm()).
	 */
	SVC_RDMA_SEND_ARMED,
};

/* How far a cut in credits has come; see credits.c. */
enum svc_rdma_cut {
	SVC_RDMA_CUT_NONE,
	SVC_RDMA_CUT_POSTING,	/* replies with more may be about to be posted */
	SVC_RDMA_CUT_TELLING,	/* the next reply tells it */
	SVC_RDMA_CUT_SETTLING,	/* the client has it in its memory */
	SVC_RDMA_CUT_SETTLED,	/* and has read it; what came before is yet to be taken */
};

/**
 * struct svcxprt_rdma - a listener or a connection
 *
 * Accept: one lock for all listeners (listener.c) protects @sc_pending_q,
 * @sc_accept_q and @sc_unproven of a listener, and @sc_accept_entry, @sc_listener,
 * @sc_unproven_entry and @sc_handed_over of the connections in them. What the work
 * that builds a connection writes is seen by the thread that takes it over: in
 * between lie the connection manager's lock and that one.
 *
 * Receive: @sc_recv_ready and the counts from @sc_recv_ctxts to @sc_cut_since belong
 * to the receiver (before the first svc_xprt_received(), to the work that builds it).
 * Anybody adds to @sc_recv_free, @sc_read_done and @sc_recv_later; only the receiver
 * takes.
 *
 * Send: anybody adds to @sc_send_free, taking needs @sc_send_lock (llist allows
 * one remover at a time). @sc_send_release_list has lock-free adders and takes
 * of the whole list. @sc_sq_parked needs @sc_sq_lock, @sc_unmapped @sc_region_mutex;
 * whether they are empty may be asked without.
 */
struct svcxprt_rdma {
	struct svc_xprt		sc_xprt;
	struct rdma_cm_id	*sc_cm_id;
	struct work_struct	sc_free_work;
	int			(*sc_threadfn)(void *data); /* of the service */

	/* a listener's */
	struct list_head	sc_pending_q;	/* not confirmed yet */
	struct list_head	sc_accept_q;	/* ready to be handed over */
	struct list_head	sc_unproven;	/* handed over, oldest first */
	struct delayed_work	sc_pace_work;
	struct delayed_work	sc_listen_work;

	/* a connection's */
	struct list_head	sc_accept_entry;
	struct svcxprt_rdma	*sc_listener;	/* while it holds this one */
	struct list_head	sc_unproven_entry;
	unsigned long		sc_handed_over;	/* jiffies */
	struct work_struct	sc_connect_work;
	struct svc_rdma_peer	*sc_peer;
	unsigned long		sc_heard;	/* jiffies: something was received */
	bool			sc_asked;	/* silent; keepalive.c's */
	bool			sc_probing;	/* until the probe has completed */
	unsigned long		sc_asked_since;	/* jiffies; keepalive.c's */
	struct ib_rdma_wr	sc_probe_wr;
	struct ib_cqe		sc_probe_cqe;
	struct svc_rdma_chain	sc_probe_chain;
	struct svc_rdma_device	*sc_device;
	struct list_head	sc_device_entry;
	struct timer_list	sc_handshake_timer;
	bool			sc_established;
	struct ib_pd		*sc_pd;
	struct ib_cq		*sc_rq_cq;
	struct ib_cq		*sc_sq_cq;
	struct svc_rdma_lent_cq	sc_rq_lent;
	struct svc_rdma_lent_cq	sc_sq_lent;
	struct ib_qp		*sc_qp;
	u32			sc_port_num;
	u32			sc_vector;	/* of both queues */
	bool			sc_write_regions; /* Writes take memory regions, too */
	u32			sc_regions;	/* how many there are */
	bool			sc_accepted;	/* handed over */
	bool			sc_remote_invalidation;
	u8			sc_ord;		/* RDMA Reads in flight at once */
	u32			sc_inline_size;	/* bytes of our Receive and Send buffers */
	u32			sc_inline_send;	/* bytes of them that the client can receive */
	u32			sc_bc_credits;	/* our calls to the client at once */
	struct rpc_xprt		*sc_bc_xprt;	/* carries them, see backchannel.c */
	bool			sc_bc_covered;	/* their replies have Receives */
	struct rpcrdma_hdr_limits sc_limits;
	unsigned int		sc_credits_max;
	unsigned int		sc_sq_shared;	/* entries for RDMA Writes and Reads */

	unsigned long		sc_flags;
	u32			sc_grant;	/* what replies tell; the receiver sets it */
	enum svc_rdma_cut	sc_cut;		/* likewise */
	u32			sc_cut_nr;	/* counts cuts; likewise */
	u32			sc_cut_told;	/* the last of which a reply has completed */

	struct llist_head	sc_recv_free;
	struct llist_head	sc_read_done;
	struct llist_head	sc_recv_later;	/* calls that lacked bytes or memory */
	struct list_head	sc_recv_ready;
	unsigned int		sc_recv_ctxts;	/* allocated */
	unsigned int		sc_recvs_posted;
	unsigned int		sc_recv_target;	/* credits that the client should have */
	unsigned int		sc_recv_before;	/* the most of them before cuts */
	unsigned int		sc_recv_covered; /* credits that it may believe to have */
	u32			sc_calls_in;	/* messages that have arrived */
	u32			sc_calls_peak;	/* most outstanding in this window */
	unsigned long		sc_calls_window; /* jiffies when it began */
	unsigned long		sc_cut_rcu;
	unsigned long		sc_cut_since;	/* jiffies: told */
	atomic_t		sc_reads;	/* calls whose RDMA Reads are in flight */
	atomic_t		sc_reads_done;	/* ... are done, nobody has taken them */

	atomic_t		sc_send_ctxts;	/* how many there are */
	spinlock_t		sc_send_lock;	/* taking from sc_send_free */
	struct llist_head	sc_send_free;
	struct llist_head	sc_send_release_list;
	struct timer_list	sc_quiet_timer;
	unsigned long		sc_quiet_since;	/* jiffies: something is in flight since */
	unsigned long		sc_passes;	/* threads that left, roughly */
	unsigned long		sc_passes_seen;	/* by the timer */
	atomic_t		sc_release_works; /* release=workqueue only */
	struct timer_list	sc_trim_timer;
	unsigned long		sc_trim_seen;	/* passes, by that timer */
	bool			sc_trim;	/* for the receiver: give back */

	atomic64_t		sc_sq_used;	/* see SVC_RDMA_SQ_CHAIN */
	atomic_t		sc_calls_out;	/* messages that are done with */
	atomic_long_t		sc_budget;	/* bytes pinned */
	atomic_long_t		sc_reading;	/* bytes of RDMA Reads in flight */
	u32			sc_read_window;	/* bytes; see window.c */
	unsigned long		sc_read_least;	/* jiffies that the quickest took */
	unsigned long		sc_read_cut;	/* jiffies when the window was cut */
	unsigned long		sc_sq_moved;	/* jiffies: something completed */
	spinlock_t		sc_sq_lock;	/* sc_sq_parked */
	struct list_head	sc_sq_parked;	/* chains, first come first served */
	struct llist_head	sc_orphans;	/* chains that will not complete */
	struct list_head	sc_unmapped;	/* replies that wait for regions */
	struct mutex		sc_region_mutex; /* sc_unmapped, and their order */
};

static inline struct svcxprt_rdma *svc_rdma_of(struct svc_xprt *xprt)
{
	return container_of(xprt, struct svcxprt_rdma, sc_xprt);
}

static inline bool svc_rdma_closing(const struct svcxprt_rdma *rdma)
{
	return test_bit(XPT_CLOSE, &rdma->sc_xprt.xpt_flags);
}

/* main.c */
extern struct workqueue_struct *svc_rdma_wq;
extern struct workqueue_struct *svc_rdma_release_wq;

/* settings.c */
enum svc_rdma_setting {
	SVC_RDMA_SETTING_CREDITS,
	SVC_RDMA_SETTING_BC_CREDITS,
	SVC_RDMA_SETTING_INLINE_SIZE,
	SVC_RDMA_SETTING_OUTBOUND_READS,
	SVC_RDMA_SETTING_DEADLINE,
	SVC_RDMA_SETTING_BUDGET,
	SVC_RDMA_SETTING_CONNECTION_BUDGET,
	SVC_RDMA_SETTING_CONNECTIONS,
	SVC_RDMA_SETTING_CLIENT_CONNECTIONS,
	SVC_RDMA_SETTING_KEEPALIVE,
};

void svc_rdma_settings_init(void);
unsigned int svc_rdma_setting(enum svc_rdma_setting setting);

/* transport.c */
extern struct svc_xprt_class svc_rdma_class;
struct svcxprt_rdma *svc_rdma_alloc(struct svc_serv *serv, struct net *net,
				    int node);

/* xprt.c */
void svc_rdma_close(struct svcxprt_rdma *rdma);
void svc_rdma_enqueue(struct svcxprt_rdma *rdma);

/* listener.c */
struct svc_xprt *svc_rdma_create(struct svc_serv *serv, struct net *net,
				 struct sockaddr *sa, int salen, int flags);
struct svcxprt_rdma *svc_rdma_accept_next(struct svcxprt_rdma *listener);
bool svc_rdma_accept_drop(struct svcxprt_rdma *rdma,
			  enum svc_rdma_counter counter);
void svc_rdma_abandon(struct svcxprt_rdma *rdma);
void svc_rdma_accept_ready(struct svcxprt_rdma *rdma);
void svc_rdma_accept_forget(struct svcxprt_rdma *rdma);
void svc_rdma_stop_listening(struct svcxprt_rdma *listener);

/* connection.c */
struct svcxprt_rdma *
svc_rdma_connection_alloc(struct svcxprt_rdma *listener, struct rdma_cm_id *id,
			  const struct rdma_conn_param *param);
void svc_rdma_connection_reject(struct svcxprt_rdma *rdma);
struct svc_xprt *svc_rdma_accept(struct svc_xprt *xprt);

/* credits.c */
void svc_rdma_credits_arrived(struct svcxprt_rdma *rdma, bool all);
bool svc_rdma_credits_cover(struct svcxprt_rdma *rdma);
void svc_rdma_credits_tell(struct svcxprt_rdma *rdma,
			   struct svc_rdma_send_ctxt *ctxt);
void svc_rdma_credits_told(struct svcxprt_rdma *rdma,
			   const struct svc_rdma_send_ctxt *ctxt);

/* budget.c */
bool svc_rdma_budget_allows(const struct svcxprt_rdma *rdma, u32 bytes);
void svc_rdma_budget_take(struct svcxprt_rdma *rdma, u32 bytes);
void svc_rdma_budget_return(struct svcxprt_rdma *rdma, u32 bytes);
int svc_rdma_budget_init(void);
void svc_rdma_budget_exit(void);

/* window.c */
void svc_rdma_window_init(struct svcxprt_rdma *rdma);
bool svc_rdma_window_allows(const struct svcxprt_rdma *rdma, u32 bytes);
void svc_rdma_window_take(struct svcxprt_rdma *rdma,
			  struct svc_rdma_recv_ctxt *ctxt);
void svc_rdma_window_return(struct svcxprt_rdma *rdma,
			    const struct svc_rdma_recv_ctxt *ctxt);
void svc_rdma_window_forget(struct svcxprt_rdma *rdma,
			    const struct svc_rdma_recv_ctxt *ctxt);

/* peer.c */
struct svc_rdma_peer;
struct svc_rdma_peer *svc_rdma_peer_get(const struct net *net,
					const struct sockaddr *addr);
void svc_rdma_peer_put(struct svc_rdma_peer *peer);

/* drain.c */
void svc_rdma_disconnect(struct svcxprt_rdma *rdma);
void svc_rdma_drain(struct svcxprt_rdma *rdma);

/* device.c */
extern struct ib_client svc_rdma_ib_client;
bool svc_rdma_device_attach(struct svcxprt_rdma *rdma);
void svc_rdma_device_detach(struct svcxprt_rdma *rdma);
typedef void (*svc_rdma_look)(struct svcxprt_rdma *rdma, void *data);
void svc_rdma_visit_connections(svc_rdma_look look, void *data);

/* keepalive.c */
void svc_rdma_keepalive_start(void);
void svc_rdma_keepalive_stop(void);

/* A sign of life; the receiver. */
static inline void svc_rdma_hear(struct svcxprt_rdma *rdma)
{
	const unsigned long now = jiffies;

	if (READ_ONCE(rdma->sc_heard) != now)
		WRITE_ONCE(rdma->sc_heard, now);
}

/* cq.c */
void svc_rdma_cqs_choose_vector(struct svcxprt_rdma *rdma);
int svc_rdma_cqs_create(struct svcxprt_rdma *rdma, unsigned int recvs,
			unsigned int sends);
void svc_rdma_cqs_destroy(struct svcxprt_rdma *rdma);
unsigned int svc_rdma_recv_poll(struct svcxprt_rdma *rdma, unsigned int budget);
unsigned int svc_rdma_send_poll(struct svcxprt_rdma *rdma);
void svc_rdma_wc_failed(struct svcxprt_rdma *rdma, const struct ib_wc *wc,
			enum svc_rdma_counter counter);
int svc_rdma_recv_arm(struct svcxprt_rdma *rdma);
void svc_rdma_send_watch(struct svcxprt_rdma *rdma);

/* recv_ctxt.c */
struct svc_rdma_recv_ctxt *svc_rdma_recv_ctxt_get(struct svcxprt_rdma *rdma);
void svc_rdma_recv_ctxt_put(struct svcxprt_rdma *rdma,
			    struct svc_rdma_recv_ctxt *ctxt);
void svc_rdma_recv_ctxts_take_ready(struct svcxprt_rdma *rdma);
void svc_rdma_recv_ctxts_trim(struct svcxprt_rdma *rdma);
void svc_rdma_recv_ctxts_destroy(struct svcxprt_rdma *rdma);

/* The place of a call's reply, which is on its way from now on. */
static inline struct svc_rdma_send_ctxt *
svc_rdma_recv_answer(struct svc_rdma_recv_ctxt *ctxt)
{
	struct svc_rdma_send_ctxt *send = ctxt->rc_send;

	ctxt->rc_send = NULL;
	ctxt->rc_owed = false;
	return send;
}

/* recv.c */
bool svc_rdma_recv_refill(struct svcxprt_rdma *rdma);
void svc_rdma_wc_receive(struct ib_cq *cq, struct ib_wc *wc);
int svc_rdma_recvfrom(struct svc_rqst *rqstp);

/* trim.c */
void svc_rdma_watch_idle(struct svcxprt_rdma *rdma);
void svc_rdma_trim_timer(struct timer_list *timer);
void svc_rdma_trim(struct svcxprt_rdma *rdma);

/* read.c */
int svc_rdma_read_start(struct svcxprt_rdma *rdma,
			struct svc_rdma_recv_ctxt *ctxt);
enum rpcrdma_hdr_verdict
svc_rdma_read_finish(struct svc_rqst *rqstp, struct svc_rdma_recv_ctxt *ctxt);
void svc_rdma_read_undo_all(struct svcxprt_rdma *rdma,
			    struct svc_rdma_recv_ctxt *ctxt);

/* Unmaps the sink of a call's RDMA Reads and gives it back, if it has one. */
static inline void svc_rdma_read_undo(struct svcxprt_rdma *rdma,
				      struct svc_rdma_recv_ctxt *ctxt)
{
	if (ctxt->rc_pages)
		svc_rdma_read_undo_all(rdma, ctxt);
}

/* send_ctxt.c */
struct svc_rdma_send_ctxt *svc_rdma_send_ctxt_get(struct svcxprt_rdma *rdma,
						  unsigned int extra);
void svc_rdma_send_ctxts_trim(struct svcxprt_rdma *rdma);
void svc_rdma_send_ctxts_destroy(struct svcxprt_rdma *rdma);

/* send.c */
void svc_rdma_wc_send(struct ib_cq *cq, struct ib_wc *wc);
int svc_rdma_send_call(struct svcxprt_rdma *rdma, u32 xid,
		       const struct xdr_buf *call);
void svc_rdma_send_reply(struct svcxprt_rdma *rdma,
			 struct svc_rdma_send_ctxt *ctxt, u32 length,
			 u32 invalidate);
void svc_rdma_send_error(struct svcxprt_rdma *rdma,
			 struct svc_rdma_recv_ctxt *rctxt,
			 enum rpcrdma_hdr_verdict verdict);

/* reply.c */
int svc_rdma_result_payload(struct svc_rqst *rqstp, unsigned int offset,
			    unsigned int length);
int svc_rdma_sendto(struct svc_rqst *rqstp);

/* callback.c */
struct rpc_xprt *svc_rdma_bc_xprt(struct svcxprt_rdma *rdma);
bool svc_rdma_bc_is_covered(struct svcxprt_rdma *rdma, struct rpc_xprt *xprt);
void svc_rdma_bc_cover(struct svcxprt_rdma *rdma);
bool svc_rdma_bc_is_reply(const struct svc_rdma_recv_ctxt *ctxt);
bool svc_rdma_bc_awaits(struct svcxprt_rdma *rdma, u32 xid);
void svc_rdma_bc_reply(struct svcxprt_rdma *rdma,
		       const struct svc_rdma_recv_ctxt *ctxt);

/* backchannel.c */
void svc_rdma_bc_detach(struct svcxprt_rdma *rdma);
void svc_rdma_bc_forget(struct svcxprt_rdma *rdma);
int svc_rdma_bc_init(void);
void svc_rdma_bc_exit(void);

/* sq.c */
void svc_rdma_sq_post(struct svcxprt_rdma *rdma, struct svc_rdma_chain *chain);
void svc_rdma_sq_return(struct svcxprt_rdma *rdma, unsigned int entries);
void svc_rdma_sq_unpark(struct svcxprt_rdma *rdma);
void svc_rdma_sq_abandon(struct svcxprt_rdma *rdma);

/* What is posted, in sc_sq_used: entries that are shared, and chains so many times this. */
#define SVC_RDMA_SQ_CHAIN	((s64)BIT_ULL(32))

/* Whether no Work Request is posted or about to be. */
static inline bool svc_rdma_sq_idle(const struct svcxprt_rdma *rdma)
{
	return !atomic64_read(&rdma->sc_sq_used);
}

/* Whether nothing is parked. */
static inline bool svc_rdma_sq_all_posted(const struct svcxprt_rdma *rdma)
{
	return list_empty_careful(&rdma->sc_sq_parked);
}

/* regions.c */
u32 svc_rdma_regions_wanted(const struct svcxprt_rdma *rdma, u32 credits,
			    u32 pages, u32 segments);
int svc_rdma_regions_probe(struct svcxprt_rdma *rdma);
void svc_rdma_regions_wait(struct svcxprt_rdma *rdma,
			   struct svc_rdma_send_ctxt *ctxt);
void svc_rdma_regions_serve_now(struct svcxprt_rdma *rdma);
void svc_rdma_regions_abandon(struct svcxprt_rdma *rdma);

/* Whether no reply waits to be mapped. */
static inline bool svc_rdma_all_mapped(const struct svcxprt_rdma *rdma)
{
	return list_empty_careful(&rdma->sc_unmapped);
}

/* A thread that passes by looks after those that do. */
static inline void svc_rdma_regions_serve(struct svcxprt_rdma *rdma)
{
	if (unlikely(!svc_rdma_all_mapped(rdma)))
		svc_rdma_regions_serve_now(rdma);
}

/* wspace.c */
void svc_rdma_block(struct svcxprt_rdma *rdma);
void svc_rdma_unblock_now(struct svcxprt_rdma *rdma);
void svc_rdma_watch_stall(struct svcxprt_rdma *rdma);
int svc_rdma_has_wspace(struct svc_xprt *xprt);

static inline bool svc_rdma_blocked(const struct svcxprt_rdma *rdma)
{
	return test_bit(SVC_RDMA_BLOCKED, &rdma->sc_flags);
}

/*
 * Something that a blocked receiver may wait for has been given back. The caller
 * has done that with a full barrier: pairs with svc_rdma_block().
 */
static inline void svc_rdma_unblock(struct svcxprt_rdma *rdma)
{
	if (unlikely(svc_rdma_blocked(rdma)))
		svc_rdma_unblock_now(rdma);
}

/* Whether RDMA Reads are in flight or something is parked. */
static inline bool svc_rdma_sq_has_waiters(const struct svcxprt_rdma *rdma)
{
	return atomic_read(&rdma->sc_reads) || !svc_rdma_sq_all_posted(rdma);
}

/* Whether nothing is posted, and no reply waits to be. */
static inline bool svc_rdma_all_sent(const struct svcxprt_rdma *rdma)
{
	return svc_rdma_sq_idle(rdma) && svc_rdma_all_mapped(rdma);
}

/*
 * Whether somebody waits for completions on the Send queue whom no thread that
 * passes by will serve.
 */
static inline bool svc_rdma_wants_send_event(const struct svcxprt_rdma *rdma)
{
	return svc_rdma_sq_has_waiters(rdma) || !svc_rdma_all_mapped(rdma) ||
	       svc_rdma_blocked(rdma);
}

/* release.c */
int svc_rdma_release_set_policy(const char *name);
void svc_rdma_send_ctxt_completed(struct svcxprt_rdma *rdma,
				  struct svc_rdma_send_ctxt *ctxt);
void svc_rdma_send_ctxt_release(struct svcxprt_rdma *rdma,
				struct svc_rdma_send_ctxt *ctxt);
unsigned int svc_rdma_send_ctxts_drain(struct svcxprt_rdma *rdma,
				       enum svc_rdma_counter caller);
void svc_rdma_self_enqueue(struct svcxprt_rdma *rdma);
void svc_rdma_release_ctxt(struct svc_xprt *xprt, void *vctxt);
void svc_rdma_watch_quiet(struct svcxprt_rdma *rdma);
void svc_rdma_quiet_timer(struct timer_list *timer);
void svc_rdma_release_flush(struct svcxprt_rdma *rdma);

/* rw.c */
int svc_rdma_rw_start(struct svc_rdma_rw *rw, unsigned int segments,
		      unsigned int sgs, enum dma_data_direction direction);
int svc_rdma_rw_add(struct svcxprt_rdma *rdma, struct svc_rdma_rw *rw,
		    const struct xdr_buf *xdr, u32 offset, u32 length,
		    u32 handle, u64 remote);
int svc_rdma_rw_map(struct svcxprt_rdma *rdma, struct svc_rdma_rw *rw);
struct ib_send_wr *svc_rdma_rw_wrs(struct svcxprt_rdma *rdma,
				   struct svc_rdma_rw *rw, struct ib_cqe *cqe,
				   struct ib_send_wr *last);
void svc_rdma_rw_release_all(struct svcxprt_rdma *rdma, struct svc_rdma_rw *rw,
			     struct folio_batch *batch);

/* Most calls have no Reads, and many replies no Writes. */
static inline void svc_rdma_rw_release(struct svcxprt_rdma *rdma,
				       struct svc_rdma_rw *rw,
				       struct folio_batch *batch)
{
	if (rw->max_sgs)
		svc_rdma_rw_release_all(rdma, rw, batch);
}

#endif
