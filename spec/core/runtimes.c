// SPDX-License-Identifier: MIT
//
// The runtimes of one spec and their memory. The table is filled by the spec's
// own thread; the watchdog reads it when time is up and nothing else matters.
#include <sched.h>
#include <stdio.h>

#include "run.h"

enum {
    BLOCK_HEAD = 16, // keeps the alignment of malloc()
};

struct slot {
    lg_runtime *rt;
    bool is_left;
    struct spec_memory memory;
};

static struct slot runtimes[SPEC_RUNTIMES_MAX];

// ---------------------------------------------------------------------------
// Memory
// ---------------------------------------------------------------------------

static bool memory_must_fail(struct spec_memory *memory)
{
    atomic_fetch_add_explicit(&memory->calls, 1, memory_order_relaxed);
    int64_t at = atomic_load_explicit(&memory->fail_at, memory_order_relaxed);
    if (at == 0) {
        return false;
    }
    if (at == 1 && atomic_load_explicit(&memory->is_fail_after, memory_order_relaxed)) {
        return true;
    }
    return atomic_fetch_sub_explicit(&memory->fail_at, 1, memory_order_relaxed) == 1;
}

void *spec_realloc(void *ud, void *ptr, size_t osize, size_t nsize)
{
    struct spec_memory *memory = ud;
    char *block = ptr ? (char *)ptr - BLOCK_HEAD : NULL;
    size_t size = 0;
    if (block) {
        memcpy(&size, block, sizeof size);
    }
    if (size != osize) {
        spec_fail(SPEC_HERE, "allocator hook: osize is %zu for a block of %zu", osize,
                  size);
    }
    if (nsize > 0 && memory_must_fail(memory)) {
        return NULL;
    }
    if (nsize == 0) {
        atomic_fetch_sub_explicit(&memory->blocks, ptr ? 1 : 0, memory_order_relaxed);
        atomic_fetch_sub_explicit(&memory->bytes, (int64_t)size, memory_order_relaxed);
        free(block);
        return NULL;
    }
    char *fresh = realloc(block, nsize + BLOCK_HEAD);
    if (!fresh) {
        return NULL;
    }
    memcpy(fresh, &nsize, sizeof nsize);
    atomic_fetch_add_explicit(&memory->blocks, ptr ? 0 : 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&memory->bytes, (int64_t)nsize - (int64_t)size,
                              memory_order_relaxed);
    return fresh + BLOCK_HEAD;
}

// ---------------------------------------------------------------------------
// Runtimes
// ---------------------------------------------------------------------------

static struct slot *slot_of(lg_runtime *rt)
{
    for (int i = 0; i < SPEC_RUNTIMES_MAX; i++) {
        if (runtimes[i].rt == rt) {
            return &runtimes[i];
        }
    }
    spec_fail(SPEC_HERE, "no slot for a runtime: more than %d?", SPEC_RUNTIMES_MAX);
}

lg_runtime *spec_open_with(const lg_options *opts)
{
    lg_options mine;
    lg_options_init(&mine);
    if (opts) {
        mine = *opts;
    }
    struct slot *slot = slot_of(NULL);
    memset(slot, 0, sizeof *slot);
    if (!mine.alloc) {
        mine.alloc = spec_realloc;
        mine.alloc_ud = &slot->memory;
    }
    CHECK_OK(lg_open(&mine, &slot->rt));
    CHECK(slot->rt);
    return slot->rt;
}

lg_runtime *spec_open(int procs)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = procs;
    opts.seed = spec_settings()->seed + 1;
    return spec_open_with(&opts);
}

static void dump_line(void *ud, const char *line)
{
    fprintf(ud, "    %s\n", line);
}

// An ended goroutine gives back its stack a moment later.
static void slot_check(struct slot *slot)
{
    int64_t end_ns = spec_settle_end();
    lg_stats stats = spec_stats(slot->rt);
    while (stats.goroutines || stats.channels || stats.timers ||
           stats.stacks > (size_t)stats.threads + 1) {
        if (spec_host_now_ns() > end_ns) {
            lg_dump(slot->rt, dump_line, stderr);
            spec_fail(SPEC_HERE,
                      "left behind: %zu goroutines, %zu channels, %zu timers; "
                      "%zu stacks of %d threads",
                      stats.goroutines, stats.channels, stats.timers, stats.stacks,
                      stats.threads);
        }
        sched_yield();
        stats = spec_stats(slot->rt);
    }
}

void spec_close(lg_runtime *rt)
{
    struct slot *slot = slot_of(rt);
    if (!slot->is_left) {
        slot_check(slot);
    }
    lg_close(rt);
    slot->rt = NULL;
    int64_t blocks = atomic_load_explicit(&slot->memory.blocks, memory_order_relaxed);
    int64_t bytes = atomic_load_explicit(&slot->memory.bytes, memory_order_relaxed);
    if (blocks || bytes) {
        spec_fail(SPEC_HERE, "lg_close() left %" PRId64 " blocks, %" PRId64 " bytes",
                  blocks, bytes);
    }
}

void spec_leave(lg_runtime *rt)
{
    slot_of(rt)->is_left = true;
}

void spec_main(lg_runtime *rt, void (*fn)(void *arg), void *arg)
{
    CHECK_OK(lg_run(rt, fn, arg));
}

lg_ref spec_go(lg_runtime *rt, void (*fn)(void *arg), void *arg)
{
    lg_ref ref;
    CHECK_OK(lg_go(rt, fn, arg, NULL, &ref));
    return ref;
}

lg_stats spec_stats(lg_runtime *rt)
{
    lg_stats stats = {.size_bytes = sizeof stats};
    lg_get_stats(rt, &stats);
    return stats;
}

lg_chan *spec_chan(lg_runtime *rt, size_t elem_size, size_t cap)
{
    lg_chan *ch = NULL;
    CHECK_OK(lg_chan_new(rt, NULL, elem_size, cap, &ch));
    return ch;
}

int64_t spec_ms(lg_runtime *rt, int64_t ms)
{
    return lg_now(rt) + ms * 1000000;
}

void spec_runtimes_dump(void)
{
    for (int i = 0; i < SPEC_RUNTIMES_MAX; i++) {
        if (runtimes[i].rt) {
            lg_dump(runtimes[i].rt, dump_line, stderr);
        }
    }
}

void spec_runtimes_close(void)
{
    for (int i = 0; i < SPEC_RUNTIMES_MAX; i++) {
        if (runtimes[i].rt) {
            spec_close(runtimes[i].rt);
        }
    }
}
