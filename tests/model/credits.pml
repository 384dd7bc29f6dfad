/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hand-shake of credits, for Spin: one connection, its receiver, threads that
 * post replies, the device, pollers of the Send queue, and the client. Every step
 * below is one access to something shared, and steps of different processes come in
 * any order.
 *
 * What is promised: a grant is a promise. No call arrives for which no Receive is
 * posted, whatever the client does that the credits that it may believe in allow it.
 *
 * The client is the worst there is. It uses the credit of a call again as soon as
 * the reply is in its memory. It believes in the highest grant among those that are
 * in its memory, whether it has read later ones or not, until time has settled it:
 * a second after the completion that tells of a cut it has read, in their order, the
 * replies that were in its memory at that completion. Calls may be on their way for as
 * long as they like, then, too.
 *
 * Where the steps come from:
 *
 *   receiver		svc_rdma_recv_gather() and svc_rdma_recv_refill(), recv.c
 *   grow		svc_rdma_credits_grow(), credits.c
 *   cut		svc_rdma_credits_cut(), credits.c
 *   advance		svc_rdma_credits_advance(), credits.c
 *   refill		svc_rdma_recv_refill() and svc_rdma_recv_chain(), recv.c
 *   cover		svc_rdma_credits_cover(), credits.c
 *   caller		svc_rdma_bc_setup() and svc_rdma_bc_is_covered(), backchannel.c
 *   poster		svc_rdma_sq_post_now(), sq.c, and svc_rdma_credits_tell(), credits.c
 *   poller		svc_rdma_credits_told(), credits.c
 *
 * What is left out: when credits grow and when they are cut (at any visit that takes
 * calls, here); Receives posted ahead (more of them break nothing); memory that is
 * short, and Receives that were not posted for it; closing; weak memory, as in
 * release.pml. RCU is what it promises: a grace period is over when every read-side
 * section that had begun before it has ended.
 *
 * What Spin says beyond the promise: nothing depends on calls arriving in time. Once
 * its client has read what it was sent, a Receive is there for every call that is
 * still on its way.
 *
 * Variants, each with a step taken out: see the Makefile.
 */

#ifndef START
#define START	1	/* SVC_RDMA_CREDITS_START */
#endif
#ifndef MOST
#define MOST	4	/* sc_credits_max */
#endif
#define GROWTH	4	/* SVC_RDMA_GROWTH */
#ifndef GROWTHS
#define GROWTHS	1	/* at most */
#endif
#ifndef CUTS
#define CUTS	1	/* at most */
#endif
#ifndef POSTERS
#define POSTERS	2
#endif

#define MIN(a, b)	((a) < (b) -> (a) : (b))
#define MAX(a, b)	((a) > (b) -> (a) : (b))

/* How far the cut has come: sc_cut, sc_cut_nr, sc_cut_told. */
mtype = { NONE, POSTING, TELLING, SETTLING, SETTLED };
mtype cut = NONE;
byte cut_nr, cut_told;

/* sc_grant, sc_recv_target, sc_recv_covered, sc_recvs_posted */
byte grant = START, target = START, covered = START, recvs_posted = START;

/* Receives that the device has; calls that have completed them, not polled yet. */
byte device_recvs = START, recv_cq;

/* Calls whose replies are yet to be posted. */
byte to_answer;

/* Which posters are inside a read-side section, and which the grace period awaits. */
byte inside, awaited;

/* Replies on the Send Queue: what they grant, which cut they tell of. */
chan sq = [MOST] of { byte, byte };

/* By cut: completed Sends that tell of it, on their way to sc_cut_told; 2: or more. */
byte told[CUTS + 1];

/*
 * The client: calls without a reply in its memory, those of them on their way; the
 * highest grant that it may believe in, now and once it has settled; the last one.
 */
byte outstanding, on_the_way;
byte believed = START, believed_then, last = START;

byte growths, cuts;

#ifdef CALLBACKS
#define BC	1	/* sc_bc_credits */

/*
 * sc_bc_xprt, sc_bc_covered; a call to the client that is not answered, and whether it
 * has yet to answer; its replies that have completed Receives, not polled yet.
 */
bool set_up, bc_covered, calling, called;
byte reply_cq;
#define REPLIES	reply_cq
#else
#define REPLIES	0
#endif

inline grow()
{
	growths++;
	cut = NONE;
	target = MIN(GROWTH * target, MOST);
#ifdef GRANT_BEFORE_POSTING
	covered = MAX(covered, target);
	grant = target
#endif
}

inline begin_cut()
{
	cuts++;
	target = MAX(target / 2, START);
	grant = MIN(grant, target);
	awaited = inside;		/* start_poll_synchronize_rcu() */
	cut = POSTING;
#ifdef CUT_AT_ONCE
	covered = grant
#endif
}

/* A second later the client has read what it was sent. */
inline settled()
{
	atomic { cut = SETTLED; believed = believed_then; believed_then = 0 }
#ifdef NO_LAST_LOOK
	covered = grant;
	cut = NONE
#endif
}

