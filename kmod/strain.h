/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Strain on demand, for tests and experiments: parameters of a module built with
 * CONFIG_SVCRDMA_CHECKS that make things slow and the Send Queue short.
 * Without the option nothing of this is compiled in.
 */
#ifndef SVCRDMA_STRAIN_H
#define SVCRDMA_STRAIN_H

#include <linux/compiler.h>
#include <linux/types.h>

#ifdef CONFIG_SVCRDMA_CHECKS

#include "bounds.h"

extern struct svc_rdma_bounds svc_rdma_unmap_us;
extern struct svc_rdma_bounds svc_rdma_reply_ms;

void svc_rdma_strain_delay(unsigned int us);
void svc_rdma_strain_sleep(unsigned int ms);
void svc_rdma_strain_bc_setup(void);
u32 svc_rdma_strain_sq(u32 entries);
unsigned long svc_rdma_strain_credit_window(unsigned long usual);

/* The CPU waits for the IOMMU. Any context. */
static inline void svc_rdma_strain_unmap(void)
{
	unsigned int us = READ_ONCE(svc_rdma_unmap_us.value);

	if (unlikely(us))
		svc_rdma_strain_delay(us);
}

/* A slow file system. May sleep. */
static inline void svc_rdma_strain_reply(void)
{
	unsigned int ms = READ_ONCE(svc_rdma_reply_ms.value);

	if (unlikely(ms))
		svc_rdma_strain_sleep(ms);
}

#else

static inline void svc_rdma_strain_unmap(void)
{
}

static inline void svc_rdma_strain_reply(void)
{
}

static inline u32 svc_rdma_strain_sq(u32 entries)
{
	return entries;
}

static inline unsigned long
svc_rdma_strain_credit_window(unsigned long usual)
{
	return usual;
}

static inline void svc_rdma_strain_bc_setup(void)
{
}

#endif

#endif
