// SPDX-License-Identifier: MIT
//
// Readers and writers. A reader that comes while a writer waits queues behind
// it, so writers do not starve; a writer that unlocks lets all readers that
// wait at this moment go first, so readers do not either. As in Go.
#include "lagoon.h"
#include "os/lock.h"
#include "sched/waiter.h"

enum { MODE_READ, MODE_WRITE };

struct rwmutex {
    struct lock lock;
    // -- lock --
    uint32_t nreaders; // that hold it
    bool has_writer;
    struct list readers; // that wait
    struct list writers;
};

_Static_assert(sizeof(struct rwmutex) <= sizeof(lg_rwmutex),
               "lagoon.h promises the size");

static struct rwmutex *rwmutex_of(lg_rwmutex *m)
{
    return (struct rwmutex *)(void *)m->opaque;
}

static void admit_readers_locked(struct rwmutex *m, struct list *woken)
    LG_REQUIRES(m->lock)
{
    struct list admitted = {0};
    lg__waitq_claim_all(&m->readers, WAKE_READY, &admitted);
    for (struct node *node; (node = lg__list_pop_front(&admitted));) {
        m->nreaders++;
        lg__list_push_back(woken, node);
    }
}

static void admit_writer_locked(struct rwmutex *m, struct list *woken)
    LG_REQUIRES(m->lock)
{
    if (m->nreaders > 0 || m->has_writer) {
        return;
    }
    struct waiter *w = lg__waitq_claim(&m->writers, WAKE_READY, NULL);
    if (w) {
        m->has_writer = true;
        lg__list_push_back(woken, &w->node);
    }
}

static void leave_queue(struct rwmutex *m, struct waiter *w)
{
    struct list woken = {0};
    lg__lock(&m->lock, RANK_SYNC);
    lg__waitq_unlink(w);
    // Readers may have waited for a writer that gave up.
    if (!m->has_writer && lg__list_is_empty(&m->writers)) {
        admit_readers_locked(m, &woken);
    }
    lg__unlock(&m->lock, RANK_SYNC);
    lg__waitq_fire_all(&woken);
}

static int finish(struct lg_g *g, enum wake wake)
{
    struct waiter *w = &g->op.waiter;
    if (wake != WAKE_READY) {
        leave_queue(w->owner, w);
    } else if (LG_UNLIKELY(g->is_dropped) && w->mode == MODE_READ) {
        lg_rwmutex_runlock(w->owner);
    } else if (LG_UNLIKELY(g->is_dropped)) {
        lg_rwmutex_unlock(w->owner);
    }
    return lg__wake_result(wake);
}

static bool take_locked(struct rwmutex *m, int mode) LG_REQUIRES(m->lock)
{
    if (mode == MODE_READ) {
        if (m->has_writer || !lg__list_is_empty(&m->writers)) {
            return false;
        }
        m->nreaders++;
        return true;
    }
    if (m->has_writer || m->nreaders > 0) {
        return false;
    }
    m->has_writer = true;
    return true;
}

static int lock_as(lg_rwmutex *mutex, int mode, int64_t deadline_ns)
{
    if (deadline_ns != 0 && lg__take_cancel()) {
        return LG_ECANCELED;
    }
    struct rwmutex *m = rwmutex_of(mutex);
    int rc = LG_OK;
    lg__lock(&m->lock, RANK_SYNC);
    if (!take_locked(m, mode)) {
        struct lg_g *g = deadline_ns == 0 ? NULL : lg__g_self();
        if (!g) {
            rc = LG_EAGAIN;
        } else if (!lg__wait_begin(g)) {
            rc = LG_ECANCELED;
        } else {
            bool is_reader = mode == MODE_READ;
            g->op.waiter.owner = m;
            g->op.waiter.which_case = 0;
            g->op.waiter.mode = (uint16_t)mode;
            lg__waitq_push(is_reader ? &m->readers : &m->writers, g, &g->op.waiter);
            lg__unlock(&m->lock, RANK_SYNC);
            const char *reason = is_reader ? "rwmutex rlock" : "rwmutex lock";
            return lg__wait_for(g, reason, deadline_ns, finish);
        }
    }
    lg__unlock(&m->lock, RANK_SYNC);
    return rc;
}

int lg_rwmutex_lock(lg_rwmutex *m, int64_t deadline_ns)
{
    return lock_as(m, MODE_WRITE, deadline_ns);
}

int lg_rwmutex_rlock(lg_rwmutex *m, int64_t deadline_ns)
{
    return lock_as(m, MODE_READ, deadline_ns);
}

int lg_rwmutex_unlock(lg_rwmutex *mutex)
{
    struct rwmutex *m = rwmutex_of(mutex);
    struct list woken = {0};
    lg__lock(&m->lock, RANK_SYNC);
    bool was_held = m->has_writer;
    if (was_held) {
        m->has_writer = false;
        admit_readers_locked(m, &woken);
        admit_writer_locked(m, &woken);
    }
    lg__unlock(&m->lock, RANK_SYNC);
    lg__waitq_fire_all(&woken);
    return was_held ? LG_OK : LG_EPERM;
}

int lg_rwmutex_runlock(lg_rwmutex *mutex)
{
    struct rwmutex *m = rwmutex_of(mutex);
    struct list woken = {0};
    lg__lock(&m->lock, RANK_SYNC);
    bool was_held = m->nreaders > 0;
    if (was_held) {
        m->nreaders--;
        admit_writer_locked(m, &woken);
        if (!m->has_writer && lg__list_is_empty(&m->writers)) {
            admit_readers_locked(m, &woken);
        }
    }
    lg__unlock(&m->lock, RANK_SYNC);
    lg__waitq_fire_all(&woken);
    return was_held ? LG_OK : LG_EPERM;
}
