// SPDX-License-Identifier: MIT
//
// A host's updates while others stop the world again and again: an update makes room for a
// stop, and goes on behind it.
#include "spec.h"

enum { PINNED = 50, LITTER = 200 };

static lg_runtime *host;
static _Atomic bool is_over;
static _Atomic int n_left;
static _Atomic uint64_t n_steps;

static void step_on(void *arg)
{
    uint64_t mine = (uint64_t)(uintptr_t)arg;
    volatile uint64_t words[16];
    while (!is_over) {
        for (int i = 0; i < 16; i++) {
            words[i] = mine + (uint64_t)i;
        }
        CHECK_OK(mine % 2 ? lg_yield() : lg_sleep_until(lg_now(host) + 20000));
        for (int i = 0; i < 16; i++) {
            CHECK_INT(words[i], mine + (uint64_t)i);
        }
        n_steps++;
    }
    n_left--;
}

static void collect_on(__attribute__((unused)) void *arg)
{
    while (!is_over) {
        for (int i = 0; i < LITTER; i++) {
            CHECK(lg_new_bytes(host, 100));
        }
        CHECK_OK(lg_gc(host));
    }
    n_left--;
}

static void start(void)
{
    lg_go_options pinned = {.pinned = true};
    for (intptr_t i = 0; i < PINNED; i++) {
        CHECK_OK(lg_go(host, step_on, (void *)i, &pinned, NULL));
    }
    CHECK_OK(lg_go(host, collect_on, NULL, NULL, NULL));
    n_left = PINNED + 1;
}

static uint64_t count_cycles(void)
{
    lg_gc_stats stats = {.size_bytes = sizeof stats};
    lg_get_gc_stats(host, &stats);
    return stats.cycles;
}

it("updates among stops of the world", "go on where they were", .limit_s = 60)
{
    host = spec_open(3);
    start();
    uint64_t enough = (uint64_t)spec_rounds(20);
    do {
        CHECK_OK(lg_update(host, 100000, NULL));
    } while (count_cycles() < enough || n_steps < enough * PINNED);
    is_over = true;
    while (n_left > 0) {
        CHECK_OK(lg_update(host, -1, NULL));
    }
    spec_close(host);
}
