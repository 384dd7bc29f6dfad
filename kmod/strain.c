// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strain on demand. See strain.h.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "strain.h"

enum {
	SVC_RDMA_UNMAP_US_MAX	= 10000,
	SVC_RDMA_REPLY_MS_MAX	= 10000,
	SVC_RDMA_UDELAY_MAX	= 1000,	/* what udelay() takes everywhere */
	SVC_RDMA_SQ_MIN		= 32,	/* a READ of 256 KiB takes 3 */
	SVC_RDMA_BC_SETUP_MAX	= 10000,	/* milliseconds */
	SVC_RDMA_CREDIT_WINDOW_MAX = 3600,	/* seconds */
};

struct svc_rdma_bounds svc_rdma_unmap_us = { 0, 0, SVC_RDMA_UNMAP_US_MAX, 1 };
struct svc_rdma_bounds svc_rdma_reply_ms = { 0, 0, SVC_RDMA_REPLY_MS_MAX, 1 };
static struct svc_rdma_bounds svc_rdma_sq_max = {
	0, SVC_RDMA_SQ_MIN, UINT_MAX, 1
};

static struct svc_rdma_bounds svc_rdma_bc_setup_ms = {
	0, 0, SVC_RDMA_BC_SETUP_MAX, 1
};

static struct svc_rdma_bounds svc_rdma_credit_window = {
	0, 0, SVC_RDMA_CREDIT_WINDOW_MAX, 1
};

module_param_cb(unmap_us, &svc_rdma_bounds_ops, &svc_rdma_unmap_us, 0600);
MODULE_PARM_DESC(unmap_us,
		 "for experiments: microseconds that unmapping a chunk's segment takes longer, 0 to 10000 (default: 0), as with an IOMMU that waits for each invalidation");

module_param_cb(reply_ms, &svc_rdma_bounds_ops, &svc_rdma_reply_ms, 0600);
MODULE_PARM_DESC(reply_ms,
		 "for tests: milliseconds that processing a call takes longer, 0 to 10000 (default: 0), as with a slow file system");

module_param_cb(sq_max, &svc_rdma_bounds_ops, &svc_rdma_sq_max, 0600);
MODULE_PARM_DESC(sq_max,
		 "for tests: most Work Requests that the Send Queue of a new connection holds, 32 or more (default: as many as it needs); larger chunks than fit end the connection");

module_param_cb(bc_setup_ms, &svc_rdma_bounds_ops, &svc_rdma_bc_setup_ms, 0600);
MODULE_PARM_DESC(bc_setup_ms,
		 "for tests: milliseconds that setting up a backchannel takes longer, 0 to 10000 (default: 0)");

module_param_cb(credit_window, &svc_rdma_bounds_ops, &svc_rdma_credit_window,
		0600);
MODULE_PARM_DESC(credit_window,
		 "for tests: seconds of little use after which a client's credits are cut by half, 0 to 3600 (default: 0, as long as without this parameter)");

/* Jiffies; any context. */
unsigned long svc_rdma_strain_credit_window(unsigned long usual)
{
	unsigned int seconds = READ_ONCE(svc_rdma_credit_window.value);

	return seconds ? seconds * HZ : usual;
}

/* The first asker dawdles between us and sunrpc. May sleep. */
void svc_rdma_strain_bc_setup(void)
{
	unsigned int ms = READ_ONCE(svc_rdma_bc_setup_ms.value);

	if (ms)
		msleep(ms);
}

/* Any context. */
void svc_rdma_strain_delay(unsigned int us)
{
	unsigned int step;

	for (; us; us -= step) {
		step = min_t(unsigned int, us, SVC_RDMA_UDELAY_MAX);
		udelay(step);
	}
}

/* How many entries to ask for where @entries are wanted. */
u32 svc_rdma_strain_sq(u32 entries)
{
	unsigned int most = READ_ONCE(svc_rdma_sq_max.value);

	return most ? min_t(u32, entries, most) : entries;
}

/* May sleep. */
void svc_rdma_strain_sleep(unsigned int ms)
{
	msleep(ms);
}
