/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the supported kernels, each decided by a compile probe of
 * the same name in probe/. The rest of the module is written for the newest.
 */
#ifndef SVCRDMA_COMPAT_H
#define SVCRDMA_COMPAT_H

#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/sunrpc/svc.h>

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
 * Tells the thread that the first @n of its pages hold the call, so that the
 * reply is built behind them. Where calls and replies have an array each, there
 * is nothing to tell.
 */
static inline void svc_rdma_compat_reply_pages(struct svc_rqst *rqstp,
					       unsigned int n)
{
#ifndef HAVE_svc_rqst_has_two_page_arrays
	rqstp->rq_respages = rqstp->rq_pages + n;
#endif
	rqstp->rq_next_page = rqstp->rq_respages;
}

/* Pages that a call and its reply have together, or each of them has. */
static inline unsigned long svc_rdma_compat_maxpages(const struct svc_serv *serv)
{
#ifdef HAVE_has_svc_serv_maxpages
	return svc_serv_maxpages(serv);
#else
	return min_t(unsigned long, RPCSVC_MAXPAGES,
		     (serv->sv_max_mesg + 2 * PAGE_SIZE) >> PAGE_SHIFT);
#endif
}

#endif
