// SPDX-License-Identifier: MIT
#include "gc/gclog.h"

#include <stdio.h>
#include <string.h>

#include "gc/cycle.h"
#include "gc/gc.h"
#include "os/clock.h"

static const double MS = 1e6;

// The first bucket is up to 1024 ns, each further one up to twice as much.
static int bucket_of(int64_t pause_ns)
{
    int bucket = 0;
    while (bucket < LG_GC_PAUSE_BUCKETS - 1 && pause_ns > (int64_t)1 << (10 + bucket)) {
        bucket++;
    }
    return bucket;
}

static void add_pause_locked(struct gc_log *log, int64_t pause_ns)
{
    log->pause_total_ns += pause_ns;
    log->pauses[bucket_of(pause_ns)]++;
    if (pause_ns > log->pause_max_ns) {
        log->pause_max_ns = pause_ns;
    }
}

static double cpu_share(struct gc *gc, int64_t now_ns)
{
    const struct gc_log *log = &gc->log;
    int64_t all_ns = (now_ns - log->open_ns) * (int64_t)lg__nprocs(gc->rt);
    int64_t ours_ns = log->mark_cpu_ns + log->pause_total_ns * lg__nprocs(gc->rt);
    return all_ns > 0 ? (double)ours_ns / (double)all_ns : 0;
}

// Bytes as whole megabytes, as Go shows them.
static long long mb(int64_t bytes)
{
    return (long long)(bytes >> 20);
}

// How many decimals of milliseconds make two digits that count, and none of whole tens. For "%.*f":
// "%g" would write a long stop as 2.5e+02.
static int decimals(int64_t ns)
{
    int n = 0;
    for (int64_t limit = 10 * 1000 * 1000; ns > 0 && ns < limit && n < 6; limit /= 10) {
        n++;
    }
    return n;
}

#define SPAN(ns) decimals(ns), (double)(ns) / MS

// gc 1 @0.019s 0%: 0.014+0.56+0.010 ms clock, 0.029+0/0.55/0+0.021 ms cpu,
// 4->4->1 MB, 0 MB stacks, 0 MB globals, 5 MB goal, 8 P
static void trace(struct gc *gc, const struct gc_cycle *c, double share)
{
    uint32_t nprocs = lg__nprocs(gc->rt);
    int64_t goal = c->goal == INT64_MAX ? 0 : c->goal;
    char line[320];
    snprintf(line, sizeof line,
             "gc %llu @%.3fs %d%%: %.*f+%.*f+%.*f ms clock, %.*f+%.*f/%.*f/%.*f+%.*f ms "
             "cpu, %lld->%lld->%lld MB, %lld MB stacks, %lld MB globals, %lld MB goal, "
             "%u P%s",
             (unsigned long long)c->number, (double)(c->begin_ns - gc->log.open_ns) / 1e9,
             (int)(share * 100), SPAN(c->stop_ns[0]), SPAN(c->mark_ns),
             SPAN(c->stop_ns[1]), SPAN(c->stop_ns[0] * nprocs), SPAN(c->assist_cpu_ns),
             SPAN(c->mark_cpu_ns), SPAN(c->idle_cpu_ns), SPAN(c->stop_ns[1] * nprocs),
             mb(c->heap_begin), mb(c->heap_end), mb(c->heap_marked), mb(c->stack_bytes),
             mb(c->root_bytes), mb(goal), nprocs, c->is_forced ? " (forced)" : "");
    gc->rt->options.on_log(gc->rt->options.ud, line);
}

void lg__gclog_add(struct gc *gc, const struct gc_cycle *c)
{
    struct gc_log *log = &gc->log;
    lg__lock(&gc->lock, RANK_GC);
    log->cycles++;
    log->forced += c->is_forced;
    add_pause_locked(log, c->stop_ns[0]);
    add_pause_locked(log, c->stop_ns[1]);
    log->pause_last_ns = c->stop_ns[0] > c->stop_ns[1] ? c->stop_ns[0] : c->stop_ns[1];
    log->mark_cpu_ns += c->mark_cpu_ns + c->assist_cpu_ns;
    log->assist_cpu_ns += c->assist_cpu_ns;
    log->idle_cpu_ns += c->idle_cpu_ns;
    log->stack_bytes = c->stack_bytes;
    log->root_bytes = c->root_bytes;
    double share = cpu_share(gc, lg__clock_now());
    lg__unlock(&gc->lock, RANK_GC);
    if (gc->rt->options.gctrace && gc->rt->options.on_log) {
        trace(gc, c, share);
    }
}

static void add_p(struct gc_p *gp, lg_gc_stats *s)
{
    // relaxed: figures
    s->allocated += atomic_load_explicit(&gp->allocated, memory_order_relaxed);
    s->allocated_bytes +=
        atomic_load_explicit(&gp->allocated_bytes, memory_order_relaxed);
    s->marked_bytes += atomic_load_explicit(&gp->marked_bytes, memory_order_relaxed);
}

static void add_ps(struct gc *gc, lg_gc_stats *s)
{
    for (uint32_t i = 0; i < lg__nps(gc->rt); i++) {
        struct gc_p *gp = lg__gc_of(lg__p_at(gc->rt, i));
        if (gp) {
            add_p(gp, s);
        }
    }
    add_p(&gc->outside_p, s);
}

static void add_log_locked(struct gc *gc, lg_gc_stats *s)
{
    const struct gc_log *log = &gc->log;
    s->cycles = log->cycles;
    s->forced = log->forced;
    s->stack_bytes = (size_t)log->stack_bytes;
    s->root_bytes = (size_t)log->root_bytes;
    s->pause_total_ns = log->pause_total_ns;
    s->pause_last_ns = log->pause_last_ns;
    s->pause_max_ns = log->pause_max_ns;
    memcpy(s->pauses, log->pauses, sizeof s->pauses);
    s->mark_cpu_ns = log->mark_cpu_ns;
    s->assist_cpu_ns = log->assist_cpu_ns;
    s->idle_cpu_ns = log->idle_cpu_ns;
    s->cpu_share = cpu_share(gc, lg__clock_now());
}

void lg_get_gc_stats(lg_runtime *rt, lg_gc_stats *out)
{
    struct gc *gc = lg__gc(rt);
    lg_gc_stats s;
    memset(&s, 0, sizeof s);
    s.size_bytes = out->size_bytes;
    lg__lock(&gc->lock, RANK_GC);
    add_log_locked(gc, &s);
    s.is_cycling = gc->is_cycling;
    lg__unlock(&gc->lock, RANK_GC);
    add_ps(gc, &s);
    // relaxed: figures
    const struct gc_pace *pace = &gc->pace;
    int64_t goal = atomic_load_explicit(&pace->goal, memory_order_relaxed);
    s.heap_bytes = (size_t)atomic_load_explicit(&pace->heap_live, memory_order_relaxed);
    s.live_bytes = (size_t)atomic_load_explicit(&pace->marked, memory_order_relaxed);
    s.goal_bytes = (size_t)goal;
    s.freed = atomic_load_explicit(&pace->freed, memory_order_relaxed);
    s.freed_bytes = atomic_load_explicit(&pace->freed_bytes, memory_order_relaxed);
    s.finalizers_queued = lg__specials_nqueued(&gc->specials);
    s.handles = lg__handles_count(&gc->handles);
    s.weaks = lg__specials_nweaks(&gc->specials);
    s.is_marking = lg__gc_is_marking(gc);
    s.grey = lg__pool_count(gc);
    size_t size_bytes = out->size_bytes < sizeof s ? out->size_bytes : sizeof s;
    memcpy(out, &s, size_bytes);
}
