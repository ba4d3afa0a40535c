// SPDX-License-Identifier: MIT
//
// How long does an element of a sum take in a parallel loop over `size` of them, a chunk of
// one short number (.fine), a whole loop over 64 that are nothing (.small), a row of the
// Mandelbrot set (.rows), and one of a hundred jobs that are waited for (.jobs)?
#include <parallel.h>
#include <stdatomic.h>

enum { FINE = 20000, SMALL = 64, ROWS = 200, COLUMNS = 200, STEPS_MAX = 200, JOBS = 100 };

static double *numbers;
static _Atomic int64_t total;
static uint32_t marks[FINE];

static void add_up(void *arg, size_t begin, size_t end)
{
    (void)arg;
    double sum = 0;
    for (size_t i = begin; i < end; i++) {
        sum += numbers[i];
    }
    atomic_fetch_add(&total, (int64_t)sum);
}

static void body_sum(int64_t ops, int64_t size)
{
    for (int64_t i = 0; i < ops; i += size) {
        total = 0;
        parallel_for((size_t)size, 0, add_up, NULL);
        meter_check(total == size, "the sum is wrong");
    }
}

// About 50 ns.
static void mark(void *arg, size_t begin, size_t end)
{
    (void)arg;
    for (size_t i = begin; i < end; i++) {
        uint32_t x = (uint32_t)i + 1;
        for (int step = 0; step < 20; step++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
        }
        marks[i] = x;
    }
}

static void body_fine(int64_t ops, int64_t size)
{
    (void)size;
    for (int64_t i = 0; i < ops; i += FINE) {
        marks[FINE - 1] = 0;
        parallel_for(FINE, 1, mark, NULL);
        meter_check(marks[FINE - 1] != 0, "a chunk is missing");
    }
}

static void touch(void *arg, size_t begin, size_t end)
{
    (void)arg;
    for (size_t i = begin; i < end; i++) {
        marks[i]++;
    }
}

static void body_small(int64_t ops, int64_t size)
{
    (void)size;
    marks[SMALL - 1] = 0;
    for (int64_t i = 0; i < ops; i++) {
        parallel_for(SMALL, 0, touch, NULL);
    }
    meter_check(marks[SMALL - 1] == (uint32_t)ops, "a loop is missing");
}

static int64_t row(size_t y)
{
    int64_t steps = 0;
    for (int x = 0; x < COLUMNS; x++) {
        double a = 0;
        double b = 0;
        double re = 3.0 * x / COLUMNS - 2;
        double im = 2.0 * (double)y / ROWS - 1;
        for (int i = 0; i < STEPS_MAX && a * a + b * b < 4; i++) {
            double next = a * a - b * b + re;
            b = 2 * a * b + im;
            a = next;
            steps++;
        }
    }
    return steps;
}

static void rows(void *arg, size_t begin, size_t end)
{
    (void)arg;
    for (size_t y = begin; y < end; y++) {
        atomic_fetch_add(&total, row(y));
    }
}

static int64_t all_steps;

static void body_rows(int64_t ops, int64_t size)
{
    (void)size;
    for (int64_t i = 0; i < ops; i += ROWS) {
        total = 0;
        parallel_for(ROWS, 1, rows, NULL);
        meter_check(total == all_steps, "a row is missing");
    }
}

static void job(void *arg)
{
    (void)arg;
    atomic_fetch_add_explicit(&total, 1, memory_order_relaxed);
}

static void body_jobs(int64_t ops, int64_t size)
{
    (void)size;
    total = 0;
    for (int64_t i = 0; i < ops; i += JOBS) {
        parallel_jobs(JOBS, job, NULL);
    }
    meter_check(total == ops, "a job is missing");
}

static void bench(int64_t size)
{
    numbers = (double *)meter_array((size_t)size, sizeof *numbers);
    for (int64_t i = 0; i < size; i++) {
        numbers[i] = 1;
    }
    for (size_t y = 0; y < ROWS; y++) {
        all_steps += row(y);
    }
    meter_run("loop", meter_ops(100 * size, size), size, body_sum, size);
    meter_run("loop.fine", meter_ops(50 * FINE, FINE), FINE, body_fine, size);
    meter_run("loop.small", meter_ops(200000, 1), 1, body_small, size);
    meter_run("loop.rows", meter_ops(20 * ROWS, ROWS), ROWS, body_rows, size);
    meter_run("loop.jobs", meter_ops(400000, JOBS), JOBS, body_jobs, size);
    free(numbers);
}

int main(int argc, char **argv)
{
    return parallel_main(argc, argv, 1000000, bench);
}
