// SPDX-License-Identifier: MIT
#include "sched/waiter.h"

static void enter(struct list *queue, struct lg_g *g, struct waiter *w)
{
    w->g = g;
    w->queue = queue;
    w->number = (uint32_t)lg__wait_number(&g->wait);
}

void lg__waitq_push(struct list *queue, struct lg_g *g, struct waiter *w)
{
    enter(queue, g, w);
    lg__list_push_back(queue, &w->node);
}

void lg__waitq_push_front(struct list *queue, struct lg_g *g, struct waiter *w)
{
    enter(queue, g, w);
    lg__list_push_front(queue, &w->node);
}

void lg__waitq_unlink(struct waiter *w)
{
    if (w->queue) {
        lg__list_remove(w->queue, &w->node);
        w->queue = NULL;
    }
}

struct waiter *lg__waitq_claim(struct list *queue, enum wake wake,
                               const struct lg_g *self)
{
    struct node *next;
    for (struct node *node = queue->first; node; node = next) {
        next = node->next;
        struct waiter *w = LG_CONTAINER_OF(node, struct waiter, node);
        if (w->g == self) {
            continue;
        }
        lg__waitq_unlink(w);
        if (lg__wait_claim(&w->g->wait, w->number, wake, w->which_case)) {
            return w;
        }
    }
    return NULL;
}

void lg__waitq_claim_all(struct list *queue, enum wake wake, struct list *out)
{
    struct waiter *w;
    while ((w = lg__waitq_claim(queue, wake, NULL))) {
        lg__list_push_back(out, &w->node);
    }
}

size_t lg__waitq_fire_all(struct list *claimed)
{
    size_t n = 0;
    // A waiter is its goroutine's again once that is fired.
    for (struct node *node; (node = lg__list_pop_front(claimed)); n++) {
        lg__wait_fire_behind(LG_CONTAINER_OF(node, struct waiter, node)->g);
    }
    return n;
}

bool lg__waitq_has_other(const struct list *queue, const struct lg_g *self)
{
    for (struct node *node = queue->first; node; node = node->next) {
        if (LG_CONTAINER_OF(node, struct waiter, node)->g != self) {
            return true;
        }
    }
    return false;
}

int lg__wake_result(enum wake wake)
{
    switch (wake) {
    case WAKE_READY: return LG_OK;
    case WAKE_CLOSED: return LG_ECLOSED;
    case WAKE_TIMEOUT: return LG_ETIMEDOUT;
    case WAKE_NOMEM: return LG_ENOMEM;
    case WAKE_CANCEL:
    case WAKE_DROP: break;
    }
    return LG_ECANCELED;
}
