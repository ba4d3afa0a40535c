// SPDX-License-Identifier: MIT
//
// How much memory does the process hold for each byte that is in use, with `size` MB of small
// blocks; after nine of ten, picked at random, are freed; and after blocks of 2 to 8 KB have
// taken their place? All blocks are written to.
#include "sizes.h"
#include <heap.h>

struct block {
    char *bytes;
    size_t size;
};

static struct block *blocks;
static size_t nblocks;
static size_t live_bytes;
static uint64_t randomness = 1;
static double resident_before;

static void put(size_t i, size_t size)
{
    char *bytes = heap_alloc(size);
    meter_check(bytes, "out of memory");
    memset(bytes, 1, size);
    blocks[i] = (struct block){bytes, size};
    live_bytes += size;
}

static void tell(const char *name)
{
    meter_tell(name, (meter_resident_bytes() - resident_before) / (double)live_bytes);
}

static void free_most(void)
{
    for (size_t i = 0; i < nblocks; i++) {
        if (meter_random(&randomness) % 10 != 0) {
            heap_free(blocks[i].bytes);
            live_bytes -= blocks[i].size;
            blocks[i].bytes = NULL;
        }
    }
}

static void bench(int64_t size)
{
    size_t bytes = (size_t)meter_ops(size, 1) << 20;
    // the mean is 96 bytes; touched, so that it counts as there before
    size_t room = bytes / 64;
    blocks = meter_array(room, sizeof *blocks);
    memset(blocks, 1, room * sizeof *blocks);
    resident_before = meter_resident_bytes();
    while (live_bytes < bytes && nblocks < room) {
        put(nblocks++, sizes_pick(meter_random(&randomness)));
    }
    tell("refill.full");
    free_most();
    tell("refill.holes");
    for (size_t i = 0; live_bytes < bytes && i < nblocks; i++) {
        if (!blocks[i].bytes) {
            put(i, 2048 + meter_random(&randomness) % 6145);
        }
    }
    tell("refill");
    for (size_t i = 0; i < nblocks; i++) {
        heap_free(blocks[i].bytes);
    }
}

int main(int argc, char **argv)
{
    return heap_main(argc, argv, 256, bench);
}
