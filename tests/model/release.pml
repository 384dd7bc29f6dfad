/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hand-shake of the release path, for Spin: one connection, threads of the
 * service, a thread that calls the client back, the quiet timer, the device and
 * its events. Every step below is one access to something shared, and steps of
 * different processes come in any order.
 *
 * What is promised, when nothing can happen any more but that the timer fires:
 *
 * - at once: no call lies about, unless the connection is blocked and there truly
 *   is no place for it (every Send context, or every byte, is in the hands of
 *   something that has not finished); no call that has been read lies about at
 *   all; nothing is parked while there is room for it; whoever waits for a
 *   completion has it. Only what was put off for want of memory waits for the timer.
 * - two periods later: everything that has completed is released as well.
 *
 * Whatever may never come does so: the device may stop completing at any moment,
 * and one thread's RPC may never end.
 *
 * Where the steps come from:
 *
 *   svc_xprt_enqueue	svc_xprt_ready() and svc_xprt_enqueue() of sunrpc
 *   rdma_enqueue	svc_rdma_enqueue(), transport.c
 *   self_enqueue	svc_rdma_self_enqueue(), release.c
 *   block		svc_rdma_block(), wspace.c
 *   has_wspace		svc_rdma_has_wspace(), wspace.c
 *   unblock		svc_rdma_unblock() and svc_rdma_unblock_now(), wspace.c
 *   wants_event	svc_rdma_wants_send_event(), svcrdma.h
 *   sq_reserve		svc_rdma_sq_reserve(), sq.c
 *   unpark, park	svc_rdma_sq_unpark() and svc_rdma_sq_park(), sq.c
 *   sq_post		svc_rdma_sq_post(), sq.c
 *   send_completed	svc_rdma_wc_send(), send.c, and release_by_drain(), release.c
 *   read_completed	svc_rdma_wc_read(), read.c
 *   send_poll		svc_rdma_send_poll(), cq.c
 *   send_arm		svc_rdma_send_arm(), cq.c
 *   send_watch		svc_rdma_send_watch(), cq.c
 *   drain		svc_rdma_send_ctxts_drain(), release.c
 *   recycle		svc_rdma_send_ctxt_recycle(), release.c
 *   ctxt_get		svc_rdma_send_ctxt_get(), send_ctxt.c
 *   ctxt_put		svc_rdma_recv_ctxt_put(), recv_ctxt.c
 *   find_place		svc_rdma_recv_find_place(), recv.c
 *   recv_next		svc_rdma_recv_next(), recv.c
 *   put_off		svc_rdma_recv_put_off(), recv.c
 *   watch_quiet	svc_rdma_watch_quiet(), release.c
 *   service		svc_rdma_recvfrom(), svc_rdma_recv_dispatch(),
 *			svc_rdma_read_start(), svc_rdma_sendto(),
 *			svc_rdma_release_ctxt(), and svc_recv() of sunrpc around them
 *   callback		svc_rdma_send_call(), send.c
 *   quiet_timer	svc_rdma_quiet_timer(), release.c
 *   events		svc_rdma_recv_event() and svc_rdma_send_event(), cq.c
 *
 * What is left out: closing (nothing is promised but that the teardown drains,
 * and there is nobody left to race with), that of a client that takes nothing
 * included; trimming; credits (credits.pml); weak memory: Spin has each access seen
 * by all at once, so the barriers are argued where they stand and exercised by the
 * stress test. Contexts are counted, not named: that each is released once is the
 * list's business (tests/stress).
 *
 * What Spin says about calls that were put off: whoever unblocks sets XPT_DATA, and a
 * receiver that is past the list of them may clear it; so it looks at that list again,
 * as it looks at the one of calls that have been read (PUT_OFF_UNSEEN). And a blocked
 * connection is one whose next call has no place: one that has been read has it, holds
 * what the other waits for, and must not wait itself (READ_STAYS_BLOCKED).
 *
 * What Spin says about the self-enqueue at the moment when the list stops being
 * empty: the promise holds without it (NO_TRANSITION), because every thread that
 * polls the Send queue drains afterwards, the one that calls the client back
 * included. It is the quiet timer's self-enqueue that nothing can replace.
 *
 * Variants, each with a step taken out: see the Makefile.
 */

