// SPDX-License-Identifier: MIT
//
// Mutex: one word for those who find it free, a queue behind a lock for the rest. It
// has Go's two modes (sync.Mutex, internal/sync):
//
//   normal    Unlocking opens it and wakes the first in line, who competes with those
//             that run and come along. They mostly win: a hand-over would cost a switch
//             each time. A waiter that was beaten goes back to the head of the line.
//   starving  A waiter that is beaten for the fourth time, or after a millisecond, brings
//             this about. Unlocking leaves it locked, for the first in line; who comes
//             along queues at the end. It ends with a waiter that is the last, or has not
//             waited for that long.
//
// Go has the millisecond only. Where goroutines change places all the time that is thousands
// of turns, and the count a few.
//
// Competing is for native waiters of a runtime that takes the CPU from who has had his slice.
// Otherwise one who locks again and again might never make room for the one that was
// woken: to a scripted goroutine, in whose strand he may be, with a clock that the host
// drives, or with one P and no signals, it is always handed over. So nothing depends there
// on how long something takes.
//
//               wakes, opens                   takes it
//   LOCKED, HAS_WAITERS --> WOKEN, HAS_WAITERS --------> LOCKED, HAS_WAITERS
//                                 ^    |
//                          opens  |    v  somebody who comes along takes it
//                            LOCKED, WOKEN, HAS_WAITERS
//                                      |
//                                      v  the one that was woken comes, is beaten
//                            LOCKED, HAS_WAITERS, perhaps STARVING
//
// Whenever it is open and somebody waits, WOKEN is set: one is on its way, who takes it,
// or under the lock puts itself back and WOKEN out, so that whoever holds it then
// wakes. STARVING implies LOCKED and excludes WOKEN. Modelled in spec/models/mutex.pml.
#include "sync/mutex.h"

#include "lagoon.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/lock.h"
#include "sched/runtime.h"
#include "sched/sysmon.h"
#include "sched/waiter.h"

enum {
    LOCKED = 1U << 0,
    HAS_WAITERS = 1U << 1, // or had; changed under the lock only
    WOKEN = 1U << 2,       // set under the lock only
    STARVING = 1U << 3,    // changed under the lock only
};

// Of a waiter: how often it was woken and somebody else was faster (waiter.mode).
enum {
    BEATEN_MAX = 4,
    HANDED = UINT16_MAX, // no number: it was woken, and it is locked for him
};

enum { STARVING_NS = 1000 * 1000 };

// Go's numbers: how often one looks whether it has become free, and after how many
// pauses each time.
enum { SPINS_MAX = 4, PAUSES_PER_SPIN = 30 };

struct mutex {
    _Atomic uint32_t state;
    struct lock lock;
    // -- lock --
    struct list queue; // waiter.amount is since when, on the system's clock
};

_Static_assert(sizeof(struct mutex) <= sizeof(lg_mutex), "lagoon.h promises the size");

static struct mutex *mutex_of(lg_mutex *m)
{
    return (struct mutex *)(void *)m->opaque;
}

static uint32_t state_of(const struct mutex *m)
{
    // relaxed: true at some moment
    return atomic_load_explicit(&m->state, memory_order_relaxed);
}

// ---------------------------------------------------------------------------
// Taking it
// ---------------------------------------------------------------------------

