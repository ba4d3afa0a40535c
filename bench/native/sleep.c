// SPDX-License-Identifier: MIT
//
// How long does it take until `size` goroutines have been started, have each slept for 1
// to 100 ms, and have ended? 100 ms is the floor; sleep.cpu is the CPU time of it.
#include "meter.h"

struct sleeper {
    int64_t length_ns;
    lg_waitgroup *done;
};

static struct sleeper *sleepers;
static double cpu_ns[METER_REPS_MAX + 1];
static size_t runs;

static void nap(void *arg)
{
    struct sleeper *me = arg;
    lg_sleep_until(lg_now(meter_rt) + me->length_ns);
    lg_waitgroup_add(me->done, -1);
}

static void body(int64_t ops, int64_t size)
{
    int64_t start_ns = meter_cpu_ns();
    lg_waitgroup done = {0};
    int64_t random = 1;
    (void)ops;
    lg_waitgroup_add(&done, size);
    for (int64_t i = 0; i < size; i++) {
        random = random * 16807 % 2147483647;
        sleepers[i] = (struct sleeper){(1000 + random % 99001) * 1000, &done};
        meter_go(nap, &sleepers[i]);
    }
    lg_waitgroup_wait(&done, LG_NEVER);
    cpu_ns[runs++] = (double)(meter_cpu_ns() - start_ns);
}

static void bench(int64_t size)
{
    sleepers = meter_array((size_t)size, sizeof *sleepers);
    meter_run("sleep", 1, 1, body, size);
    meter_report("sleep.cpu", cpu_ns + 1, runs - 1); // the first was the warm-up
    free(sleepers);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 100000, bench);
}
