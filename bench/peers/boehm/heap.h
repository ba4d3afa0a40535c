// SPDX-License-Identifier: MIT
//
// Boehm's collector as the heap of a benchmark. What it was told is pointer-free it does not
// zero, which is in its favour.
#ifndef LAGOON_BENCH_HEAP_H
#define LAGOON_BENCH_HEAP_H

// gc.h makes pthread_create() its own, so it comes first
#define GC_THREADS
#include <gc.h>

#include "../threads.h"
#include "histogram.h"

typedef struct heap_type {
    size_t size;
    bool has_refs;
} heap_type;

static inline heap_type *heap_type_new(const char *name, size_t size, uint32_t nrefs)
{
    (void)name;
    heap_type *type = meter_array(1, sizeof *type);
    *type = (heap_type){size, nrefs > 0};
    return type;
}

static inline void *heap_new(heap_type *type)
{
    return type->has_refs ? GC_MALLOC(type->size) : GC_MALLOC_ATOMIC(type->size);
}

static inline void **heap_new_refs(size_t n)
{
    return GC_MALLOC_IGNORE_OFF_PAGE(n * sizeof(void *));
}

static inline void heap_store(void *slot, void *value)
{
    *(void **)slot = value;
}

struct heap_stops {
    double p99_ns;
    double max_ns;
    double cpu_share;
};

// Written by the one thread that has stopped the others.
static struct {
    struct histogram times;
    int64_t began_ns; // the process
    int64_t since_ns; // the world has been stopped
    int64_t max_ns;
    int64_t total_ns;
} heap_stopped;

static void heap_on_event(GC_EventType event)
{
    if (event == GC_EVENT_PRE_STOP_WORLD) {
        heap_stopped.since_ns = meter_now_ns();
    } else if (event == GC_EVENT_POST_START_WORLD) {
        int64_t stop_ns = meter_now_ns() - heap_stopped.since_ns;
        histogram_add(&heap_stopped.times, (uint64_t)stop_ns);
        heap_stopped.total_ns += stop_ns;
        if (stop_ns > heap_stopped.max_ns) {
            heap_stopped.max_ns = stop_ns;
        }
    }
}

// All it does it does while the world is stopped, so that is its share.
static inline struct heap_stops heap_stops(void)
{
    return (struct heap_stops){
        histogram_quantile(&heap_stopped.times, 0.99),
        (double)heap_stopped.max_ns,
        (double)heap_stopped.total_ns / (double)(meter_now_ns() - heap_stopped.began_ns),
    };
}

static inline int heap_main_collected(int argc, char **argv, int64_t otherwise,
                                      void (*bench)(int64_t size))
{
    GC_INIT();
    GC_allow_register_threads();
    heap_stopped.began_ns = meter_now_ns();
    GC_set_on_collection_event(heap_on_event);
    return heap_main(argc, argv, otherwise, bench);
}
#define heap_main heap_main_collected

#endif // LAGOON_BENCH_HEAP_H
