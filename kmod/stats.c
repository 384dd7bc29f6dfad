// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sysfs.h>

#include "stats.h"

DEFINE_PER_CPU(struct svc_rdma_stats, svc_rdma_stats);

static struct kobject *svc_rdma_counters;

static ssize_t svc_rdma_counter_show(struct kobject *kobj,
				     struct kobj_attribute *attr, char *buf);

static struct kobj_attribute svc_rdma_counter_attrs[] = {
#define SVC_RDMA_COUNTER_ATTR(name) \
	[SVC_RDMA_##name] = __ATTR(name, 0444, svc_rdma_counter_show, NULL),
	SVC_RDMA_COUNTERS(SVC_RDMA_COUNTER_ATTR)
#undef SVC_RDMA_COUNTER_ATTR
};

/*
 * Adds without stopping the adders: a sum may miss what was added while it was
 * being taken, never what was added before.
 */
static ssize_t svc_rdma_counter_show(struct kobject *kobj,
				     struct kobj_attribute *attr, char *buf)
{
	size_t counter = attr - svc_rdma_counter_attrs;
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(svc_rdma_stats, cpu).value[counter]);
	return sysfs_emit(buf, "%ld\n", sum);
}

/* The name of a counter's file. Any context. */
const char *svc_rdma_counter_name(enum svc_rdma_counter counter)
{
	return svc_rdma_counter_attrs[counter].attr.name;
}

static struct attribute *svc_rdma_counter_list[SVC_RDMA_NR_COUNTERS + 1];

static const struct attribute_group svc_rdma_counter_group = {
	.attrs = svc_rdma_counter_list,
};

/**
 * svc_rdma_stats_init - show the counters in sysfs
 *
 * May sleep. Returns 0 or a negative errno; nothing is left behind on failure.
 */
int svc_rdma_stats_init(void)
{
	int i, ret;

	for (i = 0; i < SVC_RDMA_NR_COUNTERS; i++)
		svc_rdma_counter_list[i] = &svc_rdma_counter_attrs[i].attr;

	svc_rdma_counters = kobject_create_and_add("counters",
						   &THIS_MODULE->mkobj.kobj);
	if (!svc_rdma_counters)
		return -ENOMEM;

	ret = sysfs_create_group(svc_rdma_counters, &svc_rdma_counter_group);
	if (ret)
		kobject_put(svc_rdma_counters);
	return ret;
}

/* Waits for readers that are inside a counter's file. May sleep. */
void svc_rdma_stats_exit(void)
{
	sysfs_remove_group(svc_rdma_counters, &svc_rdma_counter_group);
	kobject_put(svc_rdma_counters);
}
