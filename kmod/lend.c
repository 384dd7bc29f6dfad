// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lent adapters. See lend.h.
 */
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "lend.h"
#include "stats.h"

/* How a queue answers that is armed while completions are in it. */
enum svc_rdma_hints {
	SVC_RDMA_HINTS_OWN,	/* as the device that is there */
	SVC_RDMA_HINTS_NONE,	/* never tells; raises the event at once */
	SVC_RDMA_HINTS_UNARMED,	/* tells, and has not armed */
};

/**
 * struct svc_rdma_adapter - an adapter that can be lent
 * @name: as the parameter has it
 * @send_sges: entries of a Work Request, 0: as many as the device has. Limits only
 *	       become smaller
 * @read_sges: of an RDMA Read
 * @read_regions_above: entries from which on RDMA Reads had better use memory regions
 * @work_requests: that a queue holds
 * @completions: that a completion queue holds
 * @vectors: of completion
 * @queue_bytes: the largest Send Queue that is not refused, whatever it says
 * @regions: memory regions of a queue pair: each piece of a chunk takes one
 * @bounces: it works on copies of Send and Receive buffers (bounce.h)
 * @hints: see there
 */
struct svc_rdma_adapter {
	const char		*name;
	int			send_sges;
	int			read_sges;
	u32			read_regions_above;
	int			work_requests;
	int			completions;
	int			vectors;
	u32			queue_bytes;
	u32			regions;
	bool			bounces;
	enum svc_rdma_hints	hints;
};

static const struct svc_rdma_adapter svc_rdma_adapters[] = {
	{
		/*
		 * ConnectX: a Work Request has 512 bytes at the most, a Send Queue
		 * 32768 blocks of 64 bytes. Firmware says how many entries a Read
		 * should have; so few that both ways come up.
		 */
		.name			= "mlx5",
		.send_sges		= 30,
		.read_sges		= 30,
		.read_regions_above	= 16,
		.work_requests		= 8192,
		.queue_bytes		= 32768 * 64,
		.hints			= SVC_RDMA_HINTS_NONE,
	}, {
		/* Broadcom, Work Requests of one size; firmware says how many. */
		.name			= "bnxt_re",
		.send_sges		= 6,
		.read_sges		= 6,
		.work_requests		= 1024,
		.completions		= 2048,
		.hints			= SVC_RDMA_HINTS_UNARMED,
	}, {
		/* The entries of Intel's X722, in shorter queues than that has. */
		.name			= "small",
		.send_sges		= 3,
		.read_sges		= 1,
		.work_requests		= 384,
		.completions		= 512,
		.vectors		= 2,
	}, {
		/* Nobody's: says that it has what it has not. */
		.name			= "tight",
		.send_sges		= 6,
		.read_sges		= 6,
		.vectors		= 2,
		.queue_bytes		= 15 * 1024,
	}, {
		/*
		 * As iWARP, where regions take memory of the adapter: as many as
		 * one chunk of the most segments takes.
		 */
		.name			= "regions",
		.regions		= 66,
	}, {
		/* Cannot reach all memory. */
		.name			= "bounce",
		.bounces		= true,
	},
};

static const struct svc_rdma_adapter *svc_rdma_adapter;

static char *device;
module_param(device, charp, 0400);
MODULE_PARM_DESC(device,
		 "for tests: the adapter whose limits and habits RDMA devices get while the module is loaded: mlx5, bnxt_re, small, tight, regions or bounce (default: none)");

/**
 * svc_rdma_lend_init - find out which adapter is lent
 *
 * Before any device is added. Returns 0, or -EINVAL if there is none of that name.
 */
int svc_rdma_lend_init(void)
{
	int i;

	if (!device || !*device)
		return 0;
	for (i = 0; i < ARRAY_SIZE(svc_rdma_adapters); i++) {
		if (!strcmp(device, svc_rdma_adapters[i].name)) {
			svc_rdma_adapter = &svc_rdma_adapters[i];
			return 0;
		}
	}
	pr_err("svcrdma: device=\"%s\": there is no such adapter to lend\n",
	       device);
	return -EINVAL;
}

static void svc_rdma_lower(int *limit, int to)
{
	if (to)
		WRITE_ONCE(*limit, min(*limit, to));
}

/**
 * svc_rdma_lend - give a device the limits of the adapter that is lent
 * @ibdev: no connection of ours is on it yet
 * @own: for svc_rdma_lend_end()
 *
 * Queues of others are made to their own measure and go on. May sleep.
 */
void svc_rdma_lend(struct ib_device *ibdev, struct svc_rdma_own_limits *own)
{
	const struct svc_rdma_adapter *adapter = svc_rdma_adapter;
	struct ib_device_attr *attrs = &ibdev->attrs;

	if (!adapter)
		return;
	own->max_qp_wr = attrs->max_qp_wr;
	own->max_cqe = attrs->max_cqe;
	own->max_send_sge = attrs->max_send_sge;
	own->max_sge_rd = attrs->max_sge_rd;
	own->max_sgl_rd = attrs->max_sgl_rd;
	own->vectors = ibdev->num_comp_vectors;

	svc_rdma_lower(&attrs->max_qp_wr, adapter->work_requests);
	svc_rdma_lower(&attrs->max_cqe, adapter->completions);
	svc_rdma_lower(&attrs->max_send_sge, adapter->send_sges);
	svc_rdma_lower(&attrs->max_sge_rd, adapter->read_sges);
	svc_rdma_lower(&ibdev->num_comp_vectors, adapter->vectors);
	if (adapter->read_regions_above)
		WRITE_ONCE(attrs->max_sgl_rd, adapter->read_regions_above);
	pr_info("svcrdma: %s has the limits of %s while the module is loaded\n",
		dev_name(&ibdev->dev), adapter->name);
}

