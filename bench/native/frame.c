// SPDX-License-Identifier: MIT
//
// What does a wake-up cost when `size` goroutines each wait for the next frame, and one begins
// them?
#include <stdatomic.h>

#include "meter.h"

struct entities {
    int64_t frames;
    _Atomic int64_t nwoken;
    lg_waitgroup done;
};

static void entity(void *arg)
{
    struct entities *all = arg;
    for (int64_t i = 0; i < all->frames; i++) {
        // relaxed: told when all is done
        atomic_fetch_add_explicit(&all->nwoken, 1, memory_order_relaxed);
        lg_next_frame(NULL, LG_NEVER);
    }
    lg_waitgroup_add(&all->done, -1);
}

static void body(int64_t ops, int64_t size)
{
    struct entities all = {.frames = ops / size};
    lg_runtime *rt = lg_current();
    lg_waitgroup_add(&all.done, size);
    for (int64_t i = 0; i < size; i++) {
        meter_go(entity, &all);
    }
    for (int64_t i = 1; i <= all.frames; i++) {
        // relaxed: with one P they are all through when we come again
        while (atomic_load_explicit(&all.nwoken, memory_order_relaxed) < i * size) {
            lg_yield();
        }
        lg_frame_begin(rt);
    }
    lg_waitgroup_wait(&all.done, LG_NEVER);
}

static void bench(int64_t size)
{
    lg_frame_begin(lg_current()); // from now on nobody else begins any
    meter_run("frame", meter_ops(2000000, size), size, body, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1000, bench);
}