// Takes it if it is open, also before others who wait. mine: WOKEN for who was woken,
// else 0.
static bool grab(struct mutex *m, uint32_t mine)
{
    uint32_t state = state_of(m);
    while (!(state & LOCKED)) {
        // acquire: pairs with the release of whoever opened it
        if (atomic_compare_exchange_weak_explicit(
                &m->state, &state, (state & ~mine) | LOCKED, memory_order_acquire,
                memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

static bool try_lock(struct mutex *m)
{
    uint32_t open = 0;
    // acquire: pairs with the release of whoever opened it
    return LG_LIKELY(atomic_compare_exchange_strong_explicit(
               &m->state, &open, LOCKED, memory_order_acquire, memory_order_relaxed)) ||
           (!(open & LOCKED) && grab(m, 0));
}

// Whether who holds it may be running meanwhile, and nothing else could here.
static bool pays_to_spin(const struct lg_g *g)
{
    struct lg_runtime *rt = g->rt;
    struct p *p = lg__m()->p;
    // relaxed: guesses
    uint32_t nbusy = lg__nprocs(rt) -
                     atomic_load_explicit(&rt->nidle, memory_order_relaxed) -
                     atomic_load_explicit(&rt->nspinning, memory_order_relaxed);
    return !g->strand && p && (int32_t)nbusy > 1 && lg__runq_len(&p->runq) == 0 &&
           !atomic_load_explicit(&p->runnext, memory_order_relaxed);
}

static bool spin(struct mutex *m, const struct lg_g *g, uint32_t mine)
{
    for (int i = 0; i < SPINS_MAX && pays_to_spin(g); i++) {
        for (int j = 0; j < PAUSES_PER_SPIN; j++) {
            lg__cpu_pause();
        }
        if (grab(m, mine)) {
            return true;
        }
        if (state_of(m) & STARVING) {
            return false;
        }
    }
    return false;
}

// Takes it, or puts `mine` out and says what there is now. True: taken.
static bool take_or_announce_locked(struct mutex *m, uint32_t mine, uint32_t news)
    LG_REQUIRES(m->lock)
{
    uint32_t state = state_of(m);
    uint32_t gone = mine | (lg__list_is_empty(&m->queue) ? HAS_WAITERS : 0);
    for (;;) {
        LG_ASSERT((state & mine) == mine);
        uint32_t next =
            state & LOCKED ? (state & ~mine) | news : (state & ~gone) | LOCKED;
        // acquire: pairs with the release of whoever opened it
        if (atomic_compare_exchange_weak_explicit(
                &m->state, &state, next, memory_order_acquire, memory_order_relaxed)) {
            LG_ASSERT((next & (STARVING | WOKEN)) != (STARVING | WOKEN));
            return !(state & LOCKED);
        }
    }
}

// ---------------------------------------------------------------------------
// Waiting for it
// ---------------------------------------------------------------------------

// Whether a waiter will get to run although others do not wait.
static bool may_compete(const struct waiter *w)
{
    const struct lg_g *g = w->g;
    return !g->strand && g->rt->options.slice_ns > 0 && lg__may_hand_over(g->rt);
}

// Whether a waiter has competed for too long.
static bool is_starved(const struct waiter *w)
{
    return may_compete(w) &&
           (w->mode >= BEATEN_MAX || lg__clock_now() - w->amount > STARVING_NS);
}

static bool arm(struct lg_g *g)
{
    if (g->op.relock) {
        lg__wait_begin_uncancelable(g);
        return true;
    }
    return lg__wait_begin(g);
}

// Queues g->op.waiter, who was woken if mine is WOKEN: LG_WAIT, a wait is armed; LG_OK:
// it was open; LG_ECANCELED.
static int queue_up(struct mutex *m, struct lg_g *g, uint32_t mine)
{
    struct waiter *w = &g->op.waiter;
    uint32_t news = HAS_WAITERS | (mine && is_starved(w) ? STARVING : 0);
    int rc = LG_WAIT;
    lg__lock(&m->lock, RANK_SYNC);
    if (take_or_announce_locked(m, mine, news)) {
        rc = LG_OK;
    } else if (!arm(g)) {
        rc = LG_ECANCELED; // announced in vain: who unlocks finds nobody
    } else if (mine) {
        lg__waitq_push_front(&m->queue, g, w);
    } else {
        lg__waitq_push(&m->queue, g, w);
    }
    lg__unlock(&m->lock, RANK_SYNC);
    return rc;
}

static int queue_up_first(struct mutex *m, struct lg_g *g)
{
    struct waiter *w = &g->op.waiter;
    w->g = g;
    w->owner = m;
    w->which_case = 0;
    w->mode = 0;
    w->amount = may_compete(w) ? lg__clock_now() : 0;
    return queue_up(m, g, 0);
}

// It was locked for a goroutine, or it was woken to take it, that is dropped.
static void pass_on(struct mutex *m, const struct waiter *w)
{
    bool has_it = w->mode == HANDED;
    if (!has_it) {
        lg__lock(&m->lock, RANK_SYNC);
        has_it = take_or_announce_locked(m, WOKEN, 0);
        lg__unlock(&m->lock, RANK_SYNC);
    }
    if (has_it) {
        lg_mutex_unlock((lg_mutex *)(void *)m);
    }
}

static int finish(struct lg_g *g, enum wake wake);

// What a call returns that has come so far.
static int conclude(struct lg_g *g, int rc)
{
    bool relocks = g->op.relock != NULL;
    if (rc == LG_WAIT) {
        return lg__wait_again(g, relocks ? "cond wait (mutex lock)" : "mutex lock",
                              g->op.deadline_ns, finish);
    }
    return relocks && rc == LG_OK ? g->op.relock_result : rc;
}

static int finish_woken(struct mutex *m, struct lg_g *g)
{
    struct waiter *w = &g->op.waiter;
    if (LG_UNLIKELY(g->is_dropped)) {
        pass_on(m, w);
        return LG_ECANCELED;
    }
    if (w->mode == HANDED || grab(m, WOKEN) || spin(m, g, WOKEN)) {
        return conclude(g, LG_OK);
    }
    w->mode++;
    return conclude(g, queue_up(m, g, WOKEN));
}

static int finish(struct lg_g *g, enum wake wake)
{
    struct mutex *m = g->op.waiter.owner;
    if (wake == WAKE_READY) {
        return finish_woken(m, g);
    }
    lg__lock(&m->lock, RANK_SYNC);
    lg__waitq_unlink(&g->op.waiter);
    lg__unlock(&m->lock, RANK_SYNC);
    if (!g->op.relock || g->is_dropped) {
        return lg__wake_result(wake);
    }
    return conclude(g, queue_up_first(m, g));
}

int lg__mutex_relock(struct lg_g *g)
{
    struct mutex *m = mutex_of(g->op.relock);
    if (g->is_dropped) {
        return LG_ECANCELED;
    }
    g->op.deadline_ns = LG_NEVER;
    return conclude(g, try_lock(m) ? LG_OK : queue_up_first(m, g));
}

int lg_mutex_lock(lg_mutex *mutex, int64_t deadline_ns)
{
    if (deadline_ns != 0 && lg__take_cancel()) {
        return LG_ECANCELED;
    }
    struct mutex *m = mutex_of(mutex);
    if (try_lock(m)) {
        return LG_OK;
    }
    if (deadline_ns == 0) {
        return LG_EAGAIN;
    }
    struct lg_g *g = lg__g_self();
    if (spin(m, g, 0)) {
        return LG_OK;
    }
    g->op.relock = NULL;
    g->op.deadline_ns = deadline_ns;
    int rc = queue_up_first(m, g);
    return rc == LG_WAIT ? lg__wait_for(g, "mutex lock", deadline_ns, finish) : rc;
}

// ---------------------------------------------------------------------------
// Unlocking
// ---------------------------------------------------------------------------

// Whether unlocking it means to open it, and no more.
static bool needs_no_wake(uint32_t state)
{
    return !(state & STARVING) && (state & WOKEN || !(state & HAS_WAITERS));
}

// Claims the first in line. It stays locked: for the waiter, if that is handed over to.
// NULL: nobody waits any more.
static struct waiter *claim(struct mutex *m)
{
    lg__lock(&m->lock, RANK_SYNC);
    uint32_t state = state_of(m);
    struct waiter *w = NULL;
    if (state & LOCKED && !needs_no_wake(state)) {
        bool is_starving = state & STARVING;
        w = lg__waitq_claim(&m->queue, WAKE_READY, NULL);
        bool is_last = lg__list_is_empty(&m->queue);
        state = LOCKED | (is_last ? 0 : HAS_WAITERS);
        if (w && !is_starving && may_compete(w)) {
            state |= WOKEN;
        } else if (w) {
            state |= is_starving && !is_last && is_starved(w) ? STARVING : 0;
            w->mode = HANDED;
        }
        // relaxed: it is still locked. A store: so locked, nobody changes it without
        // the lock
        atomic_store_explicit(&m->state, state, memory_order_relaxed);
    }
    lg__unlock(&m->lock, RANK_SYNC);
    return w;
}

// Not inlined: what it saves on the stack the fast path need not. Opening it is the last
// touch, since who takes it then may free it.
static LG_NOINLINE int unlock_slow(struct mutex *m, uint32_t state)
{
    for (;;) {
        if (!(state & LOCKED)) {
            return LG_EPERM;
        }
        if (needs_no_wake(state)) {
            // release: pairs with the acquire of the next to lock
            if (atomic_compare_exchange_weak_explicit(&m->state, &state, state ^ LOCKED,
                                                      memory_order_release,
                                                      memory_order_relaxed)) {
                return LG_OK;
            }
            continue;
        }
        struct waiter *w = claim(m);
        if (w) {
            if (w->mode != HANDED) {
                // release: as above
                atomic_fetch_and_explicit(&m->state, ~(uint32_t)LOCKED,
                                          memory_order_release);
            }
            lg__wait_fire(w->g);
            return LG_OK;
        }
        state = state_of(m);
    }
}

int lg_mutex_unlock(lg_mutex *mutex)
{
    struct mutex *m = mutex_of(mutex);
    uint32_t locked = LOCKED;
    // release: pairs with the acquire of the next to lock
    if (LG_LIKELY(atomic_compare_exchange_strong_explicit(
            &m->state, &locked, 0, memory_order_release, memory_order_relaxed))) {
        return LG_OK;
    }
    return unlock_slow(m, locked);
}

bool lg_mutex_is_locked(const lg_mutex *mutex)
{
    const struct mutex *m = (const struct mutex *)(const void *)mutex->opaque;
    return state_of(m) & LOCKED;
}
