// SPDX-License-Identifier: MIT
//
// What do an allocation of `size` bytes and its free cost, one after the other?
#include <heap.h>

static void pairs(int64_t ops, int64_t size)
{
    for (int64_t i = 0; i < ops; i++) {
        int64_t *block = heap_alloc((size_t)size);
        meter_check(block, "out of memory");
        *block = i;
        meter_use(block);
        heap_free(block);
    }
}

static void pairs_sized(int64_t ops, int64_t size)
{
    for (int64_t i = 0; i < ops; i++) {
        int64_t *block = heap_alloc((size_t)size);
        meter_check(block, "out of memory");
        *block = i;
        meter_use(block);
        heap_free_sized(block, (size_t)size);
    }
}

static void bench(int64_t size)
{
    meter_run("pair", meter_ops(20000000, 1), 1, pairs, size);
    meter_run("pair.sized", meter_ops(20000000, 1), 1, pairs_sized, size);
}

int main(int argc, char **argv)
{
    return heap_main(argc, argv, 64, bench);
}
