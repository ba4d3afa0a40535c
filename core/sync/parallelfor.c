// SPDX-License-Identifier: MIT
//
// Parallel loops. The goroutine that calls lg_parallel_for() works through the range chunk
// by chunk. Before each chunk it looks whether a P has nothing to do, and if so calls a
// helper: a goroutine that takes half of what is left, works in the same way, and then
// takes from whoever has something. So a loop on a busy machine costs hardly more than
// itself, and one on an idle machine spreads as far as there is work: lazy scheduling
// (Tzannes, Caragea, Barua, Vishkin: Lazy Binary-Splitting, PPoPP 2010), with ranges in one
// word each (sync/ranges.h) instead of tasks in a deque.
//
// All that the helpers work on stands in the caller's frame (sync/join.h). One helper at
// most is called and has not begun: `is_calling`. Who sets that calls it, the helper takes
// it back. It stays set when there is to be no other.
#include "lagoon.h"
#include "os/clock.h"
#include "sched/host.h"
#include "sched/park.h"
#include "sched/sched.h"
#include "sched/wake.h"
#include "sync/join.h"
#include "sync/ranges.h"

enum {
    CHUNKS_PER_WORKER = 16,        // of a loop that does not say how large they are
    FEW_WORKERS = LG_SIZED(16, 2), // whose ranges stand in the frame
    // To wake a sleeping P costs its waker about so much, to hand something to one that looks
    // for it, and to wait for it at the end, so much. For that long a loop whose chunks are of
    // unknown weight goes on alone.
    WAKE_NS = 5000,
    HAND_NS = 1000,
};

// So many chunks fit in a range, with room to halve.
#define CHUNKS_MAX ((size_t)1 << 31)

typedef void body(void *arg, size_t begin, size_t end);

struct loop {
    // -- fixed --
    body *fn;
    void *arg;
    size_t begin;
    size_t end;
    size_t grain;
    struct lg_g *canceled; // whose cancellation ends it
    uint64_t canceled_id;
    struct range *ranges; // one for each worker; the first is the caller's
    uint32_t nranges;
    bool is_light; // chunks may weigh nothing
    // -- the caller, while it is alone --
    int64_t begun_ns;
    // -- any worker --
    struct join join;
    _Atomic uint32_t nworkers;
    _Atomic bool is_calling;
};

static bool is_canceled(struct loop *loop)
{
    // relaxed: a chunk later does as well
    return atomic_load_explicit(&loop->canceled->wait.cancel, memory_order_relaxed) ==
           loop->canceled_id;
}

// ---------------------------------------------------------------------------
// Calling helpers
// ---------------------------------------------------------------------------

static void help(void *arg);

static void start_helper(struct loop *loop)
{
    struct m *m = lg__m();
    struct lg_g *g;
    lg_go_options opts = {.name = "parallel for"};
    if (lg__go_new(m->rt, help, loop, &opts, &g)) {
        return;
    }
    // Now: later it might wait for one, and the caller for it.
    if (!lg__sched_take_stack(m, g)) {
        lg__g_end(g);
        return;
    }
    lg__join_enter(&loop->join);
    lg__sched_push_behind(m->rt, &g->run);
}

// Whether the loop may be over before somebody who is called now has cost less than he
// does; after ndone chunks. The clock costs more than a light chunk: it is asked after 1, 2,
// 4, 8, ...
static bool is_too_early(struct loop *loop, uint32_t ndone)
{
    // relaxed: where others work, one has written more than 1 before it began
    bool is_alone = atomic_load_explicit(&loop->nworkers, memory_order_relaxed) == 1;
    if (!loop->is_light || !is_alone) {
        return false;
    }
    if (ndone & (ndone - 1)) {
        return true;
    }
    int64_t now_ns = lg__clock_now();
    loop->begun_ns = loop->begun_ns == 0 ? now_ns : loop->begun_ns;
    return now_ns - loop->begun_ns < (lg__has_spinning(lg__m()->rt) ? HAND_NS : WAKE_NS);
}

static LG_NOINLINE void call_helper(struct loop *loop, uint32_t ndone)
{
    // acquire: pairs with the release in help(); its number is counted
    if (is_too_early(loop, ndone) ||
        atomic_exchange_explicit(&loop->is_calling, true, memory_order_acquire)) {
        return;
    }
    // relaxed: changed by who was called only
    if (atomic_load_explicit(&loop->nworkers, memory_order_relaxed) < loop->nranges) {
        start_helper(loop);
    }
}

