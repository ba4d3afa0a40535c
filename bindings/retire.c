// SPDX-License-Identifier: MIT
#include "retire.h"

#include <stdatomic.h>

#include "collect.h"
#include "state.h"
#include "wait.h"
#include "worker.h"

static const int64_t COLLECT_AFTER_NS = 500000000;
static const int64_t CLOSE_AFTER_NS = 10 * (int64_t)1000000000;

// Closing runs finalisers, which are Lua code: as much stack as that may want.
enum { CLOSING_STACK_BYTES = 1024 * 1024 };

enum { COLLECT_AT_ONCE = 16 }; // states

// -- collecting in other states --

// A worker is asked, and whoever waits for the answer.
struct request {
    lg_post post;
    struct worker *worker;
    lg_waitgroup *answered; // NULL: nobody waits
};

// Who waits has the request on his stack; one that nobody waits for is a block.
static void on_request(lg_post *post)
{
    struct request *request = (struct request *)post;
    struct worker *worker = request->worker;
    lg_runtime *rt = worker->hub->rt;
    lg_waitgroup *answered = request->answered;
    lagoon__collect_scarce(worker->script);
    lagoon__worker_unpin(worker);
    if (answered != NULL) {
        lg_waitgroup_add(answered, -1);
    } else {
        lg_free(rt, request);
    }
}

static void ask(struct worker *worker, struct request *request, lg_waitgroup *answered)
{
    *request = (struct request){
        .post = {.fn = on_request}, .worker = worker, .answered = answered};
    lg_strand_post(worker->strand, &request->post);
}

// Whether a worker would answer soon. One that is free may have a strand that is never idle:
// of ticks; one of which nothing is left is about to be free.
static bool is_at_rest_locked(const struct worker *worker)
{
    bool has_call = worker->is_aside && !worker->is_alone;
    if (worker->is_outside || has_call) {
        return false;
    }
    // relaxed: it may come to an end, or begin something, at any time
    return worker->is_free || lg_strand_is_idle(worker->strand) ||
           atomic_load_explicit(&worker->script->nbusy, memory_order_relaxed) == 0;
}

// Pins a worker at rest that nobody has asked since the mark; NULL: there is none. One
// that is pinned is not closed, and gets no blocking call that the answer would wait for.
static struct worker *pin_resting(struct hub *hub, const struct worker *self,
                                  uint64_t mark)
{
    struct worker *found = NULL;
    pthread_mutex_lock(&hub->lock);
    for (struct worker *worker = hub->workers; worker; worker = worker->next) {
        if (worker != self && worker->mark < mark && is_at_rest_locked(worker)) {
            worker->mark = mark;
            worker->npins++;
            found = worker;
            break;
        }
    }
    pthread_mutex_unlock(&hub->lock);
    return found;
}

static uint64_t new_mark(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    uint64_t mark = ++hub->last_mark;
    pthread_mutex_unlock(&hub->lock);
    return mark;
}

// Waits on the caller's stack, which others have to do with: to the end, though he is
// canceled meanwhile. Returns whether he was.
static bool wait_to_the_end(lg_waitgroup *wg)
{
    bool is_canceled = false;
    for (int rc; (rc = lg_waitgroup_wait(wg, LG_NEVER)) != LG_OK;) {
        rc = rc == LG_WAIT ? lg_wait() : rc;
        if (rc == LG_OK) {
            break;
        }
        is_canceled |= rc == LG_ECANCELED;
    }
    return is_canceled;
}

// Asks some of those at rest, without memory, which may be what is missing, and waits for
// their answers. False: there was none.
static bool collect_some(struct hub *hub, const struct worker *self, uint64_t mark,
                         bool *out_canceled)
{
    struct request requests[COLLECT_AT_ONCE];
    lg_waitgroup answered = {0};
    int n = 0;
    struct worker *worker;
    while (n < COLLECT_AT_ONCE && (worker = pin_resting(hub, self, mark)) != NULL) {
        lg_waitgroup_add(&answered, 1);
        ask(worker, &requests[n++], &answered);
    }
    *out_canceled |= wait_to_the_end(&answered);
    return n > 0;
}

