// SPDX-License-Identifier: MIT
//
// A goroutine that is given what it waits for, and whose strand is closed before it runs:
// what it was given is not lost.
#include "script.h"

static lg_runtime *host;
static lg_strand *strand;
static struct interpreter interpreter;
static lg_semaphore semaphore;
static lg_rwmutex rwmutex;
static lg_ref waiting;

static int64_t clock_stands(__attribute__((unused)) void *ud)
{
    return 1;
}

// One P: what is woken has not run by the time that its strand is closed.
static void beside(script_step step, void (*fn)(void *arg))
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 1;
    opts.seed = 1;
    opts.clock = clock_stands;
    host = spec_open_with(&opts);
    strand = script_strand(host, &interpreter);
    waiting = script_go(strand, step, NULL);
    spec_main(host, fn, NULL);
}

static int acquire_in_vain(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_semaphore_acquire(&semaphore, 2, LG_NEVER));
    CHECK(false);
    SCRIPT_END
}

static void release_and_close(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_semaphore_init(&semaphore, 2));
    CHECK_OK(lg_semaphore_acquire(&semaphore, 2, LG_NEVER));
    SETTLE(spec_is_waiting(host, waiting));
    CHECK_OK(lg_semaphore_release(&semaphore, 2));
    CHECK_CODE(lg_semaphore_acquire(&semaphore, 1, 0), LG_EAGAIN);
    lg_strand_close(strand);
    CHECK_OK(lg_semaphore_acquire(&semaphore, 2, 0));
}

it("semaphore.acquire that is served in a strand that is closed", "gives back")
{
    beside(acquire_in_vain, release_and_close);
}

static int write_in_vain(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_rwmutex_lock(&rwmutex, LG_NEVER));
    CHECK(false);
    SCRIPT_END
}

static int read_in_vain(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_rwmutex_rlock(&rwmutex, LG_NEVER));
    CHECK(false);
    SCRIPT_END
}

static void unlock_and_close(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_rwmutex_lock(&rwmutex, LG_NEVER));
    SETTLE(spec_is_waiting(host, waiting));
    CHECK_OK(lg_rwmutex_unlock(&rwmutex));
    CHECK_CODE(lg_rwmutex_lock(&rwmutex, 0), LG_EAGAIN);
    lg_strand_close(strand);
    CHECK_OK(lg_rwmutex_lock(&rwmutex, 0));
    CHECK_OK(lg_rwmutex_unlock(&rwmutex));
}

it("rwmutex.lock that is served in a strand that is closed", "is unlocked again")
{
    beside(write_in_vain, unlock_and_close);
}

it("rwmutex.rlock that is served in a strand that is closed", "is unlocked again")
{
    beside(read_in_vain, unlock_and_close);
}
