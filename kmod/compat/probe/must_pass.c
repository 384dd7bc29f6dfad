// SPDX-License-Identifier: GPL-2.0-only
/* The environment can compile a kernel file at all. */
#include <linux/sunrpc/svc.h>
