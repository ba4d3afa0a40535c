// SPDX-License-Identifier: MIT
//
// Measures the native half of the benchmarks exactly as go/meter and lua/meter.lua
// measure the other two: a warm-up with a tenth of the work, BENCH_REPS repetitions on
// the monotonic clock, and one line with their median. Every program includes this once.
#ifndef LAGOON_BENCH_METER_H
#define LAGOON_BENCH_METER_H

#include <lagoon.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { METER_REPS_MAX = 1000 };

// What meter_main() runs; all of a program's goroutines live in its runtime.
static lg_runtime *meter_rt;

// Ends the program with a message unless ok: a wrong result has no speed.
static inline void meter_check(bool ok, const char *message)
{
    if (!ok) {
        fprintf(stderr, "%s\n", message);
        exit(1);
    }
}

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

static inline void *meter_array(size_t count, size_t size_bytes)
{
    void *array = calloc(count, size_bytes);
    meter_check(array, "out of memory");
    return array;
}

static inline int64_t meter_setting(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    int64_t value = text ? strtoll(text, NULL, 10) : 0;
    return value > 0 ? value : otherwise;
}

// How many operations a repetition does: n, less in a quick run, and a multiple of unit.
static inline int64_t meter_ops(int64_t n, int64_t unit)
{
    n /= meter_setting("BENCH_DIVIDE", 1);
    return n < unit ? unit : n - n % unit;
}

static inline int64_t meter_clock_ns(clockid_t clock)
{
    struct timespec now;
    meter_check(clock_gettime(clock, &now) == 0, "clock_gettime");
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t meter_now_ns(void)
{
    return meter_clock_ns(CLOCK_MONOTONIC);
}

// What this process has used of all CPUs.
static inline int64_t meter_cpu_ns(void)
{
    return meter_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static int meter_compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

// Prints the median of samples under a name.
static inline void meter_report(const char *name, double *samples, size_t n)
{
    qsort(samples, n, sizeof(double), meter_compare);
    printf("%s %.3f\n", name, (samples[n / 2] + samples[(n - 1) / 2]) / 2);
}

static inline size_t meter_reps(void)
{
    int64_t reps = meter_setting("BENCH_REPS", 5);
    return (size_t)(reps < METER_REPS_MAX ? reps : METER_REPS_MAX);
}

// Reports the nanoseconds of one of ops operations, for a body that tells itself how long
// it took. It does as many as it is told, always a multiple of unit.
static inline void meter_run_timed(const char *name, int64_t ops, int64_t unit,
                                   int64_t (*body)(int64_t ops, int64_t size),
                                   int64_t size)
{
    static double samples[METER_REPS_MAX];
    int64_t warm = ops / 10 < unit ? unit : ops / 10;
    body(warm - warm % unit, size);
    for (size_t i = 0; i < meter_reps(); i++) {
        samples[i] = (double)body(ops, size) / (double)ops;
    }
    meter_report(name, samples, meter_reps());
}

static void (*meter_body)(int64_t ops, int64_t size);

static int64_t meter_time_body(int64_t ops, int64_t size)
{
    int64_t start_ns = meter_now_ns();
    meter_body(ops, size);
    return meter_now_ns() - start_ns;
}

// The same, measuring the whole body.
static inline void meter_run(const char *name, int64_t ops, int64_t unit,
                             void (*body)(int64_t ops, int64_t size), int64_t size)
{
    meter_body = body;
    meter_run_timed(name, ops, unit, meter_time_body, size);
}

// The memory of this process, page tables included.
static inline double meter_resident_bytes(void)
{
    double kilobytes = 0;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    meter_check(status, "cannot read /proc/self/status");
    while (fgets(line, sizeof line, status)) {
        if (strncmp(line, "VmRSS:", 6) == 0 || strncmp(line, "VmPTE:", 6) == 0) {
            kilobytes += (double)strtoll(line + 6, NULL, 10);
        }
    }
    fclose(status);
    return kilobytes * 1024;
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
    struct meter_program program = {bench, otherwise};
    lg_options options;
    char why[256] = "";
    if (argc > 1) {
        program.size = strtoll(argv[1], NULL, 10);
        meter_check(program.size > 0, "the size must be a positive whole number");
    }
    lg_options_init(&options);
    meter_check(lg_options_env(&options, why, sizeof why) == LG_OK, why);
    meter_ok(lg_open(&options, &meter_rt));
    meter_ok(lg_run(meter_rt, meter_program_run, &program));
    lg_close(meter_rt);
    return 0;
}

#endif // LAGOON_BENCH_METER_H
