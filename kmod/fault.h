/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failures on demand, for tests of the error paths: the parameter "fault" of a
 * module built with CONFIG_SVCRDMA_CHECKS. Writing "NAME N" makes the Nth use
 * from now fail, once; reading shows what is still to come. Without the option
 * nothing of this is compiled in.
 */
#ifndef SVCRDMA_FAULT_H
#define SVCRDMA_FAULT_H

#include <linux/jump_label.h>

#include <rdma/ib_verbs.h>

#define SVC_RDMA_FAULTS(X)						\
	X(post_send)		/* the device takes no Work Request */	\
	X(post_send_part)	/* ... takes all of a chain but its last */	\
	X(post_recv)		/* ... takes no Receive */		\
	X(post_recv_part)	/* ... takes all of a chain but its last */	\
	X(map)			/* rdma_rw_ctx_init() */		\
	X(arm)			/* ib_req_notify_cq() */		\
	X(create_qp)		/* rdma_create_qp() */			\
	X(drain)		/* the queue pair takes no markers */

enum svc_rdma_fault {
#define SVC_RDMA_FAULT_ENUM(name) SVC_RDMA_FAULT_##name,
	SVC_RDMA_FAULTS(SVC_RDMA_FAULT_ENUM)
#undef SVC_RDMA_FAULT_ENUM
	SVC_RDMA_NR_FAULTS
};

#ifdef CONFIG_SVCRDMA_CHECKS

DECLARE_STATIC_KEY_FALSE(svc_rdma_faults_asked_for);

bool svc_rdma_fault_due(enum svc_rdma_fault fault);

/**
 * svc_rdma_fault - whether this use of a call is to fail
 * @fault: the call
 *
 * Any context. True at most once for each request, and free until the first.
 */
static inline bool svc_rdma_fault(enum svc_rdma_fault fault)
{
	return static_branch_unlikely(&svc_rdma_faults_asked_for) &&
	       svc_rdma_fault_due(fault);
}

int svc_rdma_fault_post_send_due(struct ib_qp *qp, struct ib_send_wr *first,
				 const struct ib_send_wr **bad);
int svc_rdma_fault_post_recv_due(struct ib_qp *qp, struct ib_recv_wr *first,
				 const struct ib_recv_wr **bad);

/**
 * svc_rdma_fault_post_send - ib_post_send(), unless a failure was asked for
 * @qp: queue pair
 * @first: chain, unchanged on return
 * @bad: set on failure to the first Work Request that was not posted
 *
 * Returns what ib_post_send() returns, or -ENOMEM for a failure on demand.
 */
static inline int svc_rdma_fault_post_send(struct ib_qp *qp,
					   struct ib_send_wr *first,
					   const struct ib_send_wr **bad)
{
	if (static_branch_unlikely(&svc_rdma_faults_asked_for))
		return svc_rdma_fault_post_send_due(qp, first, bad);
	return ib_post_send(qp, first, bad);
}

/* As svc_rdma_fault_post_send(), for ib_post_recv(); a failure cuts the chain. */
static inline int svc_rdma_fault_post_recv(struct ib_qp *qp,
					   struct ib_recv_wr *first,
					   const struct ib_recv_wr **bad)
{
	if (static_branch_unlikely(&svc_rdma_faults_asked_for))
		return svc_rdma_fault_post_recv_due(qp, first, bad);
	return ib_post_recv(qp, first, bad);
}

#else

static inline bool svc_rdma_fault(enum svc_rdma_fault fault)
{
	return false;
}

static inline int svc_rdma_fault_post_send(struct ib_qp *qp,
					   struct ib_send_wr *first,
					   const struct ib_send_wr **bad)
{
	return ib_post_send(qp, first, bad);
}

static inline int svc_rdma_fault_post_recv(struct ib_qp *qp,
					   struct ib_recv_wr *first,
					   const struct ib_recv_wr **bad)
{
	return ib_post_recv(qp, first, bad);
}

#endif

#endif
