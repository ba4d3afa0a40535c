// SPDX-License-Identifier: MIT
#include "gc/gc.h"

#include <string.h>

#include "gc/coordinator.h"
#include "gc/cycle.h"
#include "gc/mark.h"
#include "gc/newobject.h"
#include "gc/worker.h"
#include "os/clock.h"

// ---------------------------------------------------------------------------
// The collector
// ---------------------------------------------------------------------------

int lg__gc_open(struct lg_runtime *rt)
{
    struct gc *gc = lg__alloc_new(&rt->alloc, sizeof *gc);
    if (!gc) {
        return LG_ENOMEM;
    }
    gc->rt = rt;
    gc->heap = &rt->heap;
    gc->epoch = 1;
    gc->outside_p.gc = gc;
    gc->log.open_ns = lg__clock_now();
    lg__types_init(&gc->types, gc, &rt->alloc);
    lg__families_init(gc);
    lg__handles_init(&gc->handles, gc, &rt->alloc);
    lg__roots_init(&gc->roots, gc, &rt->alloc);
    lg__specials_init(&gc->specials, gc, rt);
    rt->gc = gc;
    rt->gc_door.idle_worker = lg__gc_idle_worker;
    rt->gc_door.look = lg__gc_look;
    lg__pace_init(gc);
    return LG_OK;
}

void lg__gc_close(struct lg_runtime *rt)
{
    struct gc *gc = rt->gc;
    if (!gc) {
        return;
    }
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct gc_p *gp = lg__p_at(rt, i)->gc;
        if (gp) {
            lg__gcp_free(gc, gp);
        }
    }
    lg__gc_workers_fini(gc);
    lg__work_flush(gc, &gc->outside);
    lg__pool_fini(gc);
    lg__specials_fini(&gc->specials);
    lg__roots_fini(&gc->roots);
    lg__handles_fini(&gc->handles);
    lg__families_fini(gc);
    lg__types_fini(&gc->types);
    lg__alloc_free(&rt->alloc, gc, sizeof *gc);
    rt->gc = NULL;
}

// ---------------------------------------------------------------------------
// Settings
// ---------------------------------------------------------------------------

int lg_gc_percent(lg_runtime *rt, int percent)
{
    if (percent < 0 && percent != LG_GC_OFF) {
        return LG_EINVAL;
    }
    struct gc *gc = lg__gc(rt);
    // relaxed: a setting
    int former =
        atomic_exchange_explicit(&gc->pace.percent, percent, memory_order_relaxed);
    lg__pace_set_goal(gc);
    return former;
}

int lg_gc_percent_get(lg_runtime *rt)
{
    // relaxed: a setting
    return atomic_load_explicit(&lg__gc(rt)->pace.percent, memory_order_relaxed);
}

int64_t lg_mem_limit(lg_runtime *rt, int64_t limit_bytes)
{
    if (limit_bytes <= 0) {
        return LG_EINVAL;
    }
    struct gc *gc = lg__gc(rt);
    // relaxed: a setting
    int64_t former =
        atomic_exchange_explicit(&gc->pace.limit, limit_bytes, memory_order_relaxed);
    lg__pace_measure(gc);
    lg__pace_set_goal(gc);
    return former;
}

int64_t lg_mem_limit_get(lg_runtime *rt)
{
    return lg__pace_limit(&lg__gc(rt)->pace);
}

int64_t lg_mem_cap(lg_runtime *rt, int64_t cap_bytes)
{
    if (cap_bytes <= 0) {
        return LG_EINVAL;
    }
    int64_t former = lg_mem_cap_get(rt);
    struct gc *gc = lg__gc(rt);
    lg__pace_set_cap(gc, cap_bytes);
    lg__pace_measure(gc);
    lg__pace_set_goal(gc);
    return former;
}

int64_t lg_mem_cap_get(lg_runtime *rt)
{
    // relaxed: a setting
    size_t cap_bytes = atomic_load_explicit(&rt->heap.cap_bytes, memory_order_relaxed);
    return cap_bytes == SIZE_MAX ? LG_MEM_NO_LIMIT : (int64_t)cap_bytes;
}

lg_type *lg_type_of(lg_runtime *rt, const void *ptr, void **out_obj)
{
    struct object object;
    if (!lg__object_find(lg__gc(rt), ptr, &object)) {
        return NULL;
    }
    if (out_obj) {
        *out_obj = object.start;
    }
    return object.type;
}

size_t lg__gc_total_bytes(struct gc *gc)
{
    return lg__heap_total_bytes(gc->heap) + lg__stack_pool_bytes(&gc->rt->stacks);
}
