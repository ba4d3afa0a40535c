// SPDX-License-Identifier: MIT
#include "sched/strand.h"

#include "sched/host.h"
#include "sched/idle.h"
#include "sched/netpoll.h"
#include "sched/order.h"
#include "sched/park.h"
#include "sched/runtime.h"
#include "sched/scan.h"
#include "sched/sched.h"
#include "sched/tracepoint.h"
#include "sched/wire.h"
#include "sched/world.h"

// Steps before the M looks at its queue again: about 10 us of small steps.
enum { STEPS_PER_TURN = LG_SIZED(64, 3) };

void lg__strand_step_marker(lg_post *post)
{
    (void)post;
    lg__panic("a goroutine's step was called as a post");
}

int lg_strand_open(lg_runtime *rt, const lg_strand_ops *ops, void *ud, lg_strand **out)
{
    struct lg_strand *s = lg__alloc_new(&rt->alloc, sizeof *s);
    if (!s) {
        return LG_ENOMEM;
    }
    s->run.kind = RUNNABLE_STRAND;
    s->rt = rt;
    s->ops = ops;
    s->ud = ud;
    atomic_init(&s->inbox, STRAND_IDLE);
    lg__lock(&rt->lock, RANK_SCHED);
    int err = lg__globq_reserve(&rt->global, &rt->alloc, 1);
    if (!err) {
        lg__list_push_back(&rt->strands, &s->node);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    if (err) {
        lg__alloc_free(&rt->alloc, s, sizeof *s);
        return err;
    }
    *out = s;
    return LG_OK;
}

int lg_strand_pin(lg_strand *s)
{
    LG_MISUSE_OF_IF(s->rt, !lg_strand_is_idle(s), "lg_strand_pin() of a strand in use");
    int err = lg__host_open(s->rt);
    if (!err && !lg__order_is_kept(s->rt)) { // there one thread runs everything
        s->run.pins |= PIN_FIXED;
    }
    return err;
}

void *lg_strand_data(lg_strand *s)
{
    return s->ud;
}

bool lg_strand_is_idle(const lg_strand *s)
{
    // acquire: pairs with the release of the last M that left; who finds it idle, and
    // knows that nobody gives it work, finds what was done inside
    return atomic_load_explicit(&s->inbox, memory_order_acquire) == STRAND_IDLE;
}

lg_strand *lg_strand_self(void)
{
    struct m *m = lg__m();
    return m ? m->strand : NULL;
}

// is_queued is a plain bool in the public record, so that C++ can read it.
static bool is_queued(lg_post *post)
{
    // relaxed: asked inside the strand, where it is taken back
    return __atomic_load_n(&post->is_queued, __ATOMIC_RELAXED);
}

static void set_queued(lg_post *post, bool is_queued_now)
{
    // release: pairs with the exchange in lg_strand_post()
    __atomic_store_n(&post->is_queued, is_queued_now, __ATOMIC_RELEASE);
}

static void append_work(struct lg_strand *s, lg_post *post)
{
    post->next = NULL;
    if (s->work) {
        s->work_last->next = post;
    } else {
        s->work = post;
    }
    s->work_last = post;
    s->nwork++;
}

// Pushes onto the inbox. True: the strand was idle, the caller must queue it.
static bool push_inbox(struct lg_strand *s, lg_post *post)
{
    // relaxed: the CAS tells
    lg_post *head = atomic_load_explicit(&s->inbox, memory_order_relaxed);
    do {
        post->next = head == STRAND_IDLE ? NULL : head;
        // release: pairs with the acquire in lg__strand_turn_inbox_over(); publishes the
        // post. acquire: who turns IDLE queues the strand, after what the last
        // M inside did
    } while (!atomic_compare_exchange_weak_explicit(
        &s->inbox, &head, post, memory_order_acq_rel, memory_order_relaxed));
    return head == STRAND_IDLE;
}

void lg__strand_push(struct lg_strand *s, lg_post *post)
{
    if (lg__strand_is_inside(s)) {
        append_work(s, post);
    } else if (push_inbox(s, post)) {
        lg__sched_push(s->rt, &s->run);
    }
}

static lg_post *reversed(lg_post *post)
{
    lg_post *out = NULL;
    while (post) {
        lg_post *next = post->next;
        post->next = out;
        out = post;
        post = next;
    }
    return out;
}

void lg__strand_turn_inbox_over(struct lg_strand *s)
{
    // acquire: pairs with the release in lg__strand_push()
    lg_post *post = atomic_exchange_explicit(&s->inbox, NULL, memory_order_acquire);
    lg_post *oldest_first = post == STRAND_IDLE ? NULL : reversed(post);
    while (oldest_first) {
        lg_post *next = oldest_first->next;
        append_work(s, oldest_first);
        oldest_first = next;
    }
}

static void queue_locked(struct lg_runtime *rt, struct lg_strand *s) LG_REQUIRES(rt->lock)
{
    if (s->run.pins) {
        lg__host_push(rt, &s->run); // by the driver: it wakes nobody
    } else {
        lg__globq_push(&rt->global, &s->run);
    }
}

void lg__strands_nudge_locked(struct lg_runtime *rt)
{
    for (struct node *node = rt->strands.first; node; node = node->next) {
        struct lg_strand *s = LG_CONTAINER_OF(node, struct lg_strand, node);
        lg_post *post = reversed(s->held);
        s->held = NULL;
        while (post) {
            lg_post *next = post->next;
            if (push_inbox(s, post)) {
                queue_locked(rt, s);
            }
            post = next;
        }
    }
    // relaxed: a hint
    atomic_store_explicit(&rt->nheld, 0, memory_order_relaxed);
    lg__nglobal_publish_locked(rt);
}

static bool has_work(struct lg_strand *s)
{
    // relaxed: a peek; lg__strand_turn_inbox_over() acquires
    return s->work || atomic_load_explicit(&s->inbox, memory_order_relaxed);
}

static lg_post *next_work(struct lg_strand *s)
{
    // relaxed: a peek; lg__strand_turn_inbox_over() acquires
    if (atomic_load_explicit(&s->inbox, memory_order_relaxed)) {
        lg__strand_turn_inbox_over(s);
    }
    lg_post *post = s->work;
    if (post) {
        s->work = post->next;
        s->nwork--;
    }
    return post;
}

bool lg__strand_unpost(struct lg_strand *s, lg_post *post)
{
    LG_ASSERT(lg__strand_is_inside(s) || !lg__m());
    if (!is_queued(post)) {
        return false;
    }
    lg__strand_turn_inbox_over(s);
    lg_post *before = NULL;
    for (lg_post *at = s->work; at != post; at = at->next) {
        LG_ASSERT(at);
        before = at;
    }
    if (before) {
        before->next = post->next;
    } else {
        s->work = post->next;
    }
    if (s->work_last == post) {
        s->work_last = before;
    }
    s->nwork--;
    set_queued(post, false);
    return true;
}

void lg_strand_post(lg_strand *s, lg_post *post)
{
    // acq_rel: pairs with the release in rounds(): who queues it again comes
    // after its last call began
    if (!__atomic_exchange_n(&post->is_queued, true, __ATOMIC_ACQ_REL)) {
        lg__strand_push(s, post);
    }
}

bool lg__strand_post_idle(struct lg_strand *s, lg_post *post)
{
    LG_ASSERT(!lg__strand_is_inside(s));
    // acq_rel: as in lg_strand_post()
    return !__atomic_exchange_n(&post->is_queued, true, __ATOMIC_ACQ_REL) &&
           push_inbox(s, post);
}

int lg_strand_go(lg_strand *s, const char *name, lg_ref *out, void **extra)
{
    struct lg_g *g = lg__g_start(s->rt, name, s->run.is_beside);
    if (!g) {
        return LG_ENOMEM;
    }
    // relaxed: as in lg__g_new()
    __atomic_store_n(&g->strand, s, __ATOMIC_RELAXED);
    *out = (lg_ref){.g = g, .id = lg__g_id(g)};
    *extra = g->extra;
    lg__trace_start(g);
    __builtin_memset(g->extra, 0, sizeof g->extra);
    g->step.fn = lg__strand_step_marker;
    g->step.is_queued = false;
    if (lg__strand_is_inside(s)) {
        append_work(s, &g->step);
    } else {
        lg__lock(&s->rt->lock, RANK_SCHED);
        g->step.next = s->held;
        s->held = &g->step;
        // relaxed: a hint
        atomic_fetch_add_explicit(&s->rt->nheld, 1, memory_order_relaxed);
        lg__unlock(&s->rt->lock, RANK_SCHED);
        lg__host_tell(s->rt);
    }
    return LG_OK;
}

void *lg_extra_self(void)
{
    struct m *m = lg__m();
    return m && m->g && m->g->strand ? m->g->extra : NULL;
}

void lg_strand_abandon(lg_ref ref)
{
    LG_MISUSE_IF(!lg__strand_is_inside(ref.g->strand) && lg__m(),
                 "lg_strand_abandon() from outside of the strand");
    LG_MISUSE_IF(lg__g_id(ref.g) != ref.id, "lg_strand_abandon() of who has ended");
    ref.g->is_abandoned = true;
}

// Gives up the stack that a goroutine keeps. It goes on as if it had yielded.
static void drop_stack(struct lg_g *g)
{
    lg__ctx_free(&g->ctx);
    lg__stack_put(&g->rt->stacks, NULL, g->stack);
    g->stack = NULL;
}

// Runs one goroutine until it waits or ends.
static void step(struct lg_strand *s, struct lg_g *g)
{
    struct m *m = lg__m();
    lg__trace(s->rt, LG_TRACE_RUN, g, 0, NULL);
    lg__scan_before_run(s->rt, g);
    lg__g_set_status(g, LG_RUNNABLE, LG_RUNNING);
    lg__m_set_g(m, g);
    if (g->stack && LG_UNLIKELY(g->is_abandoned)) {
        drop_stack(g);
    }
    lg__update_begin_step(m, g);
    if (g->stack) {
        lg__park_return(g); // does not come back here
    }
    bool has_wait = g->has_wait;
    int rc = has_wait ? lg__wait_settle(g) : LG_OK;
    if (rc == LG_OK) {
        rc = s->ops->resume(s, g, g->extra, has_wait);
    }
    // The goroutine may have donated the stack and come back on another
    // thread: only s and g, which are its own, are still what they were.
    m = lg__m();
    lg__m_set_g(m, NULL);
    if (rc == LG_WAIT) {
        LG_MISUSE_IF(!g->has_wait,
                     "a strand's resume returned LG_WAIT, but no wait is armed");
        if (LG_UNLIKELY(lg__p_asks(m->p))) {
            // Who has slept long enough meanwhile comes before who has had its slice.
            lg__idle_run_timers(m);
        }
        lg__sched_commit(g);
    } else {
        lg__g_end(g);
    }
}

// Leaves the strand unless something has come in. True: left.
static bool try_leave(struct lg_strand *s)
{
    // release: pairs with lg_strand_close()
    atomic_store_explicit(&s->is_occupied, false, memory_order_release);
    lg__m()->strand = NULL;
    lg_post *empty = NULL;
    // release: pairs with the acquire in lg__strand_push(); who queues the
    // strand next sees all that was done inside
    if (atomic_compare_exchange_strong_explicit(
            &s->inbox, &empty, STRAND_IDLE, memory_order_acq_rel, memory_order_relaxed)) {
        return true;
    }
    atomic_store_explicit(&s->is_occupied, true, memory_order_relaxed);
    lg__m()->strand = s;
    return false;
}

// The turn is over, there is more to do: to the end of the queue.
static void yield_strand(struct lg_strand *s)
{
    atomic_store_explicit(&s->is_occupied, false, memory_order_relaxed);
    lg__m()->strand = NULL;
    lg__sched_requeue(&s->run);
}

bool lg__strand_try_enter(struct lg_strand *s)
{
    struct m *m = lg__m();
    if (m->strand || s->run.pins || lg__order_is_kept(s->rt) || !lg__strand_claim(s)) {
        return false;
    }
    atomic_store_explicit(&s->is_occupied, true, memory_order_relaxed);
    m->strand = s;
    return true;
}

void lg__strand_leave(struct lg_strand *s)
{
    bool is_idle = !s->work && (!s->polled.loop || lg__netpoll_is_settled(s));
    if (!is_idle || !try_leave(s)) {
        atomic_store_explicit(&s->is_occupied, false, memory_order_relaxed);
        lg__m()->strand = NULL;
        lg__sched_push(s->rt, &s->run);
    }
}

static void rounds(struct lg_strand *s)
{
    for (int left = STEPS_PER_TURN;; left--) {
        if (LG_UNLIKELY(lg__strand_is_closing(s))) {
            do {
                lg__strand_turn_inbox_over(s);
            } while (!try_leave(s));
            return;
        }
        if (left <= 0 || (lg__interrupts(s->rt) & INTERRUPTS_TO_HEED) ||
            lg__p_asks(lg__m()->p) || (lg__update_is_over(lg__m()) && has_work(s))) {
            yield_strand(s);
            return;
        }
        if (s->polled.loop) {
            lg__netpoll_glance(s);
        }
        lg_post *post = next_work(s);
        if (!post) {
            if (s->polled.loop && lg__netpoll_settle(s)) {
                continue;
            }
            if (try_leave(s)) {
                return;
            }
        } else if (post->fn == lg__strand_step_marker) {
            step(s, LG_CONTAINER_OF(post, struct lg_g, step));
        } else {
            set_queued(post, false);
            lg__update_begin_step(lg__m(), NULL);
            post->fn(post);
        }
    }
}

void lg__strand_run(struct lg_strand *s)
{
    // relaxed: an assertion
    bool was_occupied =
        atomic_exchange_explicit(&s->is_occupied, true, memory_order_relaxed);
    LG_ASSERT(!was_occupied);
    (void)was_occupied;
    lg__m()->strand = s;
    rounds(s);
}

void lg__strand_resume(struct lg_strand *s)
{
    rounds(s);
}

uint64_t lg__strand_count_ready(struct lg_strand *s)
{
    lg__strand_turn_inbox_over(s);
    return s->nwork > 0 ? s->nwork : 1;
}

struct lg_g *lg__strand_first_ready(struct lg_strand *s)
{
    lg__strand_turn_inbox_over(s);
    bool has_step = s->work && s->work->fn == lg__strand_step_marker;
    return has_step ? LG_CONTAINER_OF(s->work, struct lg_g, step) : NULL;
}
