// SPDX-License-Identifier: MIT
//
// What all waits have in common, over every thing to wait for and the three
// ways of waiting: a native goroutine's, a script's that leaves its resume, and
// a script's that keeps its C stack. Each wait ends by being served, by its
// deadline, by cancellation, and with deadline 0 it does not begin.
#include "script.h"

static lg_chan *empty;
static lg_chan *full;
static lg_mutex mutex;
static lg_rwmutex rwmutex;
static lg_cond cond;
static lg_mutex cond_mutex;
static lg_waitgroup waitgroup;
static lg_semaphore semaphore;
static lg_once once;
static lg_ticket ticket;

static int value;
static size_t chosen;
static bool is_first;
static lg_case cases[2];

static int wait_recv(int64_t deadline)
{
    return lg_chan_recv(empty, &value, deadline);
}

static void serve_recv(void)
{
    CHECK_OK(lg_chan_send(empty, &(int){1}, 0));
}

static int wait_send(int64_t deadline)
{
    return lg_chan_send(full, &value, deadline);
}

static void serve_send(void)
{
    CHECK_OK(lg_chan_recv(full, NULL, 0));
}

static int wait_select(int64_t deadline)
{
    cases[0] = (lg_case){.ch = empty, .elem = &value, .op = LG_RECV};
    cases[1] = (lg_case){.ch = full, .elem = &value, .op = LG_SEND};
    return lg_select(cases, 2, deadline, &chosen);
}

static int wait_mutex(int64_t deadline)
{
    return lg_mutex_lock(&mutex, deadline);
}

static void serve_mutex(void)
{
    CHECK_OK(lg_mutex_unlock(&mutex));
}

static int wait_wlock(int64_t deadline)
{
    return lg_rwmutex_lock(&rwmutex, deadline);
}

static int wait_rlock(int64_t deadline)
{
    return lg_rwmutex_rlock(&rwmutex, deadline);
}

static void serve_rwmutex(void)
{
    CHECK_OK(lg_rwmutex_unlock(&rwmutex));
}

static int wait_cond(int64_t deadline)
{
    if (!lg_mutex_is_locked(&cond_mutex)) {
        CHECK_OK(lg_mutex_lock(&cond_mutex, 0));
    }
    return lg_cond_wait(&cond, &cond_mutex, deadline);
}

static void serve_cond(void)
{
    lg_cond_signal(&cond);
}

static int wait_waitgroup(int64_t deadline)
{
    return lg_waitgroup_wait(&waitgroup, deadline);
}

static void serve_waitgroup(void)
{
    CHECK_OK(lg_waitgroup_add(&waitgroup, -1));
}

static int wait_semaphore(int64_t deadline)
{
    return lg_semaphore_acquire(&semaphore, 1, deadline);
}

static void serve_semaphore(void)
{
    CHECK_OK(lg_semaphore_release(&semaphore, 1));
}

static int wait_once(__attribute__((unused)) int64_t deadline)
{
    return lg_once_begin(&once, &is_first);
}

static void serve_once(void)
{
    lg_once_end(&once);
}

static int wait_park(int64_t deadline)
{
    ticket = lg_park_arm();
    return lg_park("spec wait", deadline);
}

static void serve_park(void)
{
    CHECK(lg_ready(ticket));
}

static int wait_sleep(int64_t deadline)
{
    return lg_sleep_until(deadline);
}

enum trait { NO_DEADLINE = 1, SLEEPS = 2 };

static const struct kind {
    const char *reason; // NULL: any
    int (*wait)(int64_t deadline);
    void (*serve)(void);
    int traits;
} kinds[] = {
    {"chan receive", wait_recv, serve_recv, 0},
    {"chan send", wait_send, serve_send, 0},
    {"select", wait_select, serve_recv, 0},
    {"mutex lock", wait_mutex, serve_mutex, 0},
    {NULL, wait_wlock, serve_rwmutex, 0},
    {NULL, wait_rlock, serve_rwmutex, 0},
    {NULL, wait_cond, serve_cond, 0},
    {NULL, wait_waitgroup, serve_waitgroup, 0},
    {NULL, wait_semaphore, serve_semaphore, 0},
    {NULL, wait_once, serve_once, NO_DEADLINE},
    {"spec wait", wait_park, serve_park, 0},
    {"sleep", wait_sleep, NULL, SLEEPS},
};

enum { KINDS = sizeof kinds / sizeof *kinds };
enum ending { BY_SERVICE, BY_DEADLINE, BY_CANCEL, AT_ONCE };

static const struct kind *kind;
static int64_t deadline;
static int outcome;
static _Atomic bool is_done;

// After any ending the goroutine's next wait is an ordinary one.
static int outcome_set(int result)
{
    outcome = result;
    return lg_sleep_until(lg_now(lg_current()) + 1000);
}

static void native(__attribute__((unused)) void *arg)
{
    CHECK_OK(outcome_set(kind->wait(deadline)));
    is_done = true;
}

static int leaving(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_AWAIT(kind->wait(deadline))
    SCRIPT_AWAIT(outcome_set(result))
    CHECK_OK(result);
    is_done = true;
    SCRIPT_END
}

static int keeping(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_KEEP(kind->wait(deadline))
    SCRIPT_KEEP(outcome_set(result))
    CHECK_OK(result);
    is_done = true;
    SCRIPT_END
}

struct starter {
    lg_post post;
    lg_strand *strand;
    script_step step;
    lg_ref ref;
    _Atomic bool is_started;
};

static void start_inside(lg_post *post)
{
    struct starter *starter = (struct starter *)post;
    starter->ref = script_go(starter->strand, starter->step, NULL);
    starter->is_started = true;
}

