// SPDX-License-Identifier: GPL-2.0-only
/*
 * The budget of pinned memory: bytes of the pages that RDMA Reads fill and that
 * RDMA Writes send, from the moment they are allocated or handed over until they are
 * released. A peer decides how long that is.
 *
 * Whoever is over the budget waits, nobody is refused: the next call with chunks stays
 * in its connection's queue (wspace.c) until enough has come back. A connection may
 * hold as much as is free just now for all, so that the ones that hold most wait
 * first; and each can always have one message of the largest size, whatever the others
 * hold. What replies take is counted, not refused: nfsd has allocated it already, one
 * payload at the most for each thread.
 */
#include <linux/mm.h>
#include <linux/percpu_counter.h>

#include "svcrdma.h"

/* Bytes that all connections have pinned. Off by what CPUs have not added up yet. */
static struct percpu_counter svc_rdma_pinned;

/* Bytes that one CPU may have to add up. */
#define SVC_RDMA_BUDGET_BATCH	SZ_256K

static s64 svc_rdma_budget_of(enum svc_rdma_setting setting)
{
	return (s64)svc_rdma_setting(setting) * SZ_1M;
}

/**
 * svc_rdma_budget_allows - whether a connection may pin more
 * @rdma: connection
 * @bytes: that it wants to pin, 0 or more
 *
 * Any thread. Two at once may both be allowed what there is once.
 */
bool svc_rdma_budget_allows(const struct svcxprt_rdma *rdma, u32 bytes)
{
	s64 wanted = atomic_long_read(&rdma->sc_budget) + bytes;
	s64 free;

	/* One message, whoever holds what. */
	if (wanted <= max(rdma->sc_limits.max_message, bytes))
		return true;
	free = svc_rdma_budget_of(SVC_RDMA_SETTING_BUDGET) -
	       percpu_counter_read(&svc_rdma_pinned);
	if (wanted <= free &&
	    wanted <= svc_rdma_budget_of(SVC_RDMA_SETTING_CONNECTION_BUDGET))
		return true;
	svc_rdma_count(SVC_RDMA_over_budget);
	return false;
}

/* Accounts for bytes that are pinned now. Any thread. */
void svc_rdma_budget_take(struct svcxprt_rdma *rdma, u32 bytes)
{
	atomic_long_add(bytes, &rdma->sc_budget);
	percpu_counter_add_batch(&svc_rdma_pinned, bytes, SVC_RDMA_BUDGET_BATCH);
}

/*
 * Gives bytes back. Any thread; svc_rdma_unblock() is the caller's to call, because
 * it gives back a place as well.
 */
void svc_rdma_budget_return(struct svcxprt_rdma *rdma, u32 bytes)
{
	percpu_counter_add_batch(&svc_rdma_pinned, -(s64)bytes,
				 SVC_RDMA_BUDGET_BATCH);
	atomic_long_sub(bytes, &rdma->sc_budget);
}

/* Returns 0 or a negative errno. May sleep. */
int svc_rdma_budget_init(void)
{
	return percpu_counter_init(&svc_rdma_pinned, 0, GFP_KERNEL);
}

/* No connection is left. */
void svc_rdma_budget_exit(void)
{
	percpu_counter_destroy(&svc_rdma_pinned);
}
