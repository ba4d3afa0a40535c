// SPDX-License-Identifier: MIT
//
// Updates: what one would find to do, running one, and when the next is worth a call.
#include "os/clock.h"
#include "os/cpu.h"
#include "sched/drive.h"
#include "sched/host.h"
#include "sched/idle.h"
#include "sched/preempt.h"
#include "sched/starve.h"
#include "sched/strand.h"
#include "sched/sysmon.h"
#include "sched/world.h"

// So long an update waits outside for the world to start: most stops take less.
enum { STOP_NS = 100 * 1000 };

// False: the world is still stopped, or about to be.
static bool await_world(struct lg_runtime *rt)
{
    int64_t end_ns = 0;
    while (lg__world_is_wanted(rt)) {
        int64_t now_ns = lg__clock_now();
        end_ns = end_ns ? end_ns : now_ns + STOP_NS;
        if (now_ns > end_ns) {
            return false;
        }
        lg__cpu_pause();
    }
    return true;
}

bool lg__update_look(struct update *u)
{
    if (u->is_stepping) {
        int64_t now_ns = lg__clock_now();
        int64_t took_ns = now_ns - u->now_ns;
        u->is_stepping = false;
        u->now_ns = now_ns;
        u->nsteps++;
        if (took_ns > u->longest_ns) {
            u->longest_ns = took_ns;
            u->longest = u->stepping;
        }
    }
    return u->nsteps > 0 && u->now_ns >= u->deadline_ns;
}

void lg__host_look_at_pollset(struct lg_runtime *rt)
{
    if (!lg__host_is_apart(rt) || lg__netpoll_is_unattended(rt)) {
        lg__netpoll_look(rt);
    }
}

// Other Ms look at the timers of the Ps that they own. While all are asleep, or there are
// none, nobody may know of one that has been added since.
static int64_t first_timer(struct lg_runtime *rt)
{
    // seq_cst: as everywhere (idle.h)
    uint32_t nidle = atomic_load_explicit(&rt->nidle, memory_order_seq_cst);
    if (lg__host_is_apart(rt) && nidle < lg__nprocs(rt)) {
        return lg__timers_next(&rt->host.p->timers);
    }
    return lg__first_timer(rt);
}

static bool has_due_timer(struct lg_runtime *rt)
{
    int64_t first_ns = first_timer(rt);
    return first_ns != LG_NEVER && first_ns <= lg__now(rt);
}

// Whatever a driver that is not apart would run.
static bool has_general(struct lg_runtime *rt)
{
    return !lg__host_is_apart(rt) && (lg__has_work(rt) || lg__has_runnext(rt));
}

static bool has_ready(struct lg_runtime *rt)
{
    // relaxed: hints of who started something from this thread, or before it told us
    return lg__host_has_work(rt) || has_general(rt) ||
           atomic_load_explicit(&rt->nheld, memory_order_relaxed) > 0 ||
           lg__has_starved(rt);
}

bool lg__host_has_due(struct lg_runtime *rt)
{
    if (lg__netpoll_is_awaited(rt)) {
        lg__host_look_at_pollset(rt);
    }
    return has_ready(rt) || has_due_timer(rt);
}

static uint64_t count_pinned_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    struct host *h = &rt->host;
    uint64_t count = 0;
    lg__host_take_inbox(h);
    for (struct runnable *r = h->ready.first; r; r = r->next) {
        count += r->kind == RUNNABLE_STRAND
                     ? lg__strand_count_ready(LG_CONTAINER_OF(r, struct lg_strand, run))
                     : 1;
    }
    return count;
}

uint64_t lg__host_count_ready(struct lg_runtime *rt)
{
    uint64_t count = 0;
    if (lg__host_has_work(rt)) {
        lg__lock(&rt->lock, RANK_SCHED);
        count = count_pinned_locked(rt);
        lg__unlock(&rt->lock, RANK_SCHED);
    }
    if (has_general(rt)) {
        count += lg__count_queued(rt);
    }
    // relaxed: a figure
    return count + atomic_load_explicit(&rt->nheld, memory_order_relaxed);
}

int64_t lg__host_next_ns(struct lg_runtime *rt)
{
    int64_t next_ns = LG_NEVER;
    int64_t left_ns = lg__clock_left(rt, first_timer(rt));
    if (left_ns != LG_NEVER && !rt->options.clock) {
        next_ns = lg__clock_now() + left_ns;
    }
    if (!lg__host_is_apart(rt) && lg__netpoll_is_unattended(rt)) {
        int64_t look_ns = lg__clock_now() + NETPOLL_LOOK_NS;
        next_ns = look_ns < next_ns ? look_ns : next_ns;
    }
    return next_ns;
}

void lg__host_tell_left(struct lg_runtime *rt)
{
    if (has_ready(rt)) {
        lg__host_tell(rt);
    }
}

int lg__host_run(struct lg_runtime *rt, struct update *update)
{
    struct m *m = lg__driver_enter(rt, 0, update);
    LG_MISUSE_OF_IF(
        rt, lg__m_wired(m),
        "lg_update() while lg_lock_thread() keeps the thread for one goroutine");
    if (lg_slice_ns(rt) != LG_NEVER || lg__watchdog_ns(rt) > 0) {
        lg__sysmon_rouse(rt);
    }
    int err = LG_OK;
    do {
        update->has_given_way = false;
        // A stop that begins at this very moment is waited for.
        if (await_world(rt)) {
            err = lg__m_enter(m);
        }
    } while (!err && update->has_given_way && !lg__update_look(update));
    lg__driver_leave(rt);
    return err;
}
