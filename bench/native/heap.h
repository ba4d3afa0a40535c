// SPDX-License-Identifier: MIT
//
// lagoon as the heap of a benchmark. Programs about memory are written once, against the
// functions of this header, and compiled once for every heap: peers/<heap>/heap.h have the
// same functions.
#ifndef LAGOON_BENCH_HEAP_H
#define LAGOON_BENCH_HEAP_H

#include "meter.h"

#include <sched.h>

// ---- memory that its owner frees ----

static inline void *heap_alloc(size_t size)
{
    return lg_malloc(meter_rt, size);
}

static inline void heap_free(void *ptr)
{
    lg_free(meter_rt, ptr);
}

static inline void heap_free_sized(void *ptr, size_t size)
{
    lg_free_sized(meter_rt, ptr, size);
}

// ---- memory that is collected; every call below may collect ----

typedef lg_type heap_type;

enum { HEAP_TYPES_MAX = 8 };

// A type of objects of size bytes, whose first nrefs words are references.
static inline heap_type *heap_type_new(const char *name, size_t size, uint32_t nrefs)
{
    // the runtime borrows both until the process ends
    static lg_type_info infos[HEAP_TYPES_MAX];
    static lg_field fields[HEAP_TYPES_MAX];
    static int n;
    meter_check(n < HEAP_TYPES_MAX, "too many types");
    fields[n] = (lg_field){LG_FIELD_REF, 0, sizeof(void *), nrefs, "refs"};
    infos[n] = (lg_type_info){name, size, &fields[n], nrefs > 0 ? 1 : 0};
    heap_type *type = NULL;
    meter_ok(lg_type_register(meter_rt, &infos[n++], &type));
    return type;
}

static inline void *heap_new(heap_type *type)
{
    return lg_new(type);
}

static inline void **heap_new_refs(size_t n)
{
    return lg_new_array(heap_type_new("ref", sizeof(void *), 1), n);
}

static inline void heap_store(void *slot, void *value)
{
    lg_store(slot, value);
}

// How the collector has behaved since the process began.
struct heap_stops {
    double p99_ns;
    double max_ns;
    double cpu_share; // of all CPU time, 0 to 1
};

// The histogram has powers of two: p99 is the upper end of its bucket.
static inline struct heap_stops heap_stops(void)
{
    lg_gc_stats stats = {.size_bytes = sizeof stats};
    lg_get_gc_stats(meter_rt, &stats);
    double all = 0;
    for (int i = 0; i < LG_GC_PAUSE_BUCKETS; i++) {
        all += (double)stats.pauses[i];
    }
    struct heap_stops out = {0, (double)stats.pause_max_ns, stats.cpu_share};
    double seen = 0;
    for (int i = 0; i < LG_GC_PAUSE_BUCKETS && seen < 0.99 * all; i++) {
        seen += (double)stats.pauses[i];
        out.p99_ns = (double)(INT64_C(1) << (10 + i));
    }
    if (out.p99_ns > out.max_ns) {
        out.p99_ns = out.max_ns;
    }
    return out;
}

// ---- several at once ----

static inline int64_t heap_procs(void)
{
    return lg_procs(meter_rt);
}

// What a wait for another goroutine's progress calls again and again: to let others of this
// P run, and then as the threads of the peers do, for machines that have other work.
static inline void heap_relax(void)
{
    lg_yield();
    sched_yield();
}

struct heap_task {
    void (*fn)(void *arg);
    void *arg;
    lg_waitgroup *done;
};

static void heap_task_run(void *arg)
{
    struct heap_task *task = arg;
    task->fn(task->arg);
    lg_waitgroup_add(task->done, -1);
}

// Runs fn with each of n arguments, size bytes apart, on all Ps, and waits for them.
static inline void heap_together(size_t n, void (*fn)(void *arg), void *args, size_t size)
{
    struct heap_task *tasks = meter_array(n, sizeof *tasks);
    lg_waitgroup done = {0};
    lg_waitgroup_add(&done, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        tasks[i] = (struct heap_task){fn, (char *)args + i * size, &done};
        meter_go(heap_task_run, &tasks[i]);
    }
    lg_waitgroup_wait(&done, LG_NEVER);
    free(tasks);
}

static inline int heap_main(int argc, char **argv, int64_t otherwise,
                            void (*bench)(int64_t size))
{
    return meter_main(argc, argv, otherwise, bench);
}

#endif // LAGOON_BENCH_HEAP_H