#ifndef THREADS
#define THREADS	2	/* of the service */
#endif
#ifndef CALLS
#define CALLS	2	/* from the client */
#endif
#ifndef READS
#define READS	0	/* of them, at most, come with a Read list */
#endif
#ifndef CTXTS
#define CTXTS	2	/* Send contexts for replies; see svc_rdma_send_ctxt_may_add() */
#endif
/*
 * Entries of the Send Queue that are shared; what a reply's RDMA Writes take; such
 * replies that are in flight at the start, their threads gone. A call's Reads take 1.
 */
#ifndef ROOM
#define ROOM	1
#endif
#ifndef WRITES
#define WRITES	0	/* 0: replies have none */
#endif
#ifndef BEFORE
#define BEFORE	0
#endif
#ifndef READING
#define READING	0	/* calls whose Reads are in flight at the start */
#endif
#ifndef EARLY
#define EARLY	0	/* periods of the quiet timer while other things happen */
#endif
#ifndef SHORT
#define SHORT	0	/* how often memory is short */
#endif
#ifndef ROUNDS
#define ROUNDS	1	/* SVC_RDMA_WATCH_ROUNDS */
#endif

/* sunrpc: XPT_DATA, XPT_BUSY, and whether the transport waits for a thread */
bool data, busy, queued;

/* Receive queue: completions; arming */
byte calls;
bool recv_armed = true;
byte recv_events;

/*
 * What the receiver has taken from it (ready_calls), and what has come back: read
 * (read_done), put off (later). Calls that were put off all have Reads.
 */
byte ready_calls, ready_reads, ready_later;
byte read_done, later;

/* RDMA Reads: in flight or parked (sc_reads), still to come */
byte reads = READING;
byte reads_to_come = READS;

/* Send Queue: with the device, completed */
byte posted_sends, posted_writes = BEFORE, posted_reads = READING;
byte cq_sends, cq_writes, cq_reads;

/* sc_sq_used: chains, and entries; the parked ones: how many entries each takes */
byte chains = BEFORE + READING, used = BEFORE * WRITES + READING;
byte parked;
short line;		/* which: two bits for each, the first one lowest */
bool sq_lock;
#define READ		1
#define WRITE		2
#define FIRST		(line & 3)

/* Arming: the device's, SVC_RDMA_SEND_ARMED, events on their way */
bool device_armed = (READING > 0), armed = (READING > 0);
byte send_events;

bool blocked;

/* Send contexts: allocated, free, on the release list */
#ifdef READY
byte ctxts = CTXTS, free = CTXTS - BEFORE - READING, list;
#else
byte ctxts = BEFORE + READING, free, list;
#endif

/* sc_budget: one call's Reads are allowed at a time */
byte budget = READING;
byte shortages = SHORT;

/* Quiet timer: pending; whether anybody passed since it was started */
bool pending = (BEFORE > 0);
bool passed;
byte periods;		/* since something has completed */

bool first_idle = true;	/* the first thread */
bool held_up;		/* a thread whose RPC never ends */

/* A call that has been read has its place. */
#ifndef READ_STAYS_BLOCKED
#define has_wspace	(!blocked || read_done + ready_reads > 0)
#else
#define has_wspace	(!blocked)
#endif
#define COMPLETED	(cq_sends + cq_writes + cq_reads)
#define wants_event	(reads > 0 || parked > 0 || blocked)
#define needs(kind)	(kind == READ -> 1 : WRITES)

/* The claims; see above. */
#define no_context	(free == 0 && ctxts == CTXTS)
#ifdef BYTES
#define no_bytes	(budget > 0)
#else
#define no_bytes	false
#endif
#if SHORT > 0
#define no_memory	(pending && periods < 2)
#else
#define no_memory	false
#endif
#define released	(list == 0 && COMPLETED == 0)
#define received	(read_done + ready_reads == 0 && \
			 (calls + ready_calls == 0 || \
			  (blocked && (no_context || later + ready_later > 0))) && \
			 (later + ready_later == 0 || \
			  (blocked && (no_bytes || no_memory))))
#define all_posted	(parked == 0 || \
			 used + needs(FIRST) > ROOM)
#define told		(!wants_event || COMPLETED == 0)

mtype = { nothing, call, again, rpc };

/* Private to each process. */
#define LOCALS		bool nothing_left, hint, got, any; byte n, batch, kind

inline svc_xprt_enqueue()
{
	atomic {
		if
		:: !busy && data && has_wspace -> busy = true; queued = true
		:: else			/* refused */
		fi
	}
}

/* One step: only the receiver clears the flag, and it has the busy bit. */
inline rdma_enqueue()
{
	atomic { data = true; svc_xprt_enqueue() }
}

inline self_enqueue()
{
#ifndef NO_SELF_ENQUEUE
	rdma_enqueue()
#else
	skip
#endif
}

