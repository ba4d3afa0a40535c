// SPDX-License-Identifier: MIT
//
// What does it cost to start a goroutine and see it end, `size` at a time?
#include "meter.h"

static void work(void *arg)
{
    lg_waitgroup_add(arg, -1);
}

static void body(int64_t ops, int64_t size)
{
    lg_waitgroup done = {0};
    for (int64_t batch = 0; batch < ops / size; batch++) {
        lg_waitgroup_add(&done, size);
        for (int64_t i = 0; i < size; i++) {
            meter_go(work, &done);
        }
        lg_waitgroup_wait(&done, LG_NEVER);
    }
}

static void bench(int64_t size)
{
    meter_run("spawn", meter_ops(300000, size), size, body, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1, bench);
}
