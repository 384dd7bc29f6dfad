// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failures on demand. See fault.h.
 */
#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "fault.h"

static const char * const svc_rdma_fault_names[] = {
#define SVC_RDMA_FAULT_NAME(name) #name,
	SVC_RDMA_FAULTS(SVC_RDMA_FAULT_NAME)
#undef SVC_RDMA_FAULT_NAME
};

DEFINE_STATIC_KEY_FALSE(svc_rdma_faults_asked_for);

/* Uses until the failure; 0 or less: none is asked for. */
static atomic_t svc_rdma_fault_in[SVC_RDMA_NR_FAULTS];

/* "NAME N", N from 1. */
static int svc_rdma_fault_set(const char *val, const struct kernel_param *kp)
{
	char name[32];
	int fault, n;

	if (sscanf(val, "%31s %d", name, &n) != 2 || n < 1)
		return -EINVAL;
	fault = match_string(svc_rdma_fault_names, SVC_RDMA_NR_FAULTS, name);
	if (fault < 0)
		return fault;
	atomic_set(&svc_rdma_fault_in[fault], n);
	static_branch_enable(&svc_rdma_faults_asked_for);
	return 0;
}

static int svc_rdma_fault_get(char *buffer, const struct kernel_param *kp)
{
	int fault, len = 0;

	for (fault = 0; fault < SVC_RDMA_NR_FAULTS; fault++)
		len += sysfs_emit_at(buffer, len, "%s %d\n",
				     svc_rdma_fault_names[fault],
				     max(atomic_read(&svc_rdma_fault_in[fault]), 0));
	return len;
}

static const struct kernel_param_ops svc_rdma_fault_ops = {
	.set = svc_rdma_fault_set,
	.get = svc_rdma_fault_get,
};

module_param_cb(fault, &svc_rdma_fault_ops, NULL, 0600);
MODULE_PARM_DESC(fault,
		 "for tests: \"NAME N\" makes the Nth use from now of a call into the RDMA core fail; read it for the names");

/* Once failures have been asked for: counts a use of @fault. Any context. */
bool svc_rdma_fault_due(enum svc_rdma_fault fault)
{
	atomic_t *in = &svc_rdma_fault_in[fault];

	return atomic_read(in) > 0 && atomic_dec_return(in) == 0;
}

/* Once failures have been asked for: see svc_rdma_fault_post_send(). */
int svc_rdma_fault_post_send_due(struct ib_qp *qp, struct ib_send_wr *first,
				 const struct ib_send_wr **bad)
{
	struct ib_send_wr *wr, *last;
	int ret;

	if (svc_rdma_fault(SVC_RDMA_FAULT_post_send)) {
		*bad = first;
		return -ENOMEM;
	}
	if (!first->next || !svc_rdma_fault(SVC_RDMA_FAULT_post_send_part))
		return ib_post_send(qp, first, bad);

	for (wr = first; wr->next->next; )
		wr = wr->next;
	last = wr->next;
	wr->next = NULL;
	ret = ib_post_send(qp, first, bad);
	/* Nothing of the chain is signalled: it stays with the caller. */
	wr->next = last;
	if (ret)
		return ret;
	*bad = last;
	return -ENOMEM;
}

/* Once failures have been asked for: see svc_rdma_fault_post_recv(). */
int svc_rdma_fault_post_recv_due(struct ib_qp *qp, struct ib_recv_wr *first,
				 const struct ib_recv_wr **bad)
{
	struct ib_recv_wr *wr, *last;
	int ret;

	if (svc_rdma_fault(SVC_RDMA_FAULT_post_recv)) {
		*bad = first;
		return -ENOMEM;
	}
	if (!first->next || !svc_rdma_fault(SVC_RDMA_FAULT_post_recv_part))
		return ib_post_recv(qp, first, bad);

	for (wr = first; wr->next->next; )
		wr = wr->next;
	last = wr->next;
	/* Cut for good: what was posted may complete before this returns. */
	wr->next = NULL;
	ret = ib_post_recv(qp, first, bad);
	if (ret)
		return ret;
	*bad = last;
	return -ENOMEM;
}
