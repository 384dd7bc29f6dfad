// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that bounce, on demand. See bounce.h; the functions are described there.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "bounce.h"
#include "lend.h"

/* What is in a copy that nobody has written to: no header and no message. */
#define SVC_RDMA_BOUNCE_POISON	0xb5

int svc_rdma_bounce_map(struct svc_rdma_bounce *bounce,
			struct ib_device *device, void *buf, struct ib_sge *sge,
			u32 size, enum dma_data_direction direction)
{
	if (svc_rdma_lent_bounces()) {
		bounce->own = buf;
		bounce->copy = kmalloc(size, GFP_KERNEL);
		if (!bounce->copy)
			return -ENOMEM;
		buf = bounce->copy;
		memset(buf, SVC_RDMA_BOUNCE_POISON, size);
	}
	sge->addr = ib_dma_map_single(device, buf, size, direction);
	if (!ib_dma_mapping_error(device, sge->addr))
		return 0;
	kfree(bounce->copy);
	bounce->copy = NULL;
	return -ENOMEM;
}

void svc_rdma_bounce_unmap(struct svc_rdma_bounce *bounce,
			   struct ib_device *device, u64 addr, u32 size,
			   enum dma_data_direction direction)
{
	ib_dma_unmap_single(device, addr, size, direction);
	kfree(bounce->copy);
	bounce->copy = NULL;
}

void svc_rdma_bounce_to_device(const struct svc_rdma_bounce *bounce,
			       struct ib_device *device, u64 addr, u32 size,
			       enum dma_data_direction direction)
{
	if (bounce->copy && direction == DMA_TO_DEVICE)
		memcpy(bounce->copy, bounce->own, size);
	else if (bounce->copy)
		memset(bounce->copy, SVC_RDMA_BOUNCE_POISON, size);
	ib_dma_sync_single_for_device(device, addr, size, direction);
}

void svc_rdma_bounce_to_cpu(const struct svc_rdma_bounce *bounce,
			    struct ib_device *device, u64 addr, u32 size,
			    enum dma_data_direction direction)
{
	ib_dma_sync_single_for_cpu(device, addr, size, direction);
	if (bounce->copy)
		memcpy(bounce->own, bounce->copy, size);
}
