// SPDX-License-Identifier: MIT
#include "sched/starve.h"

#include "sched/host.h"
#include "sched/idle.h"

void lg__starve(struct lg_runtime *rt, struct runnable *r)
{
    lg__lock(&rt->lock, RANK_SCHED);
    lg__runnable_append(&rt->starved, r);
    lg__unlock(&rt->lock, RANK_SCHED);
}

void lg__feed_starved(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    struct runnable *r = lg__runnable_shift(&rt->starved);
    if (r && !r->pins) {
        lg__globq_push(&rt->global, r);
        lg__nglobal_publish_locked(rt);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    if (r && r->pins) {
        lg__host_push(rt, r);
    }
}

void lg__feed_all_starved_locked(struct lg_runtime *rt)
{
    for (struct runnable *r; (r = lg__runnable_shift(&rt->starved));) {
        if (r->pins) {
            lg__host_push(rt, r); // by the driver: it wakes nobody
        } else {
            lg__globq_push(&rt->global, r);
        }
    }
    lg__nglobal_publish_locked(rt);
}