static lg_ref start(lg_runtime *rt, lg_strand *strand, script_step step)
{
    if (!step) {
        return spec_go(rt, native, NULL);
    }
    static struct starter starter;
    starter.post.fn = start_inside;
    starter.strand = strand;
    starter.step = step;
    starter.is_started = false;
    lg_strand_post(strand, &starter.post);
    SETTLE(starter.is_started);
    return starter.ref;
}

static void things_reset(void)
{
    mutex = (lg_mutex){0};
    rwmutex = (lg_rwmutex){0};
    cond = (lg_cond){0};
    cond_mutex = (lg_mutex){0};
    waitgroup = (lg_waitgroup){0};
    semaphore = (lg_semaphore){0};
    once = (lg_once){0};
    CHECK_OK(lg_mutex_lock(&mutex, 0));
    CHECK_OK(lg_rwmutex_lock(&rwmutex, 0));
    CHECK_OK(lg_waitgroup_add(&waitgroup, 1));
    CHECK_OK(lg_semaphore_init(&semaphore, 1));
    CHECK_OK(lg_semaphore_acquire(&semaphore, 1, 0));
    CHECK_OK(lg_once_begin(&once, &is_first));
    while (lg_chan_len(full) == 0) {
        CHECK_OK(lg_chan_send(full, &(int){0}, 0));
    }
}

static int wanted(enum ending ending)
{
    if (ending == BY_SERVICE || (kind->traits & SLEEPS && ending != BY_CANCEL)) {
        return LG_OK;
    }
    return ending == BY_DEADLINE ? LG_ETIMEDOUT
           : ending == BY_CANCEL ? LG_ECANCELED
                                 : LG_EAGAIN;
}

static void end_wait(lg_runtime *rt, lg_ref ref, enum ending ending)
{
    if (ending == BY_SERVICE || ending == BY_CANCEL) {
        SETTLE(spec_is_waiting(rt, ref));
        if (kind->reason) {
            CHECK_INT(spec_waiting(rt, kind->reason), 1);
        }
    }
    if (ending == BY_SERVICE) {
        kind->serve();
    } else if (ending == BY_CANCEL) {
        CHECK_OK(lg_cancel(ref));
    }
}

static void wait_all(lg_runtime *rt, script_step step, enum ending ending)
{
    static struct interpreter interpreter;
    lg_strand *strand = script_strand(rt, &interpreter);
    empty = spec_chan(rt, sizeof(int), 0);
    full = spec_chan(rt, sizeof(int), 1);
    for (kind = kinds; kind < kinds + KINDS; kind++) {
        bool is_by_time = ending == BY_DEADLINE || ending == AT_ONCE;
        if ((is_by_time && kind->traits & NO_DEADLINE) ||
            (ending == BY_SERVICE && !kind->serve)) {
            continue;
        }
        things_reset();
        is_done = false;
        outcome = 55;
        deadline = ending == AT_ONCE       ? 0
                   : ending == BY_DEADLINE ? spec_ms(rt, 1)
                                           : LG_NEVER;
        lg_ref ref = start(rt, strand, step);
        end_wait(rt, ref, ending);
        SETTLE(is_done);
        SETTLE(lg_cancel(ref) == LG_ESRCH);
        if (outcome != wanted(ending)) {
            spec_fail(SPEC_HERE, "wait %d (%s): got %s, want %s", (int)(kind - kinds),
                      kind->reason ? kind->reason : "?", lg_strerror(outcome),
                      lg_strerror(wanted(ending)));
        }
        if (ending == BY_DEADLINE) {
            CHECK(lg_now(rt) >= deadline);
        }
        if (kind->wait == wait_cond) { // held whatever ended the wait
            CHECK_OK(lg_mutex_unlock(&cond_mutex));
        }
    }
    lg_chan_free(empty);
    lg_chan_free(full);
    CHECK_INT(spec_stats(rt).timers, 0);
}

it("a native goroutine's wait", "ends when served", .procs = 2)
{
    wait_all(rt, NULL, BY_SERVICE);
}

it("a native goroutine's wait", "ends with its deadline", .procs = 2)
{
    wait_all(rt, NULL, BY_DEADLINE);
}

it("a native goroutine's wait", "ends by cancellation", .procs = 2)
{
    wait_all(rt, NULL, BY_CANCEL);
}

it("a native goroutine's wait", "does not begin with deadline 0", .procs = 2)
{
    wait_all(rt, NULL, AT_ONCE);
}

it("a script's wait outside resume", "ends when served", .procs = 2)
{
    wait_all(rt, leaving, BY_SERVICE);
}

it("a script's wait outside resume", "ends with its deadline", .procs = 2)
{
    wait_all(rt, leaving, BY_DEADLINE);
}

it("a script's wait outside resume", "ends by cancellation", .procs = 2)
{
    wait_all(rt, leaving, BY_CANCEL);
}

it("a script's wait outside resume", "does not begin with deadline 0", .procs = 2)
{
    wait_all(rt, leaving, AT_ONCE);
}

it("a script's wait on its C stack", "ends when served", .procs = 2)
{
    wait_all(rt, keeping, BY_SERVICE);
}

it("a script's wait on its C stack", "ends with its deadline", .procs = 2)
{
    wait_all(rt, keeping, BY_DEADLINE);
}

it("a script's wait on its C stack", "ends by cancellation", .procs = 2)
{
    wait_all(rt, keeping, BY_CANCEL);
}

it("a script's wait on its C stack", "does not begin with deadline 0", .procs = 2)
{
    wait_all(rt, keeping, AT_ONCE);
}
