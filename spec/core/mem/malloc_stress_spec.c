// SPDX-License-Identifier: MIT
//
// Allocated here, freed there: blocks with a pattern travel between goroutines on
// several Ps, and a host's thread.
#include <pthread.h>

#include "mem/mheap.h"
#include "sched/runtime.h"
#include "spec.h"

enum { WORKERS = 4, SLOTS = 512 };

// Whoever takes what stands in a slot owns it.
static _Atomic(uint64_t *) slots[SLOTS];
static _Atomic int n_done;
static int rounds_each;

static void stamp(uint64_t *block, uint64_t nwords)
{
    block[0] = nwords;
    for (uint64_t i = 1; i < nwords; i++) {
        block[i] = (uint64_t)(uintptr_t)block * i;
    }
}

static void check_stamp(const uint64_t *block)
{
    for (uint64_t i = 1; i < block[0]; i++) {
        CHECK(block[i] == (uint64_t)(uintptr_t)block * i);
    }
}

static uint64_t words_of(struct spec_random *random)
{
    switch (spec_random_below(random, 50)) {
    case 0: return 1 + spec_random_below(random, 8000);
    case 1: return 1 + spec_random_below(random, 600);
    default: return 1 + spec_random_below(random, 30);
    }
}

static void exchange(lg_runtime *rt, struct spec_random *random)
{
    uint64_t nwords = words_of(random);
    uint64_t *block = lg_malloc(rt, nwords * sizeof *block);
    CHECK(block);
    stamp(block, nwords);
    uint32_t at = spec_random_below(random, SLOTS);
    block = atomic_exchange(&slots[at], block);
    if (!block) {
        return;
    }
    check_stamp(block);
    size_t bytes = block[0] * sizeof *block;
    switch (spec_random_below(random, 3)) {
    case 0: lg_free_sized(rt, block, bytes); break;
    case 1:
        block = lg_realloc(rt, block, bytes * 2);
        CHECK(block);
        CHECK_INT(block[0] * sizeof *block, bytes);
        lg_free(rt, block);
        break;
    default: lg_free(rt, block);
    }
}

struct worker {
    lg_runtime *rt;
    uint64_t salt;
};

static void work(void *arg)
{
    struct worker *worker = arg;
    struct spec_random random = spec_random_new(worker->salt);
    for (int i = 0; i < rounds_each; i++) {
        exchange(worker->rt, &random);
        if (i % 64 == 0 && lg_current()) {
            lg_yield();
        }
    }
    n_done++;
}

static void *work_outside(void *arg)
{
    work(arg);
    return NULL;
}

it("blocks that travel between four Ps and a thread of the host", "stay whole",
   .procs = WORKERS, .limit_s = 120)
{
    struct worker workers[WORKERS + 1];
    pthread_t thread;
    rounds_each = spec_rounds(100000);
    for (uint64_t i = 0; i <= WORKERS; i++) {
        workers[i] = (struct worker){.rt = rt, .salt = i};
        if (i < WORKERS) {
            spec_go(rt, work, &workers[i]);
        }
    }
    CHECK_INT(pthread_create(&thread, NULL, work_outside, &workers[WORKERS]), 0);
    SETTLE(n_done == WORKERS + 1);
    pthread_join(thread, NULL);
    for (int i = 0; i < SLOTS; i++) {
        lg_free(rt, slots[i]);
    }
    lg__heap_verify(&rt->heap);
    lg_mem_release(rt);
    lg__heap_verify(&rt->heap);
}