inline advance()
{
	if
#ifndef NO_GRACE_PERIOD
	:: cut == POSTING && awaited == 0 ->
#else
	:: cut == POSTING ->
#endif
		cut_nr++;
		cut = TELLING
#ifndef ANY_TOLD
	:: cut == TELLING && cut_told == cut_nr ->
#else
	:: cut == TELLING && cut_told != 0 ->
#endif
#ifndef NO_SETTLING
		atomic { cut = SETTLING; believed_then = last }
#else
		covered = grant;
		cut = NONE
#endif
	:: cut == SETTLING -> settled()
	:: cut == SETTLED ->
		covered = grant;
		cut = NONE
	:: skip
	fi
}

inline refill()
{
	n = MAX(target, covered);
#ifdef CALLBACKS
	n = n + (set_up -> BC : 0);
#endif
	if
	:: recvs_posted < n ->
		n = n - recvs_posted;
		recvs_posted = recvs_posted + n;
		device_recvs = device_recvs + n;
		n = 0
	:: else -> n = 0
	fi
}

inline cover()
{
	n = recvs_posted;
#ifdef CALLBACKS
	if
	:: set_up ->
		n = n - MIN(n, BC);
		if
		:: n >= covered -> bc_covered = true
		:: else
		fi
	:: else
	fi;
#endif
	if
	:: MIN(n, target) > grant ->
		covered = MAX(covered, MIN(n, target));
		grant = MIN(n, target)
	:: else
	fi;
	n = 0
}

active proctype receiver()
{
	byte n, taken;
#ifdef CALLBACKS
	byte replied;
#endif

	do
	:: atomic { recv_cq > 0 || REPLIES > 0 ->
		recvs_posted = recvs_posted - recv_cq - REPLIES;
		taken = recv_cq;
		recv_cq = 0;
#ifdef CALLBACKS
		replied = reply_cq;
		reply_cq = 0
#endif
	}
		if
		:: growths < GROWTHS && target < MOST -> grow()
		:: advance();
			if
			:: cut == NONE && cuts < CUTS && target > START -> begin_cut()
			:: skip
			fi
		fi;
		refill();
		cover();
		/* To nfsd only when this visit is over. */
		atomic { to_answer = to_answer + taken; taken = 0 }
#ifdef CALLBACKS
		if
		:: replied > 0 -> atomic { replied = 0; calling = false }
		:: else
		fi
	/* Nothing to receive: set-up has sent this thread. */
	:: set_up && !bc_covered ->
		refill();
		cover()
#endif
	od
}

active [POSTERS] proctype poster()
{
	byte telling, granted;

	do
	/* All are alike: one comes only where those before it are inside. */
	:: atomic { to_answer > 0 && inside + 2 >= (1 << _pid) ->
		to_answer--;
		inside = inside | (1 << _pid)
	}
		if
		:: cut == TELLING -> telling = cut_nr
		:: cut != TELLING
		fi;
		granted = grant;
		atomic {
			sq!granted, telling;
			granted = 0;
			telling = 0
		}
		atomic {
			inside = inside & ~(1 << _pid);
			awaited = awaited & ~(1 << _pid)
		}
	od
}

/* A reply is in the client's memory; its Send has completed. */
active proctype device()
{
	byte granted, telling;

	do
	:: atomic {
		sq?granted, telling ->
		outstanding--;
		last = granted;
		believed = MAX(believed, granted);
		if
		:: cut == SETTLING -> believed_then = MAX(believed_then, granted)
		:: else
		fi;
		if
		:: telling > 0 && told[telling] < 2 -> told[telling]++
		:: else
		fi;
		granted = 0;
		telling = 0
	}
	od
}

#ifdef CALLBACKS
/*
 * nfsd sets up and calls the client back, one call at a time; where in the Send Queue
 * its call is makes no difference.
 */
active proctype caller()
{
	set_up = true;
	do
#ifndef CALL_AT_ONCE
	:: atomic { bc_covered && !calling -> calling = true; called = true }
#else
	:: atomic { !calling -> calling = true; called = true }
#endif
	od
}
#endif

/* Whoever polls, in any order. */
active proctype poller()
{
	do
#if CUTS > 0
	:: atomic { told[1] > 0 -> told[1]--; cut_told = 1 }
#endif
#if CUTS > 1
	:: atomic { told[2] > 0 -> told[2]--; cut_told = 2 }
#endif
	:: false
	od
}

active proctype client()
{
	do
#ifdef ON_THE_WAY
	:: atomic { outstanding < believed -> outstanding++; on_the_way++ }
	:: atomic { on_the_way > 0 ->
		on_the_way--;
#else
	:: atomic { outstanding < believed ->
		outstanding++;
#endif
		assert(device_recvs > 0);
		device_recvs--;
		recv_cq++
	}
#ifdef CALLBACKS
	:: atomic { called ->
		called = false;
		assert(device_recvs > 0);
		device_recvs--;
		reply_cq++
	}
#endif
	od
}
