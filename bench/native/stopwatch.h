// SPDX-License-Identifier: MIT
//
// The stopwatch of all C programs here, lagoon's and the peers': a warm-up with a tenth of
// the work, BENCH_REPS repetitions on the monotonic clock, and one line with their median,
// exactly as go/meter and lua/meter.lua do it.
#ifndef LAGOON_BENCH_STOPWATCH_H
#define LAGOON_BENCH_STOPWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { METER_REPS_MAX = 1000 };

// Ends the program with a message unless ok: a wrong result has no speed.
static inline void meter_check(bool ok, const char *message)
{
    if (!ok) {
        fprintf(stderr, "%s\n", message);
        exit(1);
    }
}

static inline void *meter_array(size_t count, size_t size_bytes)
{
    meter_check(count > 0, "an array of nothing");
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

// The depth of a binary tree, less in a quick run.
static inline int64_t meter_tree_depth(int64_t depth)
{
    meter_check(depth > 6 && depth < 30, "the depth must be 7 to 29");
    return meter_setting("BENCH_DIVIDE", 1) > 1 ? depth - 3 : depth;
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

// Prints what is measured once.
static inline void meter_tell(const char *name, double value)
{
    meter_report(name, &value, 1);
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

// What is timed with: on a busy machine, the CPU time of the process instead of the clock.
static inline int64_t meter_spent_ns(void)
{
    return meter_setting("BENCH_CPU", 0) > 0 ? meter_cpu_ns() : meter_now_ns();
}

static void (*meter_body)(int64_t ops, int64_t size);

static int64_t meter_time_body(int64_t ops, int64_t size)
{
    int64_t start_ns = meter_spent_ns();
    meter_body(ops, size);
    return meter_spent_ns() - start_ns;
}

// The same, measuring the whole body.
static inline void meter_run(const char *name, int64_t ops, int64_t unit,
                             void (*body)(int64_t ops, int64_t size), int64_t size)
{
    meter_body = body;
    meter_run_timed(name, ops, unit, meter_time_body, size);
}

// The program's first argument, or otherwise.
static inline int64_t meter_size(int argc, char **argv, int64_t otherwise)
{
    int64_t size = argc > 1 ? strtoll(argv[1], NULL, 10) : otherwise;
    meter_check(size > 0, "the size must be a positive whole number");
    return size;
}

// Random numbers, the same on every side; the state must not be 0.
static inline uint64_t meter_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1D;
}

// Makes compilers believe that what p points to is read and written here.
static inline void meter_use(void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

#endif // LAGOON_BENCH_STOPWATCH_H