inline block()
{
	blocked = true
}

inline unblock()
{
	if
	:: atomic { blocked -> blocked = false }
		rdma_enqueue()
	:: !blocked
	fi
}

inline sq_reserve(entries)
{
	atomic {
		chains++;
		used = used + (entries);
		got = ((entries) == 0 || used <= ROOM)
	}
	if
	:: got
	:: !got -> sq_return(entries)
	fi
}

inline sq_return(entries)
{
	atomic { chains--; used = used - (entries) }
}

inline post_now(kind)
{
	atomic {
		if
		:: kind == READ -> posted_reads++
		:: kind == WRITE -> posted_writes++
		fi
	}
}

inline unpark()
{
	atomic { !sq_lock -> sq_lock = true }
	do
	:: atomic { parked == 0 -> sq_lock = false; break }
	:: atomic { parked > 0 -> kind = FIRST }
		sq_reserve(needs(kind));
		if
		:: atomic { got -> line = line >> 2; parked--; post_now(kind) }
		:: atomic { !got -> sq_lock = false; break }
		fi
	od;
	atomic { got = false; kind = 0 }
}

inline park(what)
{
	atomic { !sq_lock -> line = line | (what << (2 * parked)); parked++ }
#ifndef NO_TRY_AFTER_PARKING
	unpark();
#endif
#ifndef NO_WATCH_AFTER_PARKING
	if
	:: parked > 0 -> send_watch()
	:: parked == 0
	fi
#endif
}

inline sq_post(what)
{
	atomic { got = false; any = parked == 0 }
	if
	:: any -> sq_reserve(needs(what))
	:: !any
	fi;
	atomic {
		if
		:: got -> post_now(what)
		:: !got
		fi;
		any = false
	}
	if
	:: got -> got = false
	:: !got -> park(what)
	fi
}

inline send_completed(of_the_service, entries)
{
	atomic { nothing_left = (list == 0); list++ }
	if
#ifndef NO_TRANSITION
	:: nothing_left && !of_the_service -> self_enqueue()
#endif
	:: else
	fi;
	nothing_left = false;
	sq_return(entries)
}

inline read_completed()
{
	read_done++;
	reads--;
	rdma_enqueue();
	sq_return(1)
}

inline send_poll(of_the_service)
{
	any = false;
	do
	:: atomic { cq_sends > 0 -> cq_sends--; any = true }
		send_completed(of_the_service, 0)
#if WRITES > 0
	:: atomic { cq_writes > 0 -> cq_writes--; any = true }
		send_completed(of_the_service, WRITES)
#endif
#if READS > 0
	:: atomic { cq_reads > 0 -> cq_reads--; any = true }
		read_completed()
#endif
	:: COMPLETED == 0 -> break
	od;
#ifndef NO_UNPARK_BY_POLL
	if
	:: any && parked > 0 -> any = false; unpark()
	:: else -> any = false
	fi
#endif
}

/*
 * Providers differ: where a completion is there already, some say so (rxe) and
 * others raise the event at once (EVENT_AT_ONCE).
 */
inline send_arm()
{
	atomic {
		hint = false;
		any = armed;
		armed = true
	}
	if
	:: any -> any = false
	:: !any ->
		atomic {
			device_armed = true;
			hint = (COMPLETED > 0);
#ifdef EVENT_AT_ONCE
			if
			:: hint -> hint = false; device_armed = false; send_events++
			:: else
			fi
#endif
		}
		if
#ifndef NO_HINT
		:: hint -> armed = false
#else
		:: hint -> hint = false
#endif
		:: !hint
		fi
	fi
}

inline recv_arm()
{
	atomic {
		recv_armed = true;
		hint = (calls > 0);
#ifdef EVENT_AT_ONCE
		if
		:: hint -> hint = false; recv_armed = false; recv_events++
		:: else
		fi
#endif
	}
}

/* One that was a reply with RDMA Writes gives back bytes, too; see budget. */
inline recycle()
{
	free++;
#ifndef NO_UNBLOCK_BY_RECYCLE
	unblock()
#endif
}

inline drain()
{
	atomic { batch = list; list = 0 }
	do
	:: batch > 0 -> batch--; recycle()
	:: batch == 0 -> break
	od
}

inline send_watch()
{
	n = 0;
	do
	:: n < ROUNDS ->
		send_poll(true);
		drain();
		if
		:: wants_event
		:: !wants_event -> break
		fi;
		send_arm();
		if
		:: !hint -> break
		:: hint -> n++
		fi
	:: n == ROUNDS ->
		blocked = false;
		rdma_enqueue();
		break
	od;
	atomic { n = 0; hint = false }
}

