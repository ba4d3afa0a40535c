// SPDX-License-Identifier: MIT
#include "sched/drive.h"

#include <string.h>

#include "os/clock.h"
#include "os/cpu.h"
#include "sched/host.h"
#include "sched/idle.h"
#include "sched/sched.h"
#include "sched/starve.h"
#include "sched/strand.h"
#include "sched/sysmon.h"
#include "sched/wake.h"

void lg__drive_done(struct lg_runtime *rt)
{
    // release: pairs with the acquire in lg__interrupts(); all that the
    // goroutine did is visible to the driver
    atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_DRIVE, memory_order_release);
    lg__lock(&rt->lock, RANK_SCHED);
    if (rt->driver && rt->driver != lg__m()) {
        lg__m_wake(rt, rt->driver);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
}

struct m *lg__driver_enter(struct lg_runtime *rt, uint64_t until_id,
                           struct update *update)
{
    struct m *m = &rt->driver_m;
    lg__lock(&rt->lock, RANK_SCHED);
    // What is wired to this thread stays so, until the next time.
    struct runnable *wired = lg__m_wired(m);
    struct runnable *wired_run = m->wired_run;
    memset(m, 0, sizeof *m);
    m->rt = rt;
    m->is_driver = true;
    m->update = update;
    // relaxed: changed under the lock
    atomic_store_explicit(&m->wired, wired, memory_order_relaxed);
    m->wired_run = wired_run;
    rt->driver = m;
    rt->is_deadlocked = false;
    // relaxed: set before anything that could end it runs here; if it
    // runs elsewhere, has_ended() is asked after
    atomic_store_explicit(&rt->drive_id, until_id, memory_order_seq_cst);
    atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_DRIVE,
                              memory_order_relaxed);
    lg__strands_nudge_locked(rt);
    lg__feed_all_starved_locked(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
    return m;
}

int lg__driver_leave(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    // Without a stack to be had, that is what it died of.
    int why = rt->starved.first ? LG_ENOMEM : LG_EDEADLOCK;
    bool is_deadlocked = rt->is_deadlocked;
    rt->driver = NULL;
    rt->is_deadlocked = false;
    atomic_store_explicit(&rt->drive_id, 0, memory_order_relaxed);
    atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_DRIVE,
                              memory_order_relaxed);
    lg__unlock(&rt->lock, RANK_SCHED);
    return is_deadlocked ? why : LG_OK;
}

static bool has_ended(lg_ref ref)
{
    return lg__g_id(ref.g) != ref.id;
}

// What was left in the host's queue, or came in since: of that no report tells.
static void let_go(struct lg_runtime *rt)
{
    lg__host_leave(rt);
    if (lg__host_is_on(rt)) {
        lg__host_tell_left(rt);
    }
}

// Until the goroutine has ended, or everything waits.
static int drive_once(lg_runtime *rt, lg_ref until)
{
    struct m *m = lg__driver_enter(rt, until.id, NULL);
    int err = LG_OK;
    if (!has_ended(until)) {
        if (!lg__host_is_on(rt)) { // else it sees to its P by itself
            lg__m_set_p(m, lg__take_idle_p(rt));
        }
        lg__wake_if_idle(rt);
        err = lg__m_enter(m);
        struct p *p = m->p;
        if (err && p) {
            lg__m_set_p(m, NULL);
            lg__put_idle_p(rt, p);
        }
    }
    int result = lg__driver_leave(rt);
    return err ? err : has_ended(until) ? LG_OK : result;
}

int lg_drive(lg_runtime *rt, lg_ref until)
{
    lg__host_enter(rt);
    int err;
    do {
        err = drive_once(rt, until);
    } while (err == LG_ENOMEM && lg__save_starved(rt));
    let_go(rt);
    return err;
}

int lg_run(lg_runtime *rt, void (*fn)(void *arg), void *arg)
{
    lg_ref ref;
    lg_go_options opts = {.name = "main"};
    int err = lg_go(rt, fn, arg, &opts, &ref);
    return err ? err : lg_drive(rt, ref);
}