LG_INLINE void call_helper_if_idle(struct loop *loop, uint32_t ndone)
{
    // relaxed: a guess; the exchange tells
    if (!atomic_load_explicit(&loop->is_calling, memory_order_relaxed) &&
        lg__has_idle(lg__m()->rt)) {
        call_helper(loop, ndone);
    }
}

// ---------------------------------------------------------------------------
// Working
// ---------------------------------------------------------------------------

// Takes half of what another one has left.
static bool steal(struct loop *loop, uint32_t mine)
{
    // relaxed: a new one has little to be taken yet
    uint32_t nworkers = atomic_load_explicit(&loop->nworkers, memory_order_relaxed);
    for (uint32_t i = 1; i < nworkers; i++) {
        struct chunks chunks;
        if (lg__range_steal(&loop->ranges[(mine + i) % nworkers], &chunks)) {
            lg__range_fill(&loop->ranges[mine], chunks);
            return true;
        }
    }
    return false;
}

static void run_chunk(struct loop *loop, uint32_t chunk)
{
    size_t begin = loop->begin + chunk * loop->grain;
    size_t rest = loop->end - begin;
    loop->fn(loop->arg, begin, begin + (rest < loop->grain ? rest : loop->grain));
}

static void work(struct loop *loop, uint32_t mine)
{
    uint32_t ndone = 0;
    while (!is_canceled(loop)) {
        uint32_t chunk;
        call_helper_if_idle(loop, ndone);
        if (lg__range_take(&loop->ranges[mine], &chunk)) {
            run_chunk(loop, chunk);
            lg_checkpoint();
            ndone++;
        } else if (!steal(loop, mine)) {
            return;
        }
    }
}

static void help(void *arg)
{
    struct loop *loop = arg;
    // relaxed: published below
    uint32_t mine = atomic_fetch_add_explicit(&loop->nworkers, 1, memory_order_relaxed);
    // release: pairs with the acquire in call_helper()
    atomic_store_explicit(&loop->is_calling, false, memory_order_release);
    if (steal(loop, mine)) {
        work(loop, mine);
    }
    lg__join_leave(&loop->join);
}

// Whether a chunk is left that nobody has begun. Nobody works any more.
static bool has_rest(struct loop *loop)
{
    for (uint32_t i = 0; i < loop->nranges; i++) {
        if (!lg__range_is_empty(&loop->ranges[i])) {
            return true;
        }
    }
    return false;
}

// On one P.
static bool run_alone(struct loop *loop, uint32_t nchunks)
{
    for (uint32_t chunk = 0; chunk < nchunks; chunk++) {
        if (is_canceled(loop)) {
            return false;
        }
        run_chunk(loop, chunk);
        lg_checkpoint();
    }
    return true;
}

// As many chunks as fit in a range. False: canceled before all were done.
static bool run_loop(struct lg_g *g, struct loop *loop)
{
    size_t n = loop->end - loop->begin;
    uint32_t nchunks = (uint32_t)((n - 1) / loop->grain + 1);
    if (loop->nranges > nchunks) {
        loop->nranges = nchunks;
    }
    if (loop->nranges == 1) {
        return run_alone(loop, nchunks);
    }
    for (uint32_t i = 0; i < loop->nranges; i++) {
        lg__range_fill(&loop->ranges[i],
                       (struct chunks){.begin = 0, .end = i == 0 ? nchunks : 0});
    }
    lg__join_init(&loop->join, g);
    // relaxed: helpers are told of them by a queue
    atomic_store_explicit(&loop->nworkers, 1, memory_order_relaxed);
    atomic_store_explicit(&loop->is_calling, false, memory_order_relaxed);
    work(loop, 0);
    lg__join_await(&loop->join, "parallel for");
    return !has_rest(loop);
}

// ---------------------------------------------------------------------------
// The call
// ---------------------------------------------------------------------------

struct call {
    lg_runtime *rt;
    size_t n;
    size_t grain;
    body *fn;
    void *arg;
};

static size_t usual_grain(size_t n, uint32_t nworkers)
{
    size_t grain = n / ((size_t)nworkers * CHUNKS_PER_WORKER);
    return grain > 0 ? grain : 1;
}

static bool run_segments(struct lg_g *g, const struct call *call, struct loop *loop)
{
    uint32_t nranges = loop->nranges;
    size_t most = call->n / CHUNKS_MAX < loop->grain ? call->n : CHUNKS_MAX * loop->grain;
    for (size_t begin = 0; begin < call->n; begin = loop->end) {
        size_t rest = call->n - begin;
        loop->begin = begin;
        loop->end = begin + (rest < most ? rest : most);
        loop->nranges = nranges;
        if (!run_loop(g, loop)) {
            return false;
        }
    }
    return true;
}

