/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Strain on demand, for tests and experiments: parameters of a module built with
 * CONFIG_SVCRDMA_CHECKS that make releasing slow and the Send Queue short.
 * Without the option nothing of this is compiled in.
 */
#ifndef SVCRDMA_STRAIN_H
#define SVCRDMA_STRAIN_H

#include <linux/types.h>

#ifdef CONFIG_SVCRDMA_CHECKS

void svc_rdma_strain_unmap(void);
u32 svc_rdma_strain_sq(u32 entries);

#else

static inline void svc_rdma_strain_unmap(void)
{
}

static inline u32 svc_rdma_strain_sq(u32 entries)
{
	return entries;
}

#endif

#endif
