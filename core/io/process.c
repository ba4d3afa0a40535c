// SPDX-License-Identifier: MIT
//
// Child processes. The loop watches a descriptor of each (os/child.h) from when somebody first
// waits for it on; whoever learns of the end first notes it, gives the descriptor back, and
// tells the others who wait.
//
// Who frees a process that goes on leaves the record to the loop, which notes its end: or it
// would be a zombie for as long as the host runs.
#include <errno.h>

#include "io/call.h"
#include "io/conn.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "io/watch.h"
#include "os/child.h"
#include "os/pipe.h"
#include "os/socket.h"
#include "sched/park.h"
#include "sched/runtime.h"

enum { NSTREAMS = 3 };

struct lg_process {
    struct io_watch watch;
    struct lg_runtime *rt;
    struct lg_strand *strand; // NULL: closed
    pid_t pid;
    // -- inside the strand --
    struct list queue; // waiters
    lg_exit end;
    int rc;         // how the question for it went
    bool has_ended; // and end and rc are set
    bool is_told;   // and whoever was waiting has heard of it
    bool is_freed;  // nobody but the loop has it
};

static lg_process *process_of(struct io_watch *watch)
{
    return LG_CONTAINER_OF(watch, lg_process, watch);
}

// ---------------------------------------------------------------------------
// Waiting
// ---------------------------------------------------------------------------

static bool reap(lg_process *p)
{
    struct child_end end = {0};
    if (p->has_ended) {
        return true;
    }
    int rc = lg__child_reap(p->watch.fd, &end);
    if (rc != -EAGAIN) {
        p->has_ended = true;
        p->rc = lg__ioerr_of(rc);
        p->end = (lg_exit){.code = end.code, .signal = end.signal};
        lg__watch_close(&p->watch);
    }
    return p->has_ended;
}

static int hook(struct waiter *w)
{
    lg_process *p = w->owner;
    lg__list_push_back(&p->queue, &w->node);
    w->queue = &p->queue;
    return LG_OK;
}

static void leave(struct waiter *w)
{
    if (w->queue) {
        lg__list_remove(w->queue, &w->node);
        w->queue = NULL;
    }
}

// It has ended, and the loop will not say so to those who wait: the descriptor is gone.
static void tell_others(lg_process *p, const struct waiter *w)
{
    if (p->is_told) {
        return;
    }
    p->is_told = true;
    struct node *next;
    for (struct node *node = p->queue.first; node; node = next) {
        next = node->next;
        struct waiter *other = LG_CONTAINER_OF(node, struct waiter, node);
        if (other != w) {
            lg__call_look(other);
        }
    }
}

static bool has_ended(struct waiter *w)
{
    lg_process *p = w->owner;
    bool has_ended = reap(p);
    if (has_ended) {
        tell_others(p, w);
    }
    return has_ended;
}

static void take(struct waiter *w)
{
    lg_process *p = w->owner;
    struct call_op *call = lg__call_op(w);
    call->rc = p->rc;
    *(lg_exit *)call->out = p->end;
}

static int await(struct waiter *w)
{
    lg_process *p = w->owner;
    return lg__watch_for(&p->watch, p->strand, UV_READABLE);
}

static int cut(struct waiter *w, int rc)
{
    (void)w;
    return rc;
}

static const struct call_kind waiting = {
    .reason = "process wait",
    .hook = hook,
    .unhook = leave,
    .is_ready = has_ended,
    .take = take,
    .await = await,
    .cut = cut,
};

static void on_ready(struct io_watch *watch, int events)
{
    (void)events;
    lg_process *p = process_of(watch);
    if (!reap(p)) {
        return;
    }
    tell_others(p, NULL);
    if (p->is_freed) {
        lg__watch_free(watch);
    }
}

// ---------------------------------------------------------------------------
// Life
// ---------------------------------------------------------------------------

static void on_orphan(struct io_watch *watch)
{
    lg_process *p = process_of(watch);
    p->strand = NULL;
    p->queue = (struct list){0}; // their goroutines are dropped
    if (!p->has_ended) {
        p->has_ended = true; // for us
        p->rc = LG_ECLOSED;
    }
    if (p->is_freed) {
        lg__watch_free(watch);
    }
}

static void on_free(struct io_watch *watch)
{
    lg_process *p = process_of(watch);
    lg__alloc_free_for(&p->rt->alloc, LG_USE_BUFFERS, p, sizeof *p);
}

static int free_at_once(void *owner, int64_t amount)
{
    lg_process *p = owner;
    (void)amount;
    p->is_freed = true;
    if (reap(p) || lg__watch_for(&p->watch, p->strand, UV_READABLE) != LG_OK) {
        lg__watch_free(&p->watch);
    }
    return LG_OK;
}

