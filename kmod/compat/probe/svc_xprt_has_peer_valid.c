// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sunrpc/svc_xprt.h>

bool probe(const struct svc_xprt *xprt)
{
	return test_bit(XPT_PEER_VALID, &xprt->xpt_flags);
}
