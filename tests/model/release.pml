/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hand-shake of the release path, for Spin: one connection, threads of the
 * service, a thread that calls the client back, the quiet timer, the device and
 * its events. Every step below is one access to something shared, and steps of
 * different processes come in any order.
 *
 * What is promised: when nothing can happen any more but that the timer fires,
 * then two periods later everything that has completed is released. And nothing
 * that was received lies about, unless a thread waits to be able to send.
 * Whatever may never come does so: the device may stop completing at any moment,
 * and one thread's RPC may never end.
 *
 * Where the steps come from:
 *
 *   svc_xprt_enqueue	svc_xprt_ready() and svc_xprt_enqueue() of sunrpc
 *   rdma_enqueue	svc_rdma_enqueue(), transport.c
 *   self_enqueue	svc_rdma_self_enqueue(), release.c
 *   send_completed	svc_rdma_wc_send(), send.c, and release_by_drain(), release.c
 *   read_completed	svc_rdma_wc_read(), read.c
 *   send_poll		svc_rdma_send_poll(), cq.c
 *   send_arm		svc_rdma_send_arm(), cq.c
 *   send_watch		svc_rdma_send_watch(), cq.c
 *   drain		svc_rdma_send_ctxts_drain(), release.c
 *   ctxt_get		svc_rdma_send_ctxt_get(), send.c
 *   ctxt_wait		svc_rdma_send_ctxt_wait(), send.c
 *   wait_begin, wait_end	the same in wspace.c
 *   sq_try, sq_return	the same in sq.c
 *   sq_wait		svc_rdma_sq_wait() and svc_rdma_sq_wait_space(), sq.c
 *   recv_next		svc_rdma_recv_next(), recv.c
 *   watch_quiet	svc_rdma_watch_quiet(), release.c
 *   service		svc_rdma_recvfrom(), svc_rdma_read_start(), svc_rdma_sendto(),
 *			svc_rdma_release_ctxt(), and svc_recv() of sunrpc around them
 *   callback		svc_rdma_send_call(), send.c
 *   quiet_timer	svc_rdma_quiet_timer(), release.c
 *   events		svc_rdma_recv_event() and svc_rdma_send_event(), cq.c
 *
 * What is left out: closing (nothing is promised but that the teardown drains,
 * and there is nobody left to race with), that of a client that takes nothing
 * included; the second that a waiter sleeps at most, which would hide a lost
 * wakeup; the free list (whether a Send context is free, and how long a thread
 * waits for one, is left open each time); weak memory: Spin has each access seen by all at
 * once, so the barriers are argued where they stand and exercised by the stress
 * test. Contexts are counted, not named: that each is released once is the
 * list's business (tests/stress).
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
#define READS	1	/* of them, at most, come with a Read list */
#endif
/*
 * Entries of the Send Queue, few, so that waits are the rule; what a reply takes
 * at most; Sends that are in flight at the start, their threads gone.
 */
#ifndef CHAINS
#define DEPTH	1
#define CHAIN	1
#define BEFORE	0
#else
#define DEPTH	2
#define CHAIN	2
#define BEFORE	1
#endif
#ifndef EARLY
#define EARLY	1	/* periods of the quiet timer while other things happen */
#endif
#define ROUNDS	2	/* SVC_RDMA_WATCH_ROUNDS */

/* sunrpc: XPT_DATA, XPT_BUSY, and whether the transport waits for a thread */
bool data, busy, queued;

/* Receive queue: completions; arming; what the receiver has taken from it */
byte calls, ready_calls;
bool recv_armed = true;
byte recv_events;

/* RDMA Reads: in flight (sc_reads), done, taken by the receiver, still to come */
byte reads, read_done, ready_reads;
byte reads_to_come = READS;

/* Send Queue: with the device, completed, arming */
byte posted_sends = BEFORE;
byte posted_chains, posted_reads;	/* a chain: Writes and a Send */
byte cq_sends, cq_chains, cq_reads;
bool send_armed;
byte send_events;
short avail = DEPTH - BEFORE;

/* Threads that wait to be able to send: no write space */
byte waiting;

/* Those of them in line for Send Queue space, and what the first of them is told */
byte waiters;
bool line, event_since, woken;

/* Send contexts on the release list */
byte list;

/* Quiet timer: pending; whether anybody passed since it was started */
bool pending = BEFORE;
bool passed;

bool held_up;		/* a thread whose RPC never ends */

#define COMPLETED	(cq_sends + cq_chains + cq_reads)

