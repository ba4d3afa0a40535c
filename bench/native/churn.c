// SPDX-License-Identifier: MIT
//
// What does it cost to replace one of a hundred thousand blocks by one of another size, both
// picked at random, for each of `size` workers that do nothing else?
#include "sizes.h"
#include <heap.h>

enum { LIVE = 100000 };

struct worker {
    uint64_t random;
    int64_t ops;
    char *blocks[LIVE];
};

static void churn(void *arg)
{
    struct worker *me = arg;
    for (int64_t i = 0; i < me->ops; i++) {
        char **slot = &me->blocks[meter_random(&me->random) % LIVE];
        size_t size = sizes_pick(meter_random(&me->random));
        heap_free(*slot);
        char *block = heap_alloc(size);
        meter_check(block, "out of memory");
        block[0] = block[size - 1] = (char)i;
        *slot = block;
    }
}

static void fill(void *arg)
{
    struct worker *me = arg;
    for (int i = 0; i < LIVE; i++) {
        me->blocks[i] = heap_alloc(sizes_pick(meter_random(&me->random)));
        meter_check(me->blocks[i], "out of memory");
        me->blocks[i][0] = 1;
    }
}

static struct worker *workers;

static void body(int64_t ops, int64_t size)
{
    for (int64_t i = 0; i < size; i++) {
        workers[i].ops = ops;
    }
    heap_together((size_t)size, churn, workers, sizeof *workers);
}

static void bench(int64_t size)
{
    workers = meter_array((size_t)size, sizeof *workers);
    for (int64_t i = 0; i < size; i++) {
        workers[i].random = (uint64_t)i + 1;
    }
    heap_together((size_t)size, fill, workers, sizeof *workers);
    meter_run("churn", meter_ops(5000000, 1), 1, body, size);
    meter_tell_peak("churn.peak");
}

int main(int argc, char **argv)
{
    return heap_main(argc, argv, 1, bench);
}