/**
 * svc_rdma_lend_end - give a device its own limits back
 * @ibdev: no connection of ours is on it any more
 * @own: from svc_rdma_lend()
 *
 * May sleep.
 */
void svc_rdma_lend_end(struct ib_device *ibdev,
		       const struct svc_rdma_own_limits *own)
{
	struct ib_device_attr *attrs = &ibdev->attrs;

	if (!svc_rdma_adapter)
		return;
	WRITE_ONCE(attrs->max_qp_wr, own->max_qp_wr);
	WRITE_ONCE(attrs->max_cqe, own->max_cqe);
	WRITE_ONCE(attrs->max_send_sge, own->max_send_sge);
	WRITE_ONCE(attrs->max_sge_rd, own->max_sge_rd);
	WRITE_ONCE(attrs->max_sgl_rd, own->max_sgl_rd);
	WRITE_ONCE(ibdev->num_comp_vectors, own->vectors);
}

/**
 * svc_rdma_lent_refuses - whether the adapter has no room for such a queue pair
 * @attr: what is asked for
 *
 * A Work Request has a head of 32 bytes and 16 for each entry.
 */
bool svc_rdma_lent_refuses(const struct ib_qp_init_attr *attr)
{
	if (!svc_rdma_adapter || !svc_rdma_adapter->queue_bytes)
		return false;
	return attr->cap.max_send_wr * (32 + 16 * attr->cap.max_send_sge) >
	       svc_rdma_adapter->queue_bytes;
}

/* Hard interrupt: what the adapter would have raised. */
static void svc_rdma_lent_event(struct irq_work *work)
{
	struct svc_rdma_lent_cq *lent =
		container_of(work, struct svc_rdma_lent_cq, event);

	svc_rdma_count(SVC_RDMA_lent_events);
	lent->cq->comp_handler(lent->cq, lent->cq->cq_context);
}

/**
 * svc_rdma_lent_cq_init - a completion queue was made
 * @lent: what the adapter knows of it
 * @cq: not armed yet
 */
void svc_rdma_lent_cq_init(struct svc_rdma_lent_cq *lent, struct ib_cq *cq)
{
	lent->event = IRQ_WORK_INIT_HARD(svc_rdma_lent_event);
	lent->cq = cq;
}

/* Before the queue is destroyed: nobody arms it any more. May sleep. */
void svc_rdma_lent_cq_flush(struct svc_rdma_lent_cq *lent)
{
	irq_work_sync(&lent->event);
}

/**
 * svc_rdma_lent_arm - ib_req_notify_cq(), as the adapter that is lent does it
 * @lent: what it knows of the queue
 * @cq: to be armed for its next completion
 *
 * Any context. Returns what ib_req_notify_cq() returns.
 */
int svc_rdma_lent_arm(struct svc_rdma_lent_cq *lent, struct ib_cq *cq)
{
	enum svc_rdma_hints hints = SVC_RDMA_HINTS_OWN;
	int ret;

	if (svc_rdma_adapter)
		hints = svc_rdma_adapter->hints;
	if (hints == SVC_RDMA_HINTS_OWN)
		return ib_req_notify_cq(cq, SVC_RDMA_ARM);

	/* Without a kind of completion to arm for rxe looks, and does not arm. */
	ret = ib_req_notify_cq(cq, IB_CQ_REPORT_MISSED_EVENTS);
	if (!ret)
		ret = ib_req_notify_cq(cq, SVC_RDMA_ARM);
	if (ret <= 0 || hints == SVC_RDMA_HINTS_UNARMED)
		return ret;
	/* One that is still to be raised comes late enough for this one, too. */
	irq_work_queue(&lent->event);
	return 0;
}

/* Whether buffers are to be copied. */
bool svc_rdma_lent_bounces(void)
{
	return svc_rdma_adapter && svc_rdma_adapter->bounces;
}

/**
 * svc_rdma_lent_regions - how many memory regions a queue pair gets
 * @wanted: regions, 0 if the device itself needs none
 */
u32 svc_rdma_lent_regions(u32 wanted)
{
	u32 regions = svc_rdma_adapter ? svc_rdma_adapter->regions : 0;

	if (!regions)
		return wanted;
	return wanted ? min(wanted, regions) : regions;
}

/**
 * svc_rdma_lent_region_get - take a memory region of the adapter that is lent
 * @lent: of the Send queue
 *
 * Returns false if there is none left. Any context.
 */
bool svc_rdma_lent_region_get(struct svc_rdma_lent_cq *lent)
{
	return !svc_rdma_adapter || !svc_rdma_adapter->regions ||
	       atomic_add_unless(&lent->regions, 1, svc_rdma_adapter->regions);
}

/* Gives one back. Any context. */
void svc_rdma_lent_region_put(struct svc_rdma_lent_cq *lent)
{
	if (svc_rdma_adapter && svc_rdma_adapter->regions)
		atomic_dec(&lent->regions);
}
