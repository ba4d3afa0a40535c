// SPDX-License-Identifier: MIT
//
// What do a lock and an unlock cost when `size` goroutines do nothing but that to one
// mutex?
#include "meter.h"

struct counter {
    lg_mutex lock;
    int64_t value;
    int64_t times;
    lg_waitgroup done;
};

static void count(void *arg)
{
    struct counter *c = arg;
    for (int64_t i = 0; i < c->times; i++) {
        lg_mutex_lock(&c->lock, LG_NEVER);
        c->value++;
        lg_mutex_unlock(&c->lock);
    }
    lg_waitgroup_add(&c->done, -1);
}

static void body(int64_t ops, int64_t size)
{
    struct counter c = {.times = ops / size};
    lg_waitgroup_add(&c.done, size);
    for (int64_t i = 0; i < size; i++) {
        meter_go(count, &c);
    }
    lg_waitgroup_wait(&c.done, LG_NEVER);
    meter_check(c.value == ops, "the lock did not exclude");
}

static void bench(int64_t size)
{
    meter_run("mutex", meter_ops(2000000, size), size, body, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1, bench);
}