static lg_process *process_new(struct lg_runtime *rt, struct lg_strand *s)
{
    lg_process *p = lg__alloc_new_for(&rt->alloc, LG_USE_BUFFERS, sizeof *p);
    if (p) {
        p->rt = rt;
        p->strand = s;
        p->watch.fd = -1;
        p->watch.on_ready = on_ready;
        p->watch.on_orphan = on_orphan;
        p->watch.on_free = on_free;
    }
    if (p && lg__watch_enlist(&p->watch, s) != LG_OK) {
        on_free(&p->watch);
        p = NULL;
    }
    return p;
}

// ---------------------------------------------------------------------------
// Starting
// ---------------------------------------------------------------------------

// What lg_spawn() was given, for the strand.
struct spawn {
    struct child_plan plan;
    struct lg_runtime *rt;
    struct lg_strand *strand;
    const lg_spawn_options *opts;
    lg_conn *streams[NSTREAMS];
    lg_process *process;
};

static int open_pipe(struct spawn *spawn, int i)
{
    struct pipe_ends ends;
    int rc = i == 0 ? lg__pipe_open_out(&ends) : lg__pipe_open_in(&ends);
    if (rc < 0) {
        return lg__ioerr_of(rc);
    }
    spawn->plan.fds[i] = ends.theirs;
    spawn->streams[i] = lg__conn_new(spawn->rt, spawn->strand);
    if (!spawn->streams[i]) {
        lg__socket_close(ends.ours);
        return LG_ENOMEM;
    }
    lg__conn_adopt(spawn->streams[i], ends.ours);
    return LG_OK;
}

static int open_stream(struct spawn *spawn, int i)
{
    switch (spawn->opts->streams[i]) {
    case LG_STREAM_PIPE: return open_pipe(spawn, i);
    case LG_STREAM_INHERIT: return LG_OK;
    case LG_STREAM_NULL: break;
    }
    spawn->plan.fds[i] = lg__pipe_open_null();
    return lg__ioerr_of(spawn->plan.fds[i]);
}

static int start(struct spawn *spawn)
{
    int rc = LG_OK;
    for (int i = 0; i < NSTREAMS && rc == LG_OK; i++) {
        rc = open_stream(spawn, i);
    }
    if (rc == LG_OK) {
        lg_process *p = spawn->process;
        rc = lg__ioerr_of(lg__child_start(&spawn->plan, &p->pid, &p->watch.fd));
    }
    for (int i = 0; i < NSTREAMS; i++) { // the child has its own
        if (spawn->plan.fds[i] >= 0) {
            lg__socket_close(spawn->plan.fds[i]);
        }
    }
    return rc;
}

static int spawn_at_once(void *owner, int64_t amount)
{
    struct spawn *spawn = owner;
    (void)amount;
    spawn->process = process_new(spawn->rt, spawn->strand);
    if (!spawn->process) {
        return LG_ENOMEM;
    }
    int rc = start(spawn);
    if (rc != LG_OK) {
        lg__watch_free(&spawn->process->watch);
        for (int i = 0; i < NSTREAMS; i++) {
            lg_conn_free(spawn->streams[i]);
        }
    }
    return rc;
}

// ---------------------------------------------------------------------------
// Public
// ---------------------------------------------------------------------------

int lg_spawn(const char *file, const char *const *argv, const lg_spawn_options *opts,
             lg_conn *streams[NSTREAMS], lg_process **out)
{
    static const lg_spawn_options defaults;
    struct lg_g *g = lg__g_self();
    struct spawn spawn = {.plan = {.file = file, .argv = argv, .fds = {-1, -1, -1}}};
    if (!g) {
        return LG_EAGAIN;
    }
    spawn.rt = g->rt;
    spawn.opts = opts ? opts : &defaults;
    spawn.plan.env = spawn.opts->env;
    spawn.plan.cwd = spawn.opts->cwd;
    int rc = lg__io_strand(g, &spawn.strand);
    rc = rc ? rc : lg__call_at_once(spawn.strand, spawn_at_once, &spawn, 0);
    if (rc != LG_OK) {
        return rc;
    }
    for (int i = 0; i < NSTREAMS; i++) {
        streams[i] = spawn.streams[i];
    }
    *out = spawn.process;
    return LG_OK;
}

int lg_process_wait(lg_process *p, lg_exit *out, int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&waiting, p);
    if (!w) {
        return LG_EAGAIN;
    }
    lg__call_op(w)->out = out;
    if (!p->strand) {
        return LG_ECLOSED;
    }
    return lg__call(w, p->strand, deadline_ns);
}

static int kill_at_once(void *owner, int64_t signo)
{
    lg_process *p = owner;
    int rc = p->watch.fd < 0 ? -ESRCH : lg__child_signal(p->watch.fd, (int)signo);
    return lg__ioerr_of(rc);
}

int lg_process_kill(lg_process *p, int signo)
{
    return lg__call_at_once(p->strand, kill_at_once, p, signo);
}

int lg_process_pid(const lg_process *p)
{
    return (int)p->pid;
}

void lg_process_free(lg_process *p)
{
    if (p) {
        lg__call_at_once(p->strand, free_at_once, p, 0);
    }
}
