// SPDX-License-Identifier: MIT
//
// Taking a runnable out of whatever queue it stands in, where nothing runs.
#include "sched/host.h"
#include "sched/idle.h"
#include "sched/order.h"
#include "sched/sched.h"

static bool forget_locked(struct lg_runtime *rt, struct runnable *r) LG_REQUIRES(rt->lock)
{
    bool has_stood = false;
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct runnable *at;
        while ((at = lg__sched_pop_own(lg__p_at(rt, i)))) {
            lg__globq_push(&rt->global, at);
        }
    }
    for (size_t count = rt->global.count; count > 0; count--) {
        struct runnable *at = lg__globq_pop(&rt->global);
        if (at != r) {
            lg__globq_push(&rt->global, at);
        }
        has_stood |= at == r;
    }
    lg__nglobal_publish_locked(rt);
    return has_stood;
}

bool lg__sched_forget(struct lg_runtime *rt, struct runnable *r)
{
    lg__lock(&rt->lock, RANK_SCHED);
    bool is_unmanned = !rt->driver && rt->nmade == 0;
    bool has_stood = false;
    if (r->pins) {
        has_stood = !rt->driver && lg__host_forget_locked(rt, r);
    } else if (is_unmanned && r->is_beside) {
        has_stood = lg__order_forget_locked(rt, r);
    } else if (is_unmanned) {
        has_stood = forget_locked(rt, r);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    return has_stood;
}
