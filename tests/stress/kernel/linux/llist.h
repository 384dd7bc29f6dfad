// SPDX-License-Identifier: GPL-2.0-only
// The kernel's lock-less list as user space has it: the calls that kmod/ makes, on the C11 memory
// model, so that ThreadSanitizer knows what orders what. Orders are no stronger than the kernel's:
// a full barrier where it has one (cmpxchg, xchg), none where it reads once.
#pragma once

struct llist_node {
    llist_node *next;
};

struct llist_head {
    llist_node *first;
};

inline void init_llist_head(llist_head *list) {
    list->first = nullptr;
}

inline bool llist_empty(const llist_head *list) {
    return !__atomic_load_n(&list->first, __ATOMIC_RELAXED);
}

inline llist_node *llist_next(llist_node *node) {
    return __atomic_load_n(&node->next, __ATOMIC_RELAXED);
}

/// Returns whether the list was empty.
inline bool llist_add(llist_node *node, llist_head *list) {
    llist_node *first = __atomic_load_n(&list->first, __ATOMIC_RELAXED);
    do
        __atomic_store_n(&node->next, first, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&list->first, &first, node, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED));
    return !first;
}

inline llist_node *llist_del_all(llist_head *list) {
    return __atomic_exchange_n(&list->first, static_cast<llist_node *>(nullptr), __ATOMIC_SEQ_CST);
}
