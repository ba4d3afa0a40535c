// SPDX-License-Identifier: MIT
#include "sched/tidy.h"

#include "mem/scavenge.h"
#include "sched/idle.h"
#include "sched/reap.h"
#include "sched/runtime.h"
#include "sched/starve.h"
#include "sched/wake.h"

void lg_on_tidy(lg_runtime *rt, bool (*fn)(void *ud), void *ud)
{
    lg__lock(&rt->lock, RANK_SCHED);
    rt->tidy.fn = fn;
    rt->tidy.ud = ud;
    lg__unlock(&rt->lock, RANK_SCHED);
    // relaxed: as in call_host(). It is called once at least, although all may sleep
    // before the next period, and nothing else be left to do
    atomic_store_explicit(&rt->tidy.has_host_more, fn != NULL, memory_order_relaxed);
}

static void call_host(lg_job *job)
{
    struct tidy *t = LG_CONTAINER_OF(job, struct tidy, job);
    struct lg_runtime *rt = LG_CONTAINER_OF(t, struct lg_runtime, tidy);
    lg__lock(&rt->lock, RANK_SCHED);
    bool (*fn)(void *ud) = t->fn;
    void *ud = t->ud;
    lg__unlock(&rt->lock, RANK_SCHED);
    bool has_more = fn && fn(ud);
    // relaxed: a hint. Who looks too early looks again when this M goes idle
    atomic_store_explicit(&t->has_host_more, has_more, memory_order_relaxed);
    // release: pairs with the exchange in start_host(); one call comes after
    // the other
    atomic_store_explicit(&t->is_host_started, false, memory_order_release);
}

static void start_host(struct lg_runtime *rt)
{
    struct tidy *t = &rt->tidy;
    lg__lock(&rt->lock, RANK_SCHED);
    bool has_host = t->fn != NULL;
    lg__unlock(&rt->lock, RANK_SCHED);
    if (!has_host) {
        // relaxed: as in call_host()
        atomic_store_explicit(&t->has_host_more, false, memory_order_relaxed);
        return;
    }
    // acquire: pairs with the release in call_host()
    if (atomic_exchange_explicit(&t->is_host_started, true, memory_order_acq_rel)) {
        return;
    }
    t->job.fn = call_host;
    if (lg_job_start(rt, &t->job) != LG_OK) {
        // release: as in call_host(). The next period may find memory
        atomic_store_explicit(&t->is_host_started, false, memory_order_release);
    }
}

bool lg__tidy(struct lg_runtime *rt)
{
    struct tidy *t = &rt->tidy;
    if (rt->options.deterministic) {
        return false; // when, would be chance
    }
    int64_t now_ns = lg__now(rt);
    // relaxed: the CAS lets one thread through, it orders nothing
    int64_t last_ns = atomic_load_explicit(&t->done_ns, memory_order_relaxed);
    if (now_ns - last_ns >= TIDY_PERIOD_NS &&
        atomic_compare_exchange_strong_explicit(
            &t->done_ns, &last_ns, now_ns, memory_order_relaxed, memory_order_relaxed)) {
        bool has_surplus = lg__stack_pool_trim(&rt->stacks);
        has_surplus |= lg__ps_flush_idle(rt);
        has_surplus |= lg__heap_trim(&rt->heap);
        has_surplus |= lg__ms_reap(rt);
        if (lg__has_starved(rt)) {
            has_surplus = true; // to look again
            if (lg__save_starved(rt)) {
                lg__wake_if_idle(rt);
            }
        }
        atomic_store_explicit(&t->has_surplus, has_surplus, memory_order_relaxed);
        start_host(rt);
    }
    return atomic_load_explicit(&t->has_surplus, memory_order_relaxed) ||
           atomic_load_explicit(&t->has_host_more, memory_order_relaxed);
}
