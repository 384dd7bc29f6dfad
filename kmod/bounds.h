/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers with bounds, as module parameters: a value out of bounds is refused and
 * changes nothing. The functions are in settings.c.
 */
#ifndef SVCRDMA_BOUNDS_H
#define SVCRDMA_BOUNDS_H

#include <linux/moduleparam.h>

/**
 * struct svc_rdma_bounds - a number and its bounds
 * @value: what is set now; read with READ_ONCE()
 * @min: smallest value
 * @max: largest value
 * @multiple_of: step, 1 or more
 */
struct svc_rdma_bounds {
	unsigned int value, min, max, multiple_of;
};

/* For module_param_cb(), whose argument is a struct svc_rdma_bounds. */
extern const struct kernel_param_ops svc_rdma_bounds_ops;

#endif