/* The claim. While a thread waits nobody is called for what arrives. */
#define released	(list == 0 && COMPLETED == 0)
#define received	(calls + ready_calls + ready_reads + read_done == 0 || \
			 waiting > 0)

/* Private to each process. */
#define LOCALS		bool nothing_left, hint, got, more; byte n

inline svc_xprt_enqueue()
{
	atomic {
		if
		:: !busy && data && waiting == 0 -> busy = true; queued = true
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

inline sq_return(sqes)
{
	avail = avail + sqes;
	if
	:: waiters > 0 -> woken = true
	:: waiters == 0
	fi
}

inline sq_try(sqes)
{
	atomic { avail = avail - sqes; got = (avail >= 0) }
	if
	:: got
	:: !got -> sq_return(sqes)
	fi
}

inline append(of_the_service)
{
	atomic { nothing_left = (list == 0); list++ }
	if
#ifndef NO_TRANSITION
	:: nothing_left && !of_the_service -> self_enqueue()
#endif
	:: else
	fi
}

inline send_completed(of_the_service, sqes)
{
	append(of_the_service);
	sq_return(sqes)
}

inline read_completed()
{
	sq_return(1);
	read_done++;
	reads--;
	rdma_enqueue()
}

inline send_poll(of_the_service)
{
	do
	:: atomic { cq_sends > 0 -> cq_sends-- }
		send_completed(of_the_service, 1)
#if CHAIN > 1
	:: atomic { cq_chains > 0 -> cq_chains-- }
		send_completed(of_the_service, CHAIN)
#endif
	:: atomic { cq_reads > 0 -> cq_reads-- }
		read_completed()
	:: COMPLETED == 0 -> break
	od
}

/*
 * Providers differ: where a completion is there already, some say so (rxe) and
 * others raise the event at once (EVENT_AT_ONCE).
 */
inline send_arm()
{
	atomic {
		send_armed = true;
		hint = (COMPLETED > 0);
#ifdef EVENT_AT_ONCE
		if
		:: hint -> hint = false; send_armed = false; send_events++
		:: else
		fi
#endif
	}
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

inline drain()
{
	list = 0
}

inline wait_begin()
{
	waiting++
}

inline wait_end()
{
	waiting--;
	svc_xprt_enqueue()
}

#ifdef CONTEXTS
/* Looks every jiffy; one of them for ever. */
inline ctxt_wait()
{
	if
	:: more = false
	:: atomic { !held_up -> held_up = true; more = true }
	fi;
	wait_begin();
	do
#ifndef NO_DRAIN_IN_WAIT
	:: COMPLETED > 0 || list > 0 -> send_poll(true); drain()
#else
	:: COMPLETED > 0 -> send_poll(true)
#endif
	:: !more -> break
	od;
	wait_end()
}
#endif

inline ctxt_get(of_the_service)
{
	if
	:: skip			/* one is free */
	:: send_poll(of_the_service);
		drain()
#ifdef CONTEXTS
	:: of_the_service ->
		send_poll(true);
		drain();
		ctxt_wait()
#endif
	fi
}

inline sq_wait(sqes)
{
	wait_begin();
	waiters++;
	atomic { !line -> line = true }
	do
	:: event_since = false;
		send_poll(true);
#if !defined(NO_DRAIN_IN_WAIT) && !defined(DRAIN_AFTER_WAIT)
		drain();
#endif
		sq_try(sqes);
		if
		:: got -> break
		:: !got -> send_arm();
			if
			:: hint
			:: !hint ->
				do
				:: woken = false;
					if
					:: event_since || avail >= sqes -> break
					:: else -> woken
					fi
				od
			fi
		fi
	od;
	atomic { line = false; event_since = false; woken = false }
	waiters--;
#ifdef DRAIN_AFTER_WAIT
	drain();
#endif
	wait_end()
}

inline sq_reserve(sqes)
{
	got = false;
	if
	:: waiters == 0 -> sq_try(sqes)
	:: waiters > 0
	fi;
	if
	:: got
	:: !got -> sq_wait(sqes)
	fi
}

inline send_watch()
{
	n = 0;
	do
	:: n < ROUNDS ->
		send_poll(true);
		if
		:: reads == 0 -> break
		:: reads > 0
		fi;
		send_arm();
		if
		:: !hint -> break
		:: hint -> n++
		fi
	:: n == ROUNDS -> rdma_enqueue(); break
	od;
	n = 0
}

inline all_released()
{
	nothing_left = (avail == DEPTH);
	if
	:: nothing_left -> nothing_left = (list == 0)
	:: !nothing_left
	fi
}

inline watch_quiet()
{
#ifndef NO_TIMER
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
	fi
#else
	skip
#endif
}

mtype = { nothing, call, rpc };

inline recv_next()
{
	if
	:: reads > 0 -> send_poll(true)
	:: reads == 0
	fi;
	atomic {		/* nobody else touches what is ready */
		ready_reads = ready_reads + read_done;
		read_done = 0;
		if
		:: ready_reads + ready_calls == 0 ->
			ready_calls = calls;
			calls = 0
		:: else
		fi;
		if
		:: ready_reads > 0 -> ready_reads--; taken = rpc
		:: ready_reads == 0 && ready_calls > 0 -> ready_calls--; taken = call
		:: else -> taken = nothing
		fi;
		more = (ready_reads + ready_calls > 0)
	}
	if
	:: more -> data = true
	:: !more ->
#ifndef CLEAR_LAST
		data = false;
#endif
		if
		:: read_done > 0 -> hint = true
		:: read_done == 0 -> recv_arm()
		fi;
#ifdef CLEAR_LAST
		data = false;
#endif
		if
		:: hint -> data = true
		:: !hint ->
			if
			:: reads > 0 -> send_watch()
			:: reads == 0
			fi
		fi
	fi
}

active [THREADS] proctype service()
{
	LOCALS;
	mtype taken;

idle:
	atomic { queued -> queued = false }
	recv_next();
	busy = false;		/* svc_xprt_received() */
	svc_xprt_enqueue();

	if
	:: taken == nothing -> goto leave
	:: taken == rpc
	:: taken == call
	:: atomic { taken == call && reads_to_come > 0 -> reads_to_come-- }
		reads++;	/* svc_rdma_read_start() */
		sq_reserve(1);
		posted_reads++;
		send_watch();
		goto leave
	fi;

	if			/* nfsd */
	:: skip
	:: atomic { !held_up -> held_up = true }
		false
	fi;

	ctxt_get(true);		/* svc_rdma_sendto() */
	if
	:: sq_reserve(1); posted_sends++
#if CHAIN > 1
	:: sq_reserve(CHAIN); posted_chains++
#endif
	fi;

leave:
	passed = true;		/* svc_rdma_release_ctxt() */
	if
	:: avail != DEPTH -> send_poll(true)
	:: avail == DEPTH
	fi;
	drain();
	watch_quiet();

	svc_xprt_enqueue();	/* svc_xprt_release() of sunrpc */
	goto idle
}

#ifdef CALLBACK
/* A callback, by a thread of the RPC client. */
active proctype callback()
{
	LOCALS;

	ctxt_get(false);
	got = false;
	if
	:: waiters == 0 -> sq_try(1)
	:: waiters > 0
	fi;
	if
	:: got -> posted_sends++; watch_quiet()
	:: !got			/* and is free again */
	fi
}
#endif

inline quiet_timer_fires()
{
	all_released();
	if
	:: nothing_left
	:: !nothing_left ->
		if
		:: !passed -> self_enqueue()
		:: passed
		fi;
		atomic { passed = false; pending = true }
	fi
}

/*
 * The timer, and the claim. The timer may fire EARLY times at any moment. After
 * that it fires only when nothing else can happen: whatever is still there then
 * has to be gone two periods later.
 */
active proctype quiet_timer()
{
	bool nothing_left;
	byte early = EARLY, periods;

	do
	:: atomic { pending && early > 0 -> early--; pending = false }
		quiet_timer_fires()
	:: atomic {
		timeout ->
		assert(received);
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
		event_since = true;
		if
		:: waiters > 0 -> woken = true
		:: waiters == 0
		fi;
		if
		:: reads > 0 -> rdma_enqueue()
		:: reads == 0
		fi
	od
}

inline completed()
{
	if
	:: send_armed -> send_armed = false; send_events++
	:: else
	fi
}

active proctype device()
{
	do
	:: atomic { posted_sends > 0 -> posted_sends--; cq_sends++; completed() }
#if CHAIN > 1
	:: atomic { posted_chains > 0 -> posted_chains--; cq_chains++; completed() }
#endif
	:: atomic { posted_reads > 0 -> posted_reads--; cq_reads++; completed() }
	:: break		/* stuck */
	od
}

active proctype client()
{
	byte sent;

	do
	:: atomic {
		sent < CALLS -> sent++; calls++;
		if
		:: recv_armed -> recv_armed = false; recv_events++
		:: else
		fi
	}
	:: sent == CALLS -> break
	od
}
