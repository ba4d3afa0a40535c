// SPDX-License-Identifier: MIT
//
// What does a block cost that one worker allocates and the other frees? They hand over
// `size` at a time through a ring, and a worker with nothing to do lets others run.
#include "sizes.h"
#include <heap.h>

#include <stdatomic.h>

enum { RING = 64, BATCH_MAX = 1024 };

// Batches [taken, given) of the ring are full.
static struct {
    _Alignas(128) atomic_int_fast64_t given;
    _Alignas(128) atomic_int_fast64_t taken;
    _Alignas(128) char *blocks[RING][BATCH_MAX];
} ring;

struct worker {
    void (*work)(struct worker *me);
    uint64_t random;
    int64_t batches;
    int64_t size;
};

// acquire and release on both counters: blocks and their contents, or free slots, are
// published with the number
static void give(struct worker *me)
{
    int64_t given = atomic_load_explicit(&ring.given, memory_order_relaxed);
    for (int64_t b = 0; b < me->batches; b++) {
        while (given - atomic_load_explicit(&ring.taken, memory_order_acquire) == RING) {
            heap_relax();
        }
        for (int64_t i = 0; i < me->size; i++) {
            char *block = heap_alloc(sizes_pick(meter_random(&me->random)));
            meter_check(block, "out of memory");
            block[0] = 1;
            ring.blocks[given % RING][i] = block;
        }
        atomic_store_explicit(&ring.given, ++given, memory_order_release);
    }
}

static void take(struct worker *me)
{
    int64_t taken = atomic_load_explicit(&ring.taken, memory_order_relaxed);
    for (int64_t b = 0; b < me->batches; b++) {
        while (atomic_load_explicit(&ring.given, memory_order_acquire) == taken) {
            heap_relax();
        }
        for (int64_t i = 0; i < me->size; i++) {
            char *block = ring.blocks[taken % RING][i];
            meter_check(block[0] == 1, "two blocks overlap");
            heap_free(block);
        }
        atomic_store_explicit(&ring.taken, ++taken, memory_order_release);
    }
}

static void work(void *arg)
{
    struct worker *me = arg;
    me->work(me);
}

static void body(int64_t ops, int64_t size)
{
    struct worker both[2] = {
        {give, 1, ops / size, size},
        {take, 1, ops / size, size},
    };
    heap_together(2, work, both, sizeof both[0]);
}

static void bench(int64_t size)
{
    meter_check(size <= BATCH_MAX, "a batch has at most 1024 blocks");
    meter_check(heap_procs() > 1, "this question is for two at once");
    meter_run("remote", meter_ops(3000000, size), size, body, size);
    meter_tell_peak("remote.peak");
}

int main(int argc, char **argv)
{
    return heap_main(argc, argv, 64, bench);
}