inline ctxt_reuse()
{
	atomic {
		if
		:: free > 0 -> free--; got = true
		:: else -> got = false
		fi
	}
}

inline ctxt_get(of_the_service, extra)
{
	ctxt_reuse();
	if
	:: got
	:: !got ->
		send_poll(of_the_service);
		drain();
		ctxt_reuse();
		if
		:: got
		:: !got ->
			atomic {
				if
				:: ctxts < CTXTS + extra -> ctxts++; got = true
				:: else
				fi
			}
		fi
	fi
}

inline find_place()
{
	ctxt_get(true, 0);
	if
	:: got
	:: !got ->
		block();
#ifndef NO_LOOK_AFTER_BLOCKING
		ctxt_get(true, 0);
#endif
		if
		:: got -> blocked = false
		:: !got ->
#ifndef NO_WATCH_AFTER_BLOCKING
			send_watch()
#endif
		fi
	fi
}

inline all_released()
{
	nothing_left = (chains == 0);
	if
	:: nothing_left -> nothing_left = (list == 0);
		if
		:: nothing_left -> nothing_left = !blocked
		:: !nothing_left
		fi
	:: !nothing_left
	fi
}

inline watch_quiet()
{
#if !defined(NO_TIMER) && !defined(AT_ONCE)
	all_released();
	if
	:: nothing_left
	:: !nothing_left ->
		atomic {
			if
			:: pending
			:: else -> passed = false; pending = true
			fi
		}
	fi;
	nothing_left = false
#else
	skip
#endif
}

/*
 * What has been read goes first: what was put off may wait for the very bytes that
 * it holds.
 */
inline recv_next()
{
	if
	:: reads > 0 || parked > 0 -> send_poll(true)
	:: else
	fi;
	atomic {		/* nobody else touches what is ready */
		ready_later = ready_later + later;
		later = 0;
		ready_reads = ready_reads + read_done;
		read_done = 0;
		if
		:: ready_reads + ready_later + ready_calls == 0 ->
			ready_calls = calls;
			calls = 0
		:: else
		fi;
		taken = nothing;
		if
		:: ready_reads > 0 -> ready_reads--; taken = rpc
		:: ready_reads == 0 && ready_later > 0 -> ready_later--; taken = again
		:: else
		fi
	}
	if
	:: taken == nothing && ready_calls > 0 ->
		find_place();
		if
		:: atomic { got -> got = false; ready_calls--; taken = call }
		:: !got -> data = true; goto received_none
		fi
	:: else
	fi;

	if
	:: ready_reads + ready_later + ready_calls > 0 -> data = true
	:: else ->
#ifndef CLEAR_LAST
		data = false;
#endif
		if
		:: read_done > 0 -> hint = true
#ifndef PUT_OFF_UNSEEN
		:: read_done == 0 && later > 0 -> hint = true
		:: read_done == 0 && later == 0 -> recv_arm()
#else
		:: read_done == 0 -> recv_arm()
#endif
		fi;
#ifdef CLEAR_LAST
		data = false;
#endif
		if
		:: hint -> hint = false; data = true
		:: !hint ->
			if
#ifndef NO_WATCH_OF_PARKED
			:: reads > 0 || parked > 0 -> send_watch()
#else
			:: reads > 0 -> send_watch()
#endif
			:: else
			fi
		fi
	fi
}

inline put_off()
{
	later++;
	block()
}

inline ctxt_put()
{
	if
	:: holds -> holds = false; recycle()
	:: !holds
	fi;
#ifdef BYTES
	if
	:: bytes -> bytes = false; budget--
	:: !bytes
	fi;
#endif
#ifndef NO_UNBLOCK_BY_PUT
	unblock()
#endif
}

