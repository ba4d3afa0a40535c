// SPDX-License-Identifier: MIT
//
// A doubly linked list through nodes that live in their owners. The head is a
// pair of pointers, so that zero bytes are an empty list; a node that is on no
// list has both links NULL or is not looked at.
#ifndef LG_BASE_LIST_H
#define LG_BASE_LIST_H

#include "base/base.h"

struct node {
    struct node *next;
    struct node *prev;
};

struct list {
    struct node *first;
    struct node *last;
};

LG_INLINE bool lg__list_is_empty(const struct list *list)
{
    return list->first == NULL;
}

LG_INLINE void lg__list_push_back(struct list *list, struct node *node)
{
    node->next = NULL;
    node->prev = list->last;
    if (list->last) {
        list->last->next = node;
    } else {
        list->first = node;
    }
    list->last = node;
}

LG_INLINE void lg__list_push_front(struct list *list, struct node *node)
{
    node->prev = NULL;
    node->next = list->first;
    if (list->first) {
        list->first->prev = node;
    } else {
        list->last = node;
    }
    list->first = node;
}

// Puts node behind one that is on the list.
LG_INLINE void lg__list_insert_after(struct list *list, struct node *at,
                                     struct node *node)
{
    node->prev = at;
    node->next = at->next;
    *(at->next ? &at->next->prev : &list->last) = node;
    at->next = node;
}

LG_INLINE void lg__list_remove(struct list *list, struct node *node)
{
    if (node->prev) {
        node->prev->next = node->next;
    } else {
        list->first = node->next;
    }
    if (node->next) {
        node->next->prev = node->prev;
    } else {
        list->last = node->prev;
    }
    node->next = NULL;
    node->prev = NULL;
}

LG_INLINE struct node *lg__list_pop_front(struct list *list)
{
    struct node *node = list->first;
    if (node) {
        lg__list_remove(list, node);
    }
    return node;
}

#endif // LG_BASE_LIST_H
