/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lent adapters, for tests: the parameter "device" of a module built with
 * CONFIG_SVCRDMA_CHECKS gives every RDMA device of the machine the limits of an
 * adapter that the lab has not got, and has our queues behave as that adapter's do.
 *
 * The limits are the device's own fields, because ib_core goes by them as well:
 * other users of the device find them while the module is loaded, and meet nothing
 * worse than a device that takes more than it says. What an adapter does, instead
 * of says, is done to our queues only, in place of our calls into the RDMA core.
 * Without the option nothing of this is compiled in.
 */
#ifndef SVCRDMA_LEND_H
#define SVCRDMA_LEND_H

#include <linux/atomic.h>
#include <linux/irq_work.h>

#include <rdma/ib_verbs.h>

#define SVC_RDMA_ARM	(IB_CQ_NEXT_COMP | IB_CQ_REPORT_MISSED_EVENTS)

/**
 * struct svc_rdma_own_limits - what a device says of itself, while others are lent
 *
 * Empty without CONFIG_SVCRDMA_CHECKS, as is struct svc_rdma_lent_cq.
 */
struct svc_rdma_own_limits {
#ifdef CONFIG_SVCRDMA_CHECKS
	int			max_qp_wr;
	int			max_cqe;
	int			max_send_sge;
	int			max_sge_rd;
	u32			max_sgl_rd;
	int			vectors;
#endif
};

/**
 * struct svc_rdma_lent_cq - what a lent adapter knows of a completion queue
 * @event: to be raised from a hard interrupt
 * @regions: of the Send queue: memory regions in use
 */
struct svc_rdma_lent_cq {
#ifdef CONFIG_SVCRDMA_CHECKS
	struct irq_work		event;
	struct ib_cq		*cq;
	atomic_t		regions;
#endif
};

#ifdef CONFIG_SVCRDMA_CHECKS

int svc_rdma_lend_init(void);
void svc_rdma_lend(struct ib_device *device, struct svc_rdma_own_limits *own);
void svc_rdma_lend_end(struct ib_device *device,
		       const struct svc_rdma_own_limits *own);
bool svc_rdma_lent_refuses(const struct ib_qp_init_attr *attr);
void svc_rdma_lent_cq_init(struct svc_rdma_lent_cq *lent, struct ib_cq *cq);
void svc_rdma_lent_cq_flush(struct svc_rdma_lent_cq *lent);
int svc_rdma_lent_arm(struct svc_rdma_lent_cq *lent, struct ib_cq *cq);
bool svc_rdma_lent_bounces(void);
u32 svc_rdma_lent_regions(u32 wanted);
bool svc_rdma_lent_region_get(struct svc_rdma_lent_cq *lent);
void svc_rdma_lent_region_put(struct svc_rdma_lent_cq *lent);

#else

static inline int svc_rdma_lend_init(void)
{
	return 0;
}

static inline void svc_rdma_lend(struct ib_device *device,
				 struct svc_rdma_own_limits *own)
{
}

static inline void svc_rdma_lend_end(struct ib_device *device,
				     const struct svc_rdma_own_limits *own)
{
}

static inline bool svc_rdma_lent_refuses(const struct ib_qp_init_attr *attr)
{
	return false;
}

static inline void svc_rdma_lent_cq_init(struct svc_rdma_lent_cq *lent,
					 struct ib_cq *cq)
{
}

static inline void svc_rdma_lent_cq_flush(struct svc_rdma_lent_cq *lent)
{
}

static inline int svc_rdma_lent_arm(struct svc_rdma_lent_cq *lent,
				    struct ib_cq *cq)
{
	return ib_req_notify_cq(cq, SVC_RDMA_ARM);
}

static inline u32 svc_rdma_lent_regions(u32 wanted)
{
	return wanted;
}

static inline bool svc_rdma_lent_region_get(struct svc_rdma_lent_cq *lent)
{
	return true;
}

static inline void svc_rdma_lent_region_put(struct svc_rdma_lent_cq *lent)
{
}

#endif

#endif
