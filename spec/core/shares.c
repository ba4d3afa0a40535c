// SPDX-License-Identifier: MIT
#include "shares.h"

#include <stdio.h>

void shares_begin(struct shares *shares, int n, int64_t least)
{
    CHECK(n <= SHARES_MAX);
    shares->n = n;
    shares->least = least;
    shares->nwanting = n;
}

// Keeps the CPU busy for so long, without a look around.
static void work_us(int us)
{
    int64_t end_ns = spec_host_now_ns() + (int64_t)us * 1000;
    while (spec_host_now_ns() < end_ns) {
    }
}

bool shares_is_over(struct shares *shares)
{
    return shares->nwanting == 0;
}

bool shares_take(struct shares *shares, int who)
{
    work_us(20);
    if (++shares->got[who] == shares->least) {
        shares->nwanting--;
    }
    return !shares_is_over(shares);
}

void shares_check(struct shares *shares, int n)
{
    SETTLE(shares->nended == n);
    char text[SHARES_MAX * 24] = "";
    int64_t total = 0;
    for (int i = 0; i < shares->n; i++) {
        total += shares->got[i];
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, " %" PRId64,
                 (int64_t)shares->got[i]);
    }
    if (total > SHARES_UNFAIR * shares->least * shares->n) {
        spec_fail(SPEC_HERE, "%" PRId64 " each would have done, they got%s",
                  shares->least, text);
    }
}

lg_runtime *shares_open(int procs, bool has_signals)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = procs;
    opts.signals = has_signals;
    opts.slice_ns = 100 * 1000;
    struct spec_random random = spec_random_new((uint64_t)procs);
    opts.seed = spec_random_next(&random) | 1;
    return spec_open_with(&opts);
}
