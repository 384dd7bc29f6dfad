// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings: numbers that a user may change while the module is loaded. Each
 * connection takes over what is set when its client asks for it. A value out of
 * bounds is refused and changes nothing.
 */
#include <linux/kstrtox.h>
#include <linux/mm.h>

#include "svcrdma.h"
#include "bounds.h"

enum {
	SVC_RDMA_CONNECTIONS_MAX	= 1000000,

	/* MiB of memory for each connection: idle ones take 1.1 at the most. */
	SVC_RDMA_CONNECTION_MIB		= 3,
	SVC_RDMA_CONNECTIONS_DEFAULT_MIN = 256,

	SVC_RDMA_BUDGET_SHARE		= 8,	/* of the memory, for all connections */
	SVC_RDMA_BUDGET_MIN		= 16,	/* MiB */
	SVC_RDMA_CONNECTION_SHARE	= 4,	/* of the budget, for one of them */
};

static struct svc_rdma_bounds svc_rdma_settings[] = {
	[SVC_RDMA_SETTING_CREDITS] = { 128, SVC_RDMA_CREDITS_MIN, 4096, 1 },
	[SVC_RDMA_SETTING_BC_CREDITS] = { 4, 1, 64, 1 },
	/* RFC 8797 counts in KiB. */
	[SVC_RDMA_SETTING_INLINE_SIZE] = { 4096, 1024, 65536, 1024 },
	/* The connection manager counts in a byte. */
	[SVC_RDMA_SETTING_OUTBOUND_READS] = { 16, 1, 255, 1 },
	/* Seconds. */
	[SVC_RDMA_SETTING_DEADLINE] = { 20, 5, 3600, 1 },
	/* MiB. 0, as in others, until svc_rdma_settings_init(). */
	[SVC_RDMA_SETTING_BUDGET] = { 0, 1, 1 << 20, 1 },
	[SVC_RDMA_SETTING_CONNECTION_BUDGET] = { 0, 1, 1 << 20, 1 },
	[SVC_RDMA_SETTING_CONNECTIONS] = { 0, 1, SVC_RDMA_CONNECTIONS_MAX, 1 },
	/* Linux's client makes 16 to each address of a server, NFSv3's too. */
	[SVC_RDMA_SETTING_CLIENT_CONNECTIONS] = { 1024, 1,
						  SVC_RDMA_CONNECTIONS_MAX, 1 },
	[SVC_RDMA_SETTING_KEEPALIVE] = { 60, 0, 3600, 1 },
};

static void svc_rdma_setting_default(enum svc_rdma_setting setting,
				     unsigned long value, unsigned int floor)
{
	struct svc_rdma_bounds *bounds = &svc_rdma_settings[setting];

	if (!bounds->value)
		bounds->value = clamp_t(unsigned long, value, floor,
					bounds->max);
}

/**
 * svc_rdma_settings_init - set what depends on the machine, unless the user has
 *
 * Before any setting is used.
 */
void svc_rdma_settings_init(void)
{
	unsigned long mib = totalram_pages() >> (20 - PAGE_SHIFT);

	svc_rdma_setting_default(SVC_RDMA_SETTING_CONNECTIONS,
				 mib / SVC_RDMA_CONNECTION_MIB,
				 SVC_RDMA_CONNECTIONS_DEFAULT_MIN);
	svc_rdma_setting_default(SVC_RDMA_SETTING_BUDGET,
				 mib / SVC_RDMA_BUDGET_SHARE,
				 SVC_RDMA_BUDGET_MIN);
	svc_rdma_setting_default(SVC_RDMA_SETTING_CONNECTION_BUDGET,
				 svc_rdma_setting(SVC_RDMA_SETTING_BUDGET) /
				 SVC_RDMA_CONNECTION_SHARE, 1);
}

/* What is set now; see enum svc_rdma_setting. */
unsigned int svc_rdma_setting(enum svc_rdma_setting setting)
{
	return READ_ONCE(svc_rdma_settings[setting].value);
}

