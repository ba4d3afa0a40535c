// SPDX-License-Identifier: MIT
#include "sched/job.h"

#include "lagoon.h"
#include "sched/runtime.h"
#include "sched/sched.h"
#include "sched/tracepoint.h"

// How many places a P takes from the global queue at once; with twice as many at
// hand it gives as many back.
enum { PLACES = LG_SIZED(64, 2) };

_Static_assert(sizeof(struct runnable) <= sizeof((lg_job *)0)->opaque,
               "lagoon.h promises the size");
_Static_assert(offsetof(lg_job, opaque) == 0, "a queued job is found by its runnable");

static struct runnable *runnable_of(lg_job *job)
{
    return (struct runnable *)(void *)job->opaque;
}

static int reserve(struct lg_runtime *rt, uint32_t places)
{
    lg__lock(&rt->lock, RANK_SCHED);
    int err = lg__globq_reserve(&rt->global, &rt->alloc, places);
    lg__unlock(&rt->lock, RANK_SCHED);
    return err;
}

// A place in the global queue, for one job.
static int take_place(struct lg_runtime *rt)
{
    struct m *m = lg__m();
    struct p *p = m && m->rt == rt ? m->p : NULL;
    if (!p) {
        return reserve(rt, 1);
    }
    if (p->njob_places == 0) {
        int err = reserve(rt, PLACES);
        if (err) {
            return err;
        }
        p->njob_places = PLACES;
    }
    p->njob_places--;
    return LG_OK;
}

static void keep_place(struct lg_runtime *rt, struct p *p)
{
    p->njob_places++;
    if (LG_UNLIKELY(p->njob_places > 2 * PLACES)) {
        p->njob_places -= PLACES;
        lg__lock(&rt->lock, RANK_SCHED);
        lg__globq_unreserve(&rt->global, PLACES);
        lg__unlock(&rt->lock, RANK_SCHED);
    }
}

void lg_job_set_outside(lg_runtime *rt, lg_job *job)
{
    runnable_of(job)->is_beside = rt->options.deterministic;
}

int lg_job_start(lg_runtime *rt, lg_job *job)
{
    struct runnable *r = runnable_of(job);
    LG_MISUSE_OF_IF(rt, r->kind == RUNNABLE_JOB,
                    "lg_job_start() of a job that is queued");
    int err = take_place(rt);
    if (!err) {
        r->kind = RUNNABLE_JOB;
        r->pins = 0;
        if (lg__trace_is_whole(rt) &&
            !r->is_beside) { // what is beside an order is not in it
            lg__trace_emit(rt, LG_TRACE_JOB, NULL, lg_self().id, NULL);
        }
        lg__sched_push(rt, r);
    }
    return err;
}

void lg__job_run(struct m *m, struct runnable *r)
{
    LG_ASSERT(!m->g && !m->strand && !m->next);
    keep_place(m->rt, m->p);
    if (!r->is_beside) {
        lg__trace(m->rt, LG_TRACE_JOB_BEGIN, NULL, 0, NULL);
    }
    lg_job *job = LG_CONTAINER_OF(r, lg_job, opaque);
    r->kind = RUNNABLE_NONE;
    m->is_placing = true;
    job->fn(job); // which may be gone from here on
    m->is_placing = false;
}
