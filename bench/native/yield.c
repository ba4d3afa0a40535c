// SPDX-License-Identifier: MIT
//
// What does a yield cost among `size` goroutines that do nothing else?
#include "meter.h"

struct yielders {
    int64_t times;
    lg_waitgroup done;
};

static void yielder(void *arg)
{
    struct yielders *all = arg;
    for (int64_t i = 0; i < all->times; i++) {
        lg_yield();
    }
    lg_waitgroup_add(&all->done, -1);
}

static void body(int64_t ops, int64_t size)
{
    struct yielders all = {.times = ops / size};
    lg_waitgroup_add(&all.done, size);
    for (int64_t i = 0; i < size; i++) {
        meter_go(yielder, &all);
    }
    lg_waitgroup_wait(&all.done, LG_NEVER);
}

static void bench(int64_t size)
{
    meter_run("yield", meter_ops(2000000, size), size, body, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 2, bench);
}
