// SPDX-License-Identifier: MIT
#include "sched/timer.h"

#include <string.h>

#include "sched/world.h"

enum { HEAP_ARITY = 4, HEAP_CAP_MIN = LG_SIZED(64, 4) };

void lg__timers_init(struct timers *ts)
{
    memset(ts, 0, sizeof *ts);
    atomic_init(&ts->next_ns, LG_NEVER);
}

void lg__timers_fini(struct timers *ts, const struct alloc *alloc)
{
    lg__alloc_free(alloc, ts->heap, ts->cap * sizeof *ts->heap);
}

static void place(struct timers *ts, uint32_t at, struct timer_entry entry)
{
    ts->heap[at] = entry;
    entry.timer->slot = at + 1;
}

static void sift_up(struct timers *ts, uint32_t at, struct timer_entry entry)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / HEAP_ARITY;
        if (ts->heap[parent].when_ns <= entry.when_ns) {
            break;
        }
        place(ts, at, ts->heap[parent]);
        at = parent;
    }
    place(ts, at, entry);
}

static uint32_t least_child(const struct timers *ts, uint32_t first)
{
    uint32_t end = first + HEAP_ARITY < ts->count ? first + HEAP_ARITY : ts->count;
    uint32_t least = first;
    for (uint32_t i = first + 1; i < end; i++) {
        if (ts->heap[i].when_ns < ts->heap[least].when_ns) {
            least = i;
        }
    }
    return least;
}

static void sift_down(struct timers *ts, uint32_t at, struct timer_entry entry)
{
    for (;;) {
        uint32_t first = at * HEAP_ARITY + 1;
        if (first >= ts->count) {
            break;
        }
        uint32_t child = least_child(ts, first);
        if (ts->heap[child].when_ns >= entry.when_ns) {
            break;
        }
        place(ts, at, ts->heap[child]);
        at = child;
    }
    place(ts, at, entry);
}

static void publish_next_locked(struct timers *ts) LG_REQUIRES(ts->lock)
{
    int64_t next_ns = ts->count > 0 ? ts->heap[0].when_ns : LG_NEVER;
    // seq_cst: read by Ms that go idle (lg__timers_next)
    atomic_store_explicit(&ts->next_ns, next_ns, memory_order_seq_cst);
    // relaxed: a figure
    atomic_store_explicit(&ts->ncount, ts->count, memory_order_relaxed);
}

static void insert_locked(struct timers *ts, struct timer *timer) LG_REQUIRES(ts->lock)
{
    LG_ASSERT(ts->count < ts->cap);
    ts->count++;
    sift_up(ts, ts->count - 1, (struct timer_entry){timer->when_ns, timer});
}

static void remove_locked(struct timers *ts, struct timer *timer) LG_REQUIRES(ts->lock)
{
    uint32_t at = timer->slot - 1;
    LG_ASSERT(ts->heap[at].timer == timer);
    timer->slot = 0;
    ts->count--;
    if (at == ts->count) {
        return;
    }
    struct timer_entry last = ts->heap[ts->count];
    if (at > 0 && ts->heap[(at - 1) / HEAP_ARITY].when_ns > last.when_ns) {
        sift_up(ts, at, last);
    } else {
        sift_down(ts, at, last);
    }
}

static int grow_locked(struct timers *ts, const struct alloc *alloc) LG_REQUIRES(ts->lock)
{
    uint32_t cap = ts->cap ? ts->cap * 2 : HEAP_CAP_MIN;
    struct timer_entry *heap =
        alloc->fn(alloc->ud, ts->heap, ts->cap * sizeof *heap, cap * sizeof *heap);
    if (!heap) {
        return LG_ENOMEM;
    }
    ts->heap = heap;
    ts->cap = cap;
    return LG_OK;
}

int lg__timer_add(struct timers *ts, const struct alloc *alloc, struct timer *timer)
{
    int err = LG_OK;
    lg__lock(&ts->lock, RANK_TIMERS);
    LG_ASSERT(timer->slot == 0);
    if (ts->count == ts->cap) {
        err = grow_locked(ts, alloc);
    }
    if (!err) {
        // release: pairs with the acquire in lock_home(); the timer is filled
        atomic_store_explicit(&timer->home, ts, memory_order_release);
        insert_locked(ts, timer);
        publish_next_locked(ts);
    }
    lg__unlock(&ts->lock, RANK_TIMERS);
    return err;
}

// Locks the heap that the timer is or was in; NULL if it never was in one.
static struct timers *lock_home(struct timer *timer) LG_UNCHECKED_LOCKING
{
    for (;;) {
        // acquire: pairs with the release in lg__timer_add()
        struct timers *ts = atomic_load_explicit(&timer->home, memory_order_acquire);
        if (!ts) {
            return NULL;
        }
        lg__lock(&ts->lock, RANK_TIMERS);
        // relaxed: home moves only from a heap that is locked
        if (atomic_load_explicit(&timer->home, memory_order_relaxed) == ts) {
            return ts;
        }
        lg__unlock(&ts->lock, RANK_TIMERS);
    }
}

bool lg__timer_remove(struct timer *timer) LG_UNCHECKED_LOCKING
{
    struct timers *ts = lock_home(timer);
    if (!ts) {
        return false;
    }
    bool is_in = timer->slot != 0;
    if (is_in) {
        remove_locked(ts, timer);
        publish_next_locked(ts);
    }
    lg__unlock(&ts->lock, RANK_TIMERS);
    return is_in;
}

void lg__timer_await(struct timer *timer, const void *self) LG_UNCHECKED_LOCKING
{
    for (;;) {
        struct timers *ts = lock_home(timer);
        if (!ts) {
            return;
        }
        bool is_running = ts->running == timer && ts->running_thread != self;
        lg__unlock(&ts->lock, RANK_TIMERS);
        if (!is_running) {
            return;
        }
        lg__world_pause(); // its function is short by contract
    }
}

// The first timer that is due, out of the heap or, if periodic, set to its next
// moment.
static struct timer *take_due_locked(struct timers *ts, int64_t now_ns)
    LG_REQUIRES(ts->lock)
{
    if (ts->count == 0 || ts->heap[0].when_ns > now_ns) {
        return NULL;
    }
    struct timer *timer = ts->heap[0].timer;
    remove_locked(ts, timer);
    if (timer->period_ns > 0) {
        int64_t missed = (now_ns - timer->when_ns) / timer->period_ns;
        timer->when_ns += (missed + 1) * timer->period_ns;
        insert_locked(ts, timer);
    }
    return timer;
}

uint32_t lg__timers_run(struct timers *ts, int64_t now_ns, const void *self)
{
    uint32_t count = 0;
    lg__lock(&ts->lock, RANK_TIMERS);
    // One thread at a time calls the functions of a heap, so that they are
    // called in order.
    while (!ts->running) {
        struct timer *timer = take_due_locked(ts, now_ns);
        publish_next_locked(ts);
        if (!timer) {
            break;
        }
        void (*fn)(void *, uint64_t) = timer->fn;
        void *arg = timer->arg;
        uint64_t cookie = timer->cookie;
        ts->running = timer;
        ts->running_thread = self;
        lg__unlock(&ts->lock, RANK_TIMERS);
        fn(arg, cookie); // the timer may be gone from here on
        count++;
        lg__lock(&ts->lock, RANK_TIMERS);
        ts->running = NULL;
    }
    lg__unlock(&ts->lock, RANK_TIMERS);
    return count;
}