void lagoon__retire_collect(lua_State *L, struct script *s)
{
    struct hub *hub = s->hub;
    struct script_g *sg = hub ? lagoon__donor(L, s) : NULL;
    if (sg == NULL) {
        return;
    }
    bool is_canceled = wait_to_the_end(&hub->closings);
    uint64_t mark = new_mark(hub);
    while (collect_some(hub, s->worker, mark, &is_canceled)) {
    }
    // A cancellation is for the next wait.
    lagoon__donated(sg);
    if (is_canceled) {
        lg_cancel(lg_self());
    }
}

// -- closing --

struct closing {
    struct worker *worker;
    struct hub *hub;
};

static bool may_close_locked(const struct worker *worker)
{
    return worker->waiting.first == NULL && lagoon__worker_is_empty(worker);
}

// Takes a worker that has been free since a moment out of the hub; NULL: there is none.
// It does not count any more: a task that waits for a worker relies on those that count
// to look for it.
static struct worker *take_old(struct hub *hub, int64_t since_ns)
{
    struct worker *taken = NULL;
    pthread_mutex_lock(&hub->lock);
    for (struct worker **at = &hub->workers; *at != NULL; at = &(*at)->next) {
        if ((*at)->free_since_ns <= since_ns && may_close_locked(*at)) {
            taken = *at;
            *at = taken->next;
            break;
        }
    }
    for (struct worker **at = &hub->free; taken && *at != NULL; at = &(*at)->next_free) {
        if (*at == taken) {
            *at = taken->next_free;
            break;
        }
    }
    hub->nworkers -= taken != NULL;
    hub->nmade -= taken != NULL;
    pthread_mutex_unlock(&hub->lock);
    return taken;
}

static void close_one(void *arg)
{
    struct worker *worker = arg;
    struct hub *hub = worker->hub;
    lg_strand_close(worker->strand);
    lagoon__worker_close(worker);
    pthread_mutex_lock(&hub->lock);
    hub->nstates_closed++;
    pthread_mutex_unlock(&hub->lock);
    lg_waitgroup_add(&hub->closings, -1);
}

static void close_old(struct hub *hub, int64_t since_ns)
{
    lg_go_options options = {.name = "state closer",
                             .stack_size_bytes = CLOSING_STACK_BYTES};
    struct worker *worker;
    while ((worker = take_old(hub, since_ns)) != NULL) {
        lg_waitgroup_add(&hub->closings, 1);
        if (lg_go(hub->rt, close_one, worker, &options, NULL) != LG_OK) {
            close_one(worker);
        }
    }
}

void lagoon__retire_all(struct hub *hub)
{
    if (hub != NULL) {
        close_old(hub, LG_NEVER);
    }
}

// -- now and then --

// Pins a worker that has been free for a while and not been collected since.
static struct worker *pin_uncollected(struct hub *hub, int64_t since_ns)
{
    struct worker *found = NULL;
    pthread_mutex_lock(&hub->lock);
    for (struct worker *worker = hub->free; worker; worker = worker->next_free) {
        if (worker->free_since_ns <= since_ns &&
            worker->collected_ns != worker->free_since_ns &&
            lg_strand_is_idle(worker->strand)) {
            worker->collected_ns = worker->free_since_ns;
            worker->npins++;
            found = worker;
            break;
        }
    }
    pthread_mutex_unlock(&hub->lock);
    return found;
}

bool lagoon__retire_tidy(void *ud)
{
    struct hub *hub = ud;
    int64_t now_ns = lg_now(hub->rt);
    struct worker *worker;
    while ((worker = pin_uncollected(hub, now_ns - COLLECT_AFTER_NS)) != NULL) {
        struct request *request = lg_malloc(hub->rt, sizeof *request);
        if (request != NULL) {
            ask(worker, request, NULL);
        } else {
            lagoon__worker_unpin(worker);
        }
    }
    close_old(hub, now_ns - CLOSE_AFTER_NS);
    pthread_mutex_lock(&hub->lock);
    bool has_more = hub->free != NULL;
    pthread_mutex_unlock(&hub->lock);
    return has_more;
}