active [THREADS] proctype service()
{
	LOCALS;
	mtype taken;
	bool holds, bytes;

idle:	/* Both are alike: the second one comes only where the first one is busy. */
	atomic { queued && (_pid == 0 || !first_idle) ->
		queued = false;
		if
		:: _pid == 0 -> first_idle = false
		:: else
		fi
	}
	recv_next();
received_none:
	busy = false;		/* svc_xprt_received() */
	svc_xprt_enqueue();

	if
	:: taken == nothing -> goto leave
	:: taken == rpc -> bytes = true
	:: taken == call
#if READS > 0
	:: atomic { taken == call && reads_to_come > 0 -> reads_to_come--; taken = again }
	:: taken == again
#endif
	fi;

#if READS > 0
	if
	:: taken == again ->
		taken = nothing;
#ifdef BYTES
		if
		:: budget > 0 ->	/* svc_rdma_budget_allows() */
			put_off();
			if
			:: budget > 0 -> send_watch()
			:: budget == 0 -> unblock()
			fi;
			goto leave
		:: budget == 0
		fi;
#endif
#if SHORT > 0
		if
		:: atomic { shortages > 0 -> shortages-- }
			put_off();
			goto leave
		:: skip
		fi;
#endif
		atomic { budget++; reads++ }
		sq_post(READ);
		send_watch();
		goto leave
	:: else
	fi;
#endif

	holds = true;
	if			/* nfsd */
#ifndef SILENT
	:: skip
#else
	:: goto put
#endif
#ifndef PROMPT
	:: atomic { !held_up -> held_up = true }
		false
	:: goto put		/* answers nothing */
#endif
	fi;

	if			/* svc_rdma_sendto() */
	:: atomic { holds = false; chains++ } posted_sends++
#if WRITES > 0
	:: holds = false; sq_post(WRITE)
#endif
	fi;

put:	ctxt_put();		/* svc_rdma_release_ctxt() */
leave:	taken = nothing;
#ifndef AT_ONCE
	passed = true;
#endif
	if
	:: chains != 0 -> send_poll(true)
	:: chains == 0
	fi;
	drain();
	watch_quiet();

	atomic {		/* svc_xprt_release() of sunrpc */
		svc_xprt_enqueue();
		if
		:: _pid == 0 -> first_idle = true
		:: else
		fi;
		goto idle
	}
}

#ifdef CALLBACK
/* A callback, by a thread of the RPC client. */
active proctype callback()
{
	LOCALS;

	ctxt_get(false, 1);
	if
	:: got -> chains++; posted_sends++; watch_quiet()
	:: !got
	fi
}
#endif

inline quiet_timer_fires()
{
	all_released();
	if
	:: nothing_left
	:: !nothing_left ->
#ifndef NO_UNBLOCK_BY_TIMER
		unblock();
#endif
		if
		:: !passed -> self_enqueue()
		:: passed
		fi;
		atomic { passed = false; pending = true }
	fi;
	nothing_left = false
}

/*
 * The timer, and the claim. The timer may fire EARLY times at any moment. After
 * that it fires only when nothing else can happen: whatever is still there then
 * has to be gone two periods later.
 */
active proctype quiet_timer()
{
	bool nothing_left;
	byte early = EARLY;

	do
	:: atomic { pending && early > 0 -> early--; pending = false }
		quiet_timer_fires()
	:: atomic {
		timeout ->
		assert(received);
		assert(all_posted);
		assert(told);
#ifdef AT_ONCE
		break;
#endif
		if
		:: !pending || periods == 2 -> assert(released); break
		:: else -> periods++; pending = false
		fi
	}
		quiet_timer_fires()
	od
}

active proctype events()
{
	do
	:: atomic { recv_events > 0 -> recv_events-- }
		rdma_enqueue()
	:: atomic { send_events > 0 -> send_events-- }
#ifndef CLEAR_ARMED_LAST
		armed = false;
#endif
		if
		:: wants_event ->
#ifndef NO_UNBLOCK_BY_EVENT
			blocked = false;
#endif
			rdma_enqueue()
		:: !wants_event
		fi
#ifdef CLEAR_ARMED_LAST
		; armed = false
#endif
	od
}

inline completed()
{
	periods = 0;
	if
	:: device_armed -> device_armed = false; send_events++
	:: else
	fi
}

active proctype device()
{
	do
	:: atomic { posted_sends > 0 -> posted_sends--; cq_sends++; completed() }
#if WRITES > 0
	:: atomic { posted_writes > 0 -> posted_writes--; cq_writes++; completed() }
#endif
#if READS > 0
	:: atomic { posted_reads > 0 -> posted_reads--; cq_reads++; completed() }
#endif
#ifndef PROMPT
	:: break		/* stuck */
#endif
	od
}

active proctype client()
{
	byte sent;

	do
	:: atomic {
#ifndef BURST
		sent < CALLS -> sent++; calls++;
#else
		sent == 0 -> sent = CALLS; calls = CALLS;
#endif
		if
		:: recv_armed -> recv_armed = false; recv_events++
		:: else
		fi
	}
	:: sent == CALLS -> break
	od
}