// By a native goroutine. False: the one that may be canceled was.
static bool run_call(const struct call *call, struct lg_g *canceled)
{
    struct range few[FEW_WORKERS];
    uint32_t nranges =
        (uint32_t)lg_procs(call->rt); // with the host's, who may be the caller
    struct range *many = NULL;
    if (nranges > FEW_WORKERS) {
        many = lg__alloc_new(&call->rt->alloc, nranges * sizeof *many);
        nranges = many ? nranges : FEW_WORKERS;
    }
    struct loop loop = {
        .fn = call->fn,
        .arg = call->arg,
        .grain = call->grain > 0 ? call->grain : usual_grain(call->n, nranges),
        .canceled = canceled,
        .canceled_id = lg__g_id(canceled),
        .ranges = many ? many : few,
        .nranges = nranges,
        .is_light = call->grain == 0,
    };
    bool is_done = run_segments(lg__g_self(), call, &loop);
    if (many) {
        lg__alloc_free(&call->rt->alloc, many, nranges * sizeof *many);
    }
    return is_done;
}

static int result_of(bool is_done, struct lg_g *g)
{
    if (is_done) {
        return LG_OK; // a cancellation that came too late is the next call's
    }
    lg__wait_take_cancel(&g->wait, lg__g_id(g));
    return LG_ECANCELED;
}

// For a scripted goroutine a native one does it: no interpreter is near the chunks, and
// they may block.
struct errand {
    const struct call *call;
    struct join join;
    bool is_done;
};

static void run_errand(void *arg)
{
    struct errand *errand = arg;
    errand->is_done = run_call(errand->call, errand->join.owner);
    lg__join_leave(&errand->join);
}

static int call_scripted(struct lg_g *g, const struct call *call)
{
    struct errand errand = {.call = call};
    lg__join_init(&errand.join, g);
    lg__join_enter(&errand.join);
    lg_go_options opts = {.name = "parallel for"};
    int err = lg_go(call->rt, run_errand, &errand, &opts, NULL);
    if (err) {
        return err;
    }
    lg__join_await(&errand.join, "parallel for");
    return result_of(errand.is_done, g);
}

// A host's thread that finds a deadlock goes away and leaves the loop behind: whoever
// comes second frees this.
struct visit {
    struct call call;
    _Atomic bool is_left;
    bool is_done;
};

static void leave_visit(struct visit *visit)
{
    // acq_rel: pairs with itself; the second is done with what the first wrote
    if (atomic_exchange_explicit(&visit->is_left, true, memory_order_acq_rel)) {
        lg__alloc_free(&visit->call.rt->alloc, visit, sizeof *visit);
    }
}

static void run_visit(void *arg)
{
    struct visit *visit = arg;
    visit->is_done = run_call(&visit->call, lg__g_self());
    leave_visit(visit);
}

static int call_from_host(const struct call *call)
{
    struct visit *visit = lg__alloc_new(&call->rt->alloc, sizeof *visit);
    if (!visit) {
        return LG_ENOMEM;
    }
    visit->call = *call;
    lg_ref ref;
    // Where the host's thread runs only what is pinned to it, it works on that.
    lg_go_options opts = {.name = "parallel for", .pinned = lg__host_is_on(call->rt)};
    int err = lg_go(call->rt, run_visit, visit, &opts, &ref);
    if (err) {
        lg__alloc_free(&call->rt->alloc, visit, sizeof *visit);
        return err;
    }
    err = lg_drive(call->rt, ref);
    if (!err && !visit->is_done) {
        err = LG_ECANCELED;
    }
    leave_visit(visit);
    return err;
}

int lg_parallel_for(lg_runtime *rt, size_t n, size_t grain,
                    void (*fn)(void *arg, size_t begin, size_t end), void *arg)
{
    if (n == 0) {
        return LG_OK;
    }
    struct call call = {.rt = rt, .n = n, .grain = grain, .fn = fn, .arg = arg};
    if (!lg__m()) {
        return call_from_host(&call);
    }
    struct lg_g *g = lg__g_self();
    LG_MISUSE_IF(g->rt != rt,
                 "lg_parallel_for() on another runtime than the goroutine's");
    if (lg__take_cancel()) {
        return LG_ECANCELED;
    }
    return g->strand ? call_scripted(g, &call) : result_of(run_call(&call, g), g);
}