static int svc_rdma_bounds_set(const char *val, const struct kernel_param *kp)
{
	struct svc_rdma_bounds *bounds = kp->arg;
	unsigned int value;
	int ret = kstrtouint(val, 0, &value);

	if (ret)
		return ret;
	if (value < bounds->min || value > bounds->max ||
	    value % bounds->multiple_of)
		return -EINVAL;
	WRITE_ONCE(bounds->value, value);
	return 0;
}

static int svc_rdma_bounds_get(char *buffer, const struct kernel_param *kp)
{
	const struct svc_rdma_bounds *bounds = kp->arg;

	return sysfs_emit(buffer, "%u\n", READ_ONCE(bounds->value));
}

const struct kernel_param_ops svc_rdma_bounds_ops = {
	.set = svc_rdma_bounds_set,
	.get = svc_rdma_bounds_get,
};

module_param_cb(credits, &svc_rdma_bounds_ops,
		&svc_rdma_settings[SVC_RDMA_SETTING_CREDITS], 0644);
MODULE_PARM_DESC(credits,
		 "most calls that one client may have outstanding, 8 to 4096 (default: 128); new connections");

module_param_cb(backchannel_credits, &svc_rdma_bounds_ops,
		&svc_rdma_settings[SVC_RDMA_SETTING_BC_CREDITS], 0644);
MODULE_PARM_DESC(backchannel_credits,
		 "most calls back to one client that may be outstanding, 1 to 64 (default: 4); new connections");

module_param_cb(inline_size, &svc_rdma_bounds_ops,
		&svc_rdma_settings[SVC_RDMA_SETTING_INLINE_SIZE], 0644);
MODULE_PARM_DESC(inline_size,
		 "bytes of the largest message without chunks, either way, 1024 to 65536 in steps of 1024 (default: 4096); new connections");

module_param_cb(outbound_reads, &svc_rdma_bounds_ops,
		&svc_rdma_settings[SVC_RDMA_SETTING_OUTBOUND_READS], 0644);
MODULE_PARM_DESC(outbound_reads,
		 "most RDMA Reads outstanding on one connection, 1 to 255 (default: 16) if client and device allow as many; new connections");

module_param_cb(deadline, &svc_rdma_bounds_ops,
		&svc_rdma_settings[SVC_RDMA_SETTING_DEADLINE], 0644);
MODULE_PARM_DESC(deadline,
		 "seconds that a client may take nothing of what was sent to it, and deliver nothing that it was asked for, 5 to 3600 (default: 20), twice as long over iWARP; then its connection ends");

module_param_cb(budget, &svc_rdma_bounds_ops,
		&svc_rdma_settings[SVC_RDMA_SETTING_BUDGET], 0644);
MODULE_PARM_DESC(budget,
		 "MiB that RDMA Reads and Writes of all connections may pin, 1 to 1048576 (default: an eighth of the memory); more waits");

module_param_cb(connection_budget, &svc_rdma_bounds_ops,
		&svc_rdma_settings[SVC_RDMA_SETTING_CONNECTION_BUDGET], 0644);
MODULE_PARM_DESC(connection_budget,
		 "MiB of it that one connection may pin, 1 to 1048576 (default: a quarter of budget)");

module_param_cb(keepalive, &svc_rdma_bounds_ops,
		&svc_rdma_settings[SVC_RDMA_SETTING_KEEPALIVE], 0644);
MODULE_PARM_DESC(keepalive,
		 "seconds after which a silent client is probed, 0 to 3600 (default: 60; 0: never); after twice as long its connection ends");

module_param_cb(connections, &svc_rdma_bounds_ops,
		&svc_rdma_settings[SVC_RDMA_SETTING_CONNECTIONS], 0644);
MODULE_PARM_DESC(connections,
		 "most connections of all clients, 1 to 1000000 (default: one for each 3 MiB of memory, 256 at least); more are refused");

module_param_cb(connections_per_client, &svc_rdma_bounds_ops,
		&svc_rdma_settings[SVC_RDMA_SETTING_CLIENT_CONNECTIONS], 0644);
MODULE_PARM_DESC(connections_per_client,
		 "most connections of one client address, 1 to 1000000 (default: 1024); more are refused");
