// SPDX-License-Identifier: MIT
//
// Figures of a runtime.
#include "spec.h"

static lg_chan *ch;
static _Atomic int n_done;

static void receive(__attribute__((unused)) void *arg)
{
    CHECK_CODE(lg_chan_recv(ch, NULL, LG_NEVER), LG_ECLOSED);
    n_done++;
}

it("stats", "writes no more than the caller has room for", .procs = 1)
{
    lg_stats stats;
    memset(&stats, 0x55, sizeof stats);
    stats.size_bytes = offsetof(lg_stats, threads);
    lg_get_stats(rt, &stats);
    CHECK_INT(stats.procs, 1);
    const unsigned char *bytes = (const unsigned char *)&stats;
    for (size_t i = offsetof(lg_stats, threads); i < sizeof stats; i++) {
        CHECK_INT(bytes[i], 0x55);
    }
}

it("stats", "counts what is alive", .procs = 3)
{
    lg_stats before = spec_stats(rt);
    CHECK_INT(before.procs, 3);
    CHECK_INT(before.goroutines, 1);
    CHECK_INT(before.channels, 0);
    ch = spec_chan(rt, 0, 0);
    for (int i = 0; i < 25; i++) {
        spec_go(rt, receive, NULL);
    }
    SETTLE(spec_waiting(rt, NULL) == 25);
    lg_stats during = spec_stats(rt);
    CHECK_INT(during.goroutines, 26);
    CHECK_INT(during.channels, 1);
    CHECK_INT(during.spawned - before.spawned, 25);
    CHECK(during.stacks >= 26);
    CHECK(during.threads >= 1);
    CHECK_OK(lg_chan_close(ch));
    SETTLE(n_done == 25);
    lg_chan_free(ch);
    SETTLE(spec_stats(rt).goroutines == 1);
    lg_stats after = spec_stats(rt);
    CHECK_INT(after.channels, 0);
    CHECK(after.goroutines_cached > 0);
    // Each thread has one of its own, and more may have started meanwhile.
    size_t threads = (size_t)spec_stats(rt).threads - (size_t)during.threads;
    SETTLE(spec_stats(rt).stacks <= during.stacks - 25 + threads);
    CHECK_INT(lg_num_goroutine(rt), 1);
}

static void count(__attribute__((unused)) void *arg)
{
    n_done++;
}

it("stats from another runtime's life", "starts from nothing")
{
    for (int i = 0; i < 3; i++) {
        lg_runtime *host = spec_open(2);
        CHECK_INT(spec_stats(host).spawned, 0);
        CHECK_INT(spec_stats(host).goroutines, 0);
        CHECK_INT(spec_stats(host).timers, 0);
        lg_ref ref = spec_go(host, count, NULL);
        CHECK_INT(spec_stats(host).spawned, 1);
        CHECK_OK(lg_drive(host, ref));
        spec_close(host);
    }
}

it("idle Ps", "are told, and their threads sleep", .procs = 4)
{
    SETTLE(spec_stats(rt).procs_idle == 3);
    CHECK(spec_stats(rt).threads >= 1);
}
