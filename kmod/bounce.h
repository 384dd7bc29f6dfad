/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers of ours that stay mapped: those of Sends and Receives.
 *
 * Where the device cannot reach all memory each has a copy that the device works on,
 * and what is not synchronised is not there. A lab's devices see what the CPU sees: a
 * module built with CONFIG_SVCRDMA_CHECKS can make such copies itself (device=bounce,
 * see lend.h). Without the option these are the DMA interface's own functions.
 */
#ifndef SVCRDMA_BOUNCE_H
#define SVCRDMA_BOUNCE_H

#include <rdma/ib_verbs.h>

/**
 * struct svc_rdma_bounce - the copy of a buffer, if it has one
 * @own: the buffer
 * @copy: NULL if the device works on the buffer itself
 */
struct svc_rdma_bounce {
#ifdef CONFIG_SVCRDMA_CHECKS
	void	*own;
	void	*copy;
#endif
};

#ifdef CONFIG_SVCRDMA_CHECKS

int svc_rdma_bounce_map(struct svc_rdma_bounce *bounce,
			struct ib_device *device, void *buf, struct ib_sge *sge,
			u32 size, enum dma_data_direction direction);
void svc_rdma_bounce_unmap(struct svc_rdma_bounce *bounce,
			   struct ib_device *device, u64 addr, u32 size,
			   enum dma_data_direction direction);
void svc_rdma_bounce_to_device(const struct svc_rdma_bounce *bounce,
			       struct ib_device *device, u64 addr, u32 size,
			       enum dma_data_direction direction);
void svc_rdma_bounce_to_cpu(const struct svc_rdma_bounce *bounce,
			    struct ib_device *device, u64 addr, u32 size,
			    enum dma_data_direction direction);

#else

/**
 * svc_rdma_bounce_map - map a buffer for as long as it lives
 * @bounce: zeroed
 * @device: that it is for
 * @buf: the buffer
 * @sge: gets the address
 * @size: of the buffer
 * @direction: of all that moves through it
 *
 * May sleep. Returns 0, or -ENOMEM with nothing mapped.
 */
static inline int svc_rdma_bounce_map(struct svc_rdma_bounce *bounce,
				      struct ib_device *device, void *buf,
				      struct ib_sge *sge, u32 size,
				      enum dma_data_direction direction)
{
	sge->addr = ib_dma_map_single(device, buf, size, direction);
	return ib_dma_mapping_error(device, sge->addr) ? -ENOMEM : 0;
}

static inline void svc_rdma_bounce_unmap(struct svc_rdma_bounce *bounce,
					 struct ib_device *device, u64 addr,
					 u32 size,
					 enum dma_data_direction direction)
{
	ib_dma_unmap_single(device, addr, size, direction);
}

/* The buffer is the device's from now on. Any context. */
static inline void
svc_rdma_bounce_to_device(const struct svc_rdma_bounce *bounce,
			  struct ib_device *device, u64 addr, u32 size,
			  enum dma_data_direction direction)
{
	ib_dma_sync_single_for_device(device, addr, size, direction);
}

/* The buffer is the CPU's again. Any context. */
static inline void svc_rdma_bounce_to_cpu(const struct svc_rdma_bounce *bounce,
					  struct ib_device *device, u64 addr,
					  u32 size,
					  enum dma_data_direction direction)
{
	ib_dma_sync_single_for_cpu(device, addr, size, direction);
}

#endif

#endif