static void wake_list_locked(struct lg_runtime *rt, struct list *list)
    LG_REQUIRES(rt->lock)
{
    for (struct node *node = list->first; node; node = node->next) {
        lg__m_wake(rt, LG_CONTAINER_OF(node, struct m, node));
    }
}

static void wake_all_idle(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    wake_list_locked(rt, &rt->idle_ms);
    wake_list_locked(rt, &rt->wired_ms);
    lg__unlock(&rt->lock, RANK_SCHED);
}

void lg__m_left_locked(struct lg_runtime *rt)
{
    LG_ASSERT(rt->nlive > 0);
    rt->nlive--;
    if (rt->nlive == 0) {
        lg__note_wake(&rt->all_left);
    }
}

static bool have_all_left(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    bool have_left = rt->nlive == 0;
    lg__unlock(&rt->lock, RANK_SCHED);
    return have_left;
}

// None comes any more. False: the moment has passed.
static bool await_all_left(struct lg_runtime *rt, int64_t deadline_ns)
{
    while (!have_all_left(rt)) {
        int64_t left_ns = -1;
        if (deadline_ns != LG_NEVER) {
            left_ns = deadline_ns - lg__clock_now();
            if (left_ns <= 0) {
                return false;
            }
        }
        lg__note_sleep(&rt->all_left, left_ns);
    }
    return true;
}

int lg__ms_stop(struct lg_runtime *rt, int64_t deadline_ns)
{
    // release: pairs with the acquire in lg__interrupts()
    atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_STOP, memory_order_release);
    wake_all_idle(rt);
    lg__sysmon_stop(rt);
    if (!await_all_left(rt, deadline_ns)) {
        return LG_ETIMEDOUT;
    }
    // Whoever is starting a thread finishes that first. acquire: pairs with the
    // release in wake.c:start_spinner(); the handles are there
    while (atomic_load_explicit(&rt->nstarting, memory_order_acquire) > 0) {
        lg__cpu_pause();
    }
    while (rt->made) {
        struct m *m = rt->made;
        lg__thread_join(m->handle);
        rt->made = m->next_made;
        rt->nmade--;
        lg__alloc_free(&rt->alloc, m, sizeof *m);
    }
    LG_ASSERT(rt->world.ninside == 0);
    return LG_OK;
}

// Threads beyond the driver's start with the first work for them.
int lg_set_procs(lg_runtime *rt, int procs)
{
    if (procs < 1 || procs > LG_PROCS_MAX || (rt->options.deterministic && procs > 1)) {
        return LG_EINVAL;
    }
    lg__lock(&rt->lock, RANK_SCHED);
    int err = lg__ps_grow(rt, (uint32_t)procs + lg__host_is_on(rt));
    if (!err) {
        // relaxed: as nprocs
        atomic_store_explicit(&rt->procs, (uint32_t)procs, memory_order_relaxed);
        lg__ps_resize_locked(rt, lg__host_share_locked(rt, (uint32_t)procs));
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    if (!err) {
        err = lg__sysmon_start(rt);
        lg__sysmon_rouse(rt); // nidle and nprocs have not changed in one step
        lg__wake_if_idle(rt);
    }
    return err;
}

int lg_procs(lg_runtime *rt)
{
    // relaxed: as nprocs
    return (int)atomic_load_explicit(&rt->procs, memory_order_relaxed);
}

void lg_hold(lg_runtime *rt)
{
    // relaxed: only matters when everything is still
    atomic_fetch_add_explicit(&rt->nholds, 1, memory_order_relaxed);
}

void lg_release(lg_runtime *rt)
{
    // seq_cst: the deadlock that this may uncover is looked for after
    int64_t before = atomic_fetch_sub_explicit(&rt->nholds, 1, memory_order_seq_cst);
    LG_MISUSE_OF_IF(rt, before <= 0, "lg_release() without lg_hold()");
    if (before == 1) {
        lg_clock_moved(rt); // somebody must look again
    }
}

void lg_clock_moved(lg_runtime *rt)
{
    lg__now(rt);
    wake_all_idle(rt);
}
