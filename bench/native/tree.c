// SPDX-License-Identifier: MIT
//
// How long does a tree of goroutines take that has the shape of fib(`size`) and whose
// leaves compute? Run with one and with two Ps, it tells the speed-up.
#include "meter.h"

// Of a leaf: each depends on the one before, so that compilers cannot differ much.
enum { STEPS = 2000 };

struct branch {
    int64_t n;
    uint64_t sum;
    lg_waitgroup done;
};

static uint64_t leaf(uint64_t seed)
{
    uint64_t x = seed;
    for (int i = 0; i < STEPS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x & 1023;
}

static uint64_t tree(int64_t n);

static void child(void *arg)
{
    struct branch *me = arg;
    me->sum = tree(me->n);
    lg_waitgroup_add(&me->done, -1);
}

static uint64_t tree(int64_t n)
{
    if (n < 2) {
        return leaf((uint64_t)n + 1);
    }
    struct branch left = {.n = n - 1};
    lg_waitgroup_add(&left.done, 1);
    meter_go(child, &left);
    uint64_t mine = tree(n - 2);
    lg_waitgroup_wait(&left.done, LG_NEVER);
    return mine + left.sum;
}

static uint64_t fib(int64_t n)
{
    uint64_t a = 0;
    uint64_t b = 1;
    for (int64_t i = 0; i < n; i++) {
        uint64_t next = a + b;
        a = b;
        b = next;
    }
    return a;
}

static void body(int64_t ops, int64_t size)
{
    (void)ops;
    meter_check(tree(size) == fib(size) * leaf(2) + fib(size - 1) * leaf(1),
                "the sum is wrong");
}

static void bench(int64_t size)
{
    meter_run("tree", 1, 1, body, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 22, bench);
}
