// SPDX-License-Identifier: GPL-2.0-only
/* The environment can tell that something is not there. */
#include <linux/sunrpc/svc.h>

int probe(struct svc_rqst *rqstp)
{
	return rqstp->rq_there_is_no_such_field;
}
