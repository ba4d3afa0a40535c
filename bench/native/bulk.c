// SPDX-License-Identifier: MIT
//
// What do an allocation of `size` bytes and its free cost, when ten thousand blocks are
// allocated and then freed, the oldest first? Each is written to once.
#include <heap.h>

enum { BULK = 10000 };

static void bulk(int64_t ops, int64_t size)
{
    static int64_t *blocks[BULK];
    for (int64_t done = 0; done < ops; done += BULK) {
        for (int64_t i = 0; i < BULK; i++) {
            blocks[i] = heap_alloc((size_t)size);
            meter_check(blocks[i], "out of memory");
            *blocks[i] = i;
        }
        meter_check(*blocks[BULK - 1] == BULK - 1, "two blocks overlap");
        for (int64_t i = 0; i < BULK; i++) {
            heap_free(blocks[i]);
        }
    }
}

static void bench(int64_t size)
{
    // of 4096 bytes fewer: there heaps differ by a factor of a hundred
    int64_t ops = size < 1024 ? 10000000 : 1000000;
    meter_run("bulk", meter_ops(ops, BULK), BULK, bulk, size);
}

int main(int argc, char **argv)
{
    return heap_main(argc, argv, 64, bench);
}
