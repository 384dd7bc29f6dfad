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

unsigned int svc_rdma_unmap_us;
unsigned int svc_rdma_reply_ms;
static unsigned int svc_rdma_sq_max;

static int svc_rdma_unmap_us_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, SVC_RDMA_UNMAP_US_MAX);
}

static const struct kernel_param_ops svc_rdma_unmap_us_ops = {
	.set = svc_rdma_unmap_us_set,
	.get = param_get_uint,
};

module_param_cb(unmap_us, &svc_rdma_unmap_us_ops, &svc_rdma_unmap_us, 0600);
MODULE_PARM_DESC(unmap_us,
		 "for experiments: microseconds that unmapping a chunk's segment takes longer, 0 to 10000 (default: 0), as with an IOMMU that waits for each invalidation");

static int svc_rdma_reply_ms_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, SVC_RDMA_REPLY_MS_MAX);
}

static const struct kernel_param_ops svc_rdma_reply_ms_ops = {
	.set = svc_rdma_reply_ms_set,
	.get = param_get_uint,
};

module_param_cb(reply_ms, &svc_rdma_reply_ms_ops, &svc_rdma_reply_ms, 0600);
MODULE_PARM_DESC(reply_ms,
		 "for tests: milliseconds that processing a call takes longer, 0 to 10000 (default: 0), as with a slow file system");

static int svc_rdma_sq_max_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, SVC_RDMA_SQ_MIN, UINT_MAX);
}

static const struct kernel_param_ops svc_rdma_sq_max_ops = {
	.set = svc_rdma_sq_max_set,
	.get = param_get_uint,
};

module_param_cb(sq_max, &svc_rdma_sq_max_ops, &svc_rdma_sq_max, 0600);
MODULE_PARM_DESC(sq_max,
		 "for tests: most Work Requests that the Send Queue of a new connection holds, 32 or more (default: as many as it needs); larger chunks than fit end the connection");

static unsigned int svc_rdma_bc_setup_ms;

static int svc_rdma_bc_setup_ms_set(const char *val,
				    const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, SVC_RDMA_BC_SETUP_MAX);
}

static const struct kernel_param_ops svc_rdma_bc_setup_ms_ops = {
	.set = svc_rdma_bc_setup_ms_set,
	.get = param_get_uint,
};

module_param_cb(bc_setup_ms, &svc_rdma_bc_setup_ms_ops, &svc_rdma_bc_setup_ms,
		0600);
MODULE_PARM_DESC(bc_setup_ms,
		 "for tests: milliseconds that setting up a backchannel takes longer, 0 to 10000 (default: 0)");

static unsigned int svc_rdma_credit_window;

static int svc_rdma_credit_window_set(const char *val,
				      const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, SVC_RDMA_CREDIT_WINDOW_MAX);
}

static const struct kernel_param_ops svc_rdma_credit_window_ops = {
	.set = svc_rdma_credit_window_set,
	.get = param_get_uint,
};

module_param_cb(credit_window, &svc_rdma_credit_window_ops,
		&svc_rdma_credit_window, 0600);
MODULE_PARM_DESC(credit_window,
		 "for tests: seconds of little use after which a client's credits are cut by half, 0 to 3600 (default: 0, as long as without this parameter)");

/* Jiffies; any context. */
unsigned long svc_rdma_strain_credit_window(unsigned long usual)
{
	unsigned int seconds = READ_ONCE(svc_rdma_credit_window);

	return seconds ? seconds * HZ : usual;
}

/* The first asker dawdles between us and sunrpc. May sleep. */
void svc_rdma_strain_bc_setup(void)
{
	unsigned int ms = READ_ONCE(svc_rdma_bc_setup_ms);

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
	unsigned int most = READ_ONCE(svc_rdma_sq_max);

	return most ? min_t(u32, entries, most) : entries;
}

/* May sleep. */
void svc_rdma_strain_sleep(unsigned int ms)
{
	msleep(ms);
}
