/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the supported kernels, each decided by a compile probe of
 * the same name in probe/. The rest of the module is written for the newest. What
 * it takes for granted of other modules' structures, and how each is checked:
 *
 * - Pages that a thread of nfsd has: the probe svc_rqst_has_maxpages about the
 *   field, and svc_rdma_read_finish() holds each call against the thread's own
 *   array of vectors, which is what a call's pages are entered in.
 * - One array of pages or two: the probe svc_rqst_has_two_page_arrays about
 *   rq_pages_nfree. svc_rdma_recvfrom() refuses to begin a reply outside
 *   [rq_respages, rq_page_end).
 * - svc_alloc_arg() sets rq_page_end before each xpo_recvfrom: the same check.
 * - nfsd reads a call through rq_arg alone, whosever pages those are: it has no
 *   other way on TCP, where what precedes the data differs in length. Tested by
 *   long calls of every procedure (tests/conformance).
 * - nfsd may take the address of rq_arg's first page where a call has none, and
 *   may go on in the pages where a call's data end in the tail: recv.c and read.c
 *   see to it that something harmless is there.
 * - A class ident without bit 31 and other than 256: main.c has a BUILD_BUG_ON.
 */
#ifndef SVCRDMA_COMPAT_H
#define SVCRDMA_COMPAT_H

#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/sunrpc/svc.h>
#include <linux/sunrpc/svc_xprt.h>

#ifdef HAVE_has_folio_batch_header
#include <linux/folio_batch.h>
#else
#include <linux/pagevec.h>
#endif

#ifndef HAVE_alloc_pages_bulk_takes_array
#undef alloc_pages_bulk
#define alloc_pages_bulk(gfp, n, pages) alloc_pages_bulk_array(gfp, n, pages)
#endif

/*
 * Has the thread build its reply from the first page that is the reply's. A call
 * never takes pages of the thread's: it stays in those of its Receive context.
 *
 * Where calls and replies share one array nfsd does not bound what a READ without
 * splice takes: the second one of a COMPOUND begins inside a page and takes one
 * more than its count says. The array's end is told a page too early, so that the
 * page is there.
 */
static inline void svc_rdma_compat_reply_pages(struct svc_rqst *rqstp)
{
#ifndef HAVE_svc_rqst_has_two_page_arrays
	rqstp->rq_respages = rqstp->rq_pages;
	rqstp->rq_page_end--;	/* svc_alloc_arg() sets it for each call */
#endif
	rqstp->rq_next_page = rqstp->rq_respages;
}

/*
 * Pages that a thread of @serv has for a call or a reply of the largest size. The
 * same sum as in sunrpc, which has no name for it everywhere: where the threads
 * have a field for it they got it from svc_serv_maxpages(); elsewhere that helper
 * may exist and count more pages than svc_alloc_arg() allocates (6.12.111).
 */
static inline unsigned long svc_rdma_compat_maxpages(const struct svc_serv *serv)
{
#ifdef HAVE_svc_rqst_has_maxpages
	return svc_serv_maxpages(serv);
#else
	return min_t(unsigned long, RPCSVC_MAXPAGES,
		     (serv->sv_max_mesg + 2 * PAGE_SIZE) >> PAGE_SHIFT);
#endif
}

/*
 * Pieces of a call's data that this thread can hand to a file system at once. Not
 * every nfsd looks at how many its array holds.
 */
static inline unsigned long
svc_rdma_compat_vectors(const struct svc_rqst *rqstp)
{
#ifdef HAVE_svc_rqst_has_maxpages
	return rqstp->rq_maxpages;
#else
	return ARRAY_SIZE(rqstp->rq_vec);
#endif
}

/*
 * Whether the client of a connection has presented a file handle that is worth
 * something. Kernels that do not ask count all connections alike.
 */
static inline bool svc_rdma_compat_peer_valid(const struct svc_xprt *xprt)
{
#ifdef HAVE_svc_xprt_has_peer_valid
	return test_bit(XPT_PEER_VALID, &xprt->xpt_flags);
#else
	return true;
#endif
}

/* Connections of others that a service keeps. */
static inline unsigned int
svc_rdma_compat_max_unproven(const struct svc_serv *serv)
{
#ifndef HAVE_svc_xprt_has_peer_valid
	return INT_MAX;
#elif defined(XPT_MAX_TMP_CONN)
	return XPT_MAX_TMP_CONN;
#else
	/* nfsd's max_connections, or else sunrpc's own number, which has no name. */
	return serv->sv_maxconn ? serv->sv_maxconn : 64;
#endif
}

#endif
