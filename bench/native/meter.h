// SPDX-License-Identifier: MIT
//
// What every program of the native half includes once: the stopwatch, and lagoon to run on.
#ifndef LAGOON_BENCH_METER_H
#define LAGOON_BENCH_METER_H

#include "resident.h"

#include <lagoon.h>

// What meter_main() runs; all of a program's goroutines live in its runtime.
static lg_runtime *meter_rt;

static inline void meter_ok(int code)
{
    if (code != LG_OK) {
        fprintf(stderr, "lagoon: %s\n", lg_strerror(code));
        exit(1);
    }
}

static inline void meter_go(void (*fn)(void *arg), void *arg)
{
    meter_ok(lg_go(meter_rt, fn, arg, NULL, NULL));
}

static inline lg_chan *meter_chan(size_t cap)
{
    lg_chan *ch = NULL;
    meter_ok(lg_chan_new(meter_rt, NULL, sizeof(int64_t), cap, &ch));
    return ch;
}

struct meter_program {
    void (*bench)(int64_t size);
    int64_t size;
};

static void meter_program_run(void *arg)
{
    struct meter_program *program = arg;
    program->bench(program->size);
}

// Runs bench(size) as goroutine 1; size is the program's first argument, or otherwise.
static inline int meter_main(int argc, char **argv, int64_t otherwise,
                             void (*bench)(int64_t size))
{
    struct meter_program program = {bench, meter_size(argc, argv, otherwise)};
    lg_options options;
    char why[256] = "";
    lg_options_init(&options);
    meter_check(lg_options_env(&options, why, sizeof why) == LG_OK, why);
    meter_ok(lg_open(&options, &meter_rt));
    meter_ok(lg_run(meter_rt, meter_program_run, &program));
    lg_close(meter_rt);
    return 0;
}

#endif // LAGOON_BENCH_METER_H
