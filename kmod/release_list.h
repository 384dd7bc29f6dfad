/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list itself: what has completed and waits to be released. It knows
 * nothing of transports, so the stress test compiles it in user space.
 *
 * Anybody appends, in any context, without a lock. Anybody takes, several at
 * once, and whoever takes, takes all: each entry is released exactly once.
 */
#ifndef SVCRDMA_RELEASE_LIST_H
#define SVCRDMA_RELEASE_LIST_H

#include <linux/llist.h>

/**
 * svc_rdma_release_list_append - hand an entry over for release
 * @list: the list
 * @node: of the entry, not the caller's any more
 *
 * A full barrier: what the caller wrote before is seen by who takes the entry,
 * and what it writes afterwards is not seen before the entry.
 *
 * Returns true if the list was empty: this caller, and no other, has to see to
 * it that somebody comes and drains.
 */
static inline bool svc_rdma_release_list_append(struct llist_head *list,
						struct llist_node *node)
{
	return llist_add(node, list);
}

/**
 * svc_rdma_release_list_drain - take all entries and release them
 * @list: the list
 * @release: called once for each entry, which may be reused at once
 * @data: for @release
 *
 * Returns how many there were.
 */
static inline unsigned int
svc_rdma_release_list_drain(struct llist_head *list,
			    void (*release)(struct llist_node *node, void *data),
			    void *data)
{
	struct llist_node *node, *next;
	unsigned int released = 0;

	for (node = llist_del_all(list); node; node = next) {
		next = llist_next(node);	/* @release may put it elsewhere */
		release(node, data);
		released++;
	}
	return released;
}

#endif
