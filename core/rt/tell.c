// SPDX-License-Identifier: MIT
//
// What an interpreter tells the host: errors that nobody has handled.
#include "sched/runtime.h"

void lg_on_error(lg_runtime *rt, void (*fn)(void *ud, const lg_error_info *info),
                 void *ud)
{
    lg__lock(&rt->lock, RANK_SCHED);
    rt->on_error = fn;
    rt->on_error_ud = ud;
    lg__unlock(&rt->lock, RANK_SCHED);
}

bool lg_tell_error(lg_runtime *rt, const lg_error_info *info)
{
    lg__lock(&rt->lock, RANK_SCHED);
    void (*fn)(void *ud, const lg_error_info *info) = rt->on_error;
    void *ud = rt->on_error_ud;
    lg__unlock(&rt->lock, RANK_SCHED);
    if (fn) {
        fn(ud, info);
    }
    return fn != NULL;
}
