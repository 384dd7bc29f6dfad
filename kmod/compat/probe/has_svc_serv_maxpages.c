// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sunrpc/svc.h>

unsigned long probe(const struct svc_serv *serv)
{
	return svc_serv_maxpages(serv);
}
