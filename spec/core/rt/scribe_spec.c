// SPDX-License-Identifier: MIT
//
// Timelines of native goroutines. What a file has to be is spec/timelines.lua's business; here
// it is looked into for what must be there, and everything happens at once.
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "rt/jsonpages.h"
#include "rt/scribe.h"
#include "sched/runtime.h"
#include "spec.h"

static char path[64];

static void make_path(void)
{
    snprintf(path, sizeof path, "/tmp/lagoon-timeline.XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
}

static char *read_it(void)
{
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *text = calloc(1, size + 1);
    CHECK(text && fread(text, 1, size, file) == size);
    fclose(file);
    CHECK(size > 2 && strcmp(text + size - 2, "]}") == 0);
    CHECK_INT(strlen(text), size);
    return text;
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
        n++;
    }
    return n;
}

// ---------------------------------------------------------------------------

static void echo(void *arg)
{
    lg_chan *ch = arg;
    int v;
    while (lg_chan_recv(ch, &v, LG_NEVER) == LG_OK) {
    }
}

it("rt.timeline", "shows native goroutines, by name, and their hand-overs", .procs = 2)
{
    enum { SENT = 20 };
    lg_chan *ch = spec_chan(rt, sizeof(int), 0);
    lg_go_options opts = {.name = "echo \"quoted\""};
    make_path();
    CHECK_OK(lg_timeline_start(rt, path));
    CHECK_OK(lg_go(rt, echo, ch, &opts, NULL));
    for (int i = 0; i < SENT; i++) {
        CHECK_OK(lg_chan_send(ch, &i, LG_NEVER));
    }
    lg_chan_close(ch);
    SETTLE(lg_num_goroutine(rt) == 1);
    CHECK_OK(lg_timeline_stop(rt));
    char *text = read_it();
    CHECK_HAS(text, "echo \\\"quoted\\\"");
    CHECK_INT(count(text, "\"ph\":\"s\""), SENT);
    CHECK_INT(count(text, "\"ph\":\"f\""), SENT);
    CHECK(count(text, "\"cat\":\"run\"") >= 2);
    free(text);
    unlink(path);
    lg_chan_free(ch);
}

it("rt.timeline", "shows what one hands over that has run since before it", .procs = 1)
{
    lg_chan *ch = spec_chan(rt, sizeof(int), 0);
    spec_go(rt, echo, ch);
    lg_yield(); // it waits
    make_path();
    CHECK_OK(lg_timeline_start(rt, path));
    CHECK_OK(lg_chan_send(ch, &(int){1}, LG_NEVER));
    lg_yield();
    CHECK_OK(lg_timeline_stop(rt));
    char *text = read_it();
    CHECK_INT(count(text, "\"ph\":\"s\""), 1);
    CHECK_INT(count(text, "\"ph\":\"f\""), 1);
    free(text);
    unlink(path);
    lg_chan_close(ch);
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(ch);
}

static void write_nothing(void *ud, const lg_trace_event *events, size_t nevents)
{
    (void)ud;
    (void)events;
    (void)nevents;
}

it("rt.timeline", "is one at a time, and not beside who is told of events", .procs = 1)
{
    make_path();
    CHECK_OK(lg_timeline_start(rt, path));
    CHECK_CODE(lg_timeline_start(rt, path), LG_EBUSY);
    CHECK_CODE(lg_trace_start(rt, write_nothing, NULL), LG_EBUSY);
    CHECK_OK(lg_timeline_stop(rt));
    CHECK_OK(lg_timeline_stop(rt));
    CHECK_OK(lg_trace_start(rt, write_nothing, NULL));
    CHECK_CODE(lg_timeline_start(rt, path), LG_EBUSY);
    lg_trace_stop(rt);
    CHECK(lg_timeline_start(rt, "/nonexistent/file") < LG_ESYSTEM);
    CHECK_OK(lg_timeline_start(rt, path)); // and lg_close() ends it
    unlink(path);
}

it("rt.timeline", "goes on when a trace is stopped that there is not", .procs = 1)
{
    enum { SENT = 5 };
    lg_chan *ch = spec_chan(rt, sizeof(int), SENT);
    make_path();
    CHECK_OK(lg_timeline_start(rt, path));
    lg_trace_stop(rt);
    for (int i = 0; i < SENT; i++) {
        CHECK_OK(lg_chan_send(ch, &i, LG_NEVER));
    }
    CHECK_OK(lg_timeline_stop(rt));
    char *text = read_it();
    CHECK_INT(count(text, "\"name\":\"send\""), SENT);
    free(text);
    unlink(path);
    lg_chan_free(ch);
}

// ---------------------------------------------------------------------------
// Names in windows that close
// ---------------------------------------------------------------------------

static uint32_t window_of(lg_runtime *rt)
{
    return atomic_load(&rt->timeline.window);
}

static bool has_open_window(lg_runtime *rt)
{
    return (window_of(rt) & WINDOW_STATE) == WINDOW_OPEN;
}

// What the calling goroutine's P has room for.
static uint64_t room(void)
{
    struct timeline_ring *ring = atomic_load(&lg__m()->p->timeline);
    return TIMELINE_RING_CAP - (atomic_load(&ring->head) - atomic_load(&ring->tail));
}

// Until a window was open that was not yet, and some have run in it.
static void run_through_window(lg_runtime *rt)
{
    uint32_t before = window_of(rt) / WINDOW_NEXT;
    SETTLE(window_of(rt) / WINDOW_NEXT >= before + 2);
}

static void yield_on(void *arg)
{
    while (!atomic_load((_Atomic bool *)arg)) {
        lg_yield();
    }
}

it("rt.timeline", "tells a name again that there was no room for", .procs = 1)
{
    enum { START_AND_YIELD = 2 };
    _Atomic bool is_enough = false;
    lg_go_options opts = {.name = "latecomer"};
    lg_chan *ch = spec_chan(rt, sizeof(int), 1);
    int v = 0;
    make_path();
    CHECK_OK(lg_timeline_start(rt, path));
    lg_yield();
    for (int i = 0; room() != START_AND_YIELD + 1; i++) { // and no label's
        CHECK_OK(i % 2 ? lg_chan_recv(ch, &v, LG_NEVER) : lg_chan_send(ch, &v, LG_NEVER));
    }
    CHECK_OK(lg_go(rt, yield_on, &is_enough, &opts, NULL));
    lg_yield();
    run_through_window(rt);
    atomic_store(&is_enough, true);
    SETTLE(lg_num_goroutine(rt) == 1);
    CHECK_OK(lg_timeline_stop(rt));
    char *text = read_it();
    CHECK(count(text, "latecomer") > 0);
    free(text);
    unlink(path);
    lg_chan_free(ch);
}

it("rt.timeline", "tells a name again that was given between two windows", .procs = 1)
{
    _Atomic bool is_enough = false;
    make_path();
    CHECK_OK(lg_timeline_start(rt, path));
    CHECK_OK(lg_go(rt, yield_on, &is_enough, NULL, NULL));
    while (has_open_window(rt)) {
        lg_yield();
    }
    lg_set_name("renamed");
    run_through_window(rt);
    atomic_store(&is_enough, true);
    SETTLE(lg_num_goroutine(rt) == 1);
    CHECK_OK(lg_timeline_stop(rt));
    char *text = read_it();
    CHECK(count(text, "renamed") > 0);
    free(text);
    unlink(path);
}

static _Atomic int nthere;
static _Atomic int ntracing;

static void come_and_go(lg_runtime *rt, int err, int (*stop)(lg_runtime *rt))
{
    if (err == LG_OK) {
        CHECK_INT(atomic_fetch_add(&nthere, 1), 0);
        lg_num_goroutine(rt);
        atomic_fetch_sub(&nthere, 1);
        CHECK_OK(stop(rt));
    } else {
        CHECK_CODE(err, LG_EBUSY);
    }
}

static int stop_trace(lg_runtime *rt)
{
    lg_trace_stop(rt);
    return LG_OK;
}

static void *trace_often(void *arg)
{
    for (int i = 0; i < spec_rounds(20000); i++) {
        come_and_go(arg, lg_trace_start(arg, write_nothing, NULL), stop_trace);
    }
    atomic_fetch_sub(&ntracing, 1);
    return NULL;
}

// ---------------------------------------------------------------------------
// Who is late
// ---------------------------------------------------------------------------

// A thread without a P that has no processor between its look at the window and its event.
static struct timeline_ring *begin_late(lg_runtime *rt, struct timeline_event *event)
    LG_ACQUIRES(rt->timeline.shared_lock)
{
    struct timeline_ring *ring = rt->timeline.shared;
    lg__lock(&rt->timeline.shared_lock, RANK_TRACE);
    atomic_store(&ring->is_filling, true);
    event->when |= lg__timeline_now(&rt->timeline) << TIMELINE_KIND_BITS;
    return ring;
}

static void end_late(lg_runtime *rt, struct timeline_ring *ring,
                     const struct timeline_event *event)
    LG_RELEASES(rt->timeline.shared_lock)
{
    uint64_t head = atomic_load(&ring->head);
    ring->events[head % TIMELINE_RING_CAP] = *event;
    atomic_store(&ring->head, head + 1);
    atomic_store(&ring->is_filling, false);
    lg__unlock(&rt->timeline.shared_lock, RANK_TRACE);
}

static void *tell_late(void *arg)
{
    lg_runtime *rt = arg;
    struct timeline_event event = {.when = LG_TRACE_GC_BEGIN, .arg = 4711};
    SETTLE(has_open_window(rt));
    struct timeline_ring *ring = begin_late(rt, &event);
    SETTLE(atomic_load(&rt->timeline.scribe->nput_off) > 0);
    end_late(rt, ring, &event);
    return NULL;
}

it("rt.timeline", "waits for who is in the midst of telling something", .procs = 1)
{
    pthread_t thread;
    make_path();
    CHECK_OK(lg_timeline_start(rt, path));
    CHECK(pthread_create(&thread, NULL, tell_late, rt) == 0);
    pthread_join(thread, NULL);
    CHECK_OK(lg_timeline_stop(rt));
    char *text = read_it();
    CHECK(count(text, "4711") > 0);
    free(text);
    unlink(path);
}

static _Atomic bool is_late, may_end;

static void *tell_very_late(void *arg)
{
    lg_runtime *rt = arg;
    struct timeline_event event = {.when = LG_TRACE_GC_BEGIN};
    struct timeline_ring *ring = begin_late(rt, &event);
    atomic_store(&is_late, true);
    SETTLE(atomic_load(&may_end));
    end_late(rt, ring, &event);
    return NULL;
}

it("rt.timeline", "goes on without who does not get done", .procs = 1)
{
    lg_chan *ch = spec_chan(rt, sizeof(int), 1);
    pthread_t thread;
    atomic_store(&is_late, false);
    atomic_store(&may_end, false);
    make_path();
    CHECK_OK(lg_timeline_start(rt, path));
    CHECK(pthread_create(&thread, NULL, tell_very_late, rt) == 0);
    while (!atomic_load(&is_late)) {
        sched_yield(); // not lg_yield(), which is told, too
    }
    CHECK_OK(lg_chan_send(ch, &(int){1}, LG_NEVER));
    struct timeline_ring *ring = atomic_load(&lg__m()->p->timeline);
    uint64_t head = atomic_load(&ring->head);
    SETTLE(atomic_load(&ring->tail) >= head);
    atomic_store(&may_end, true);
    pthread_join(thread, NULL);
    CHECK_OK(lg_timeline_stop(rt));
    char *text = read_it();
    CHECK_INT(count(text, "\"name\":\"send\""), 1);
    free(text);
    unlink(path);
    lg_chan_free(ch);
}

// From before there is a timeline, by a thread without a P. Nothing here makes it meet the one that
// starts it: so the thread sanitizer sees what else does.
static void *tell_at_once(void *arg)
{
    lg_runtime *rt = arg;
    bool is_open;
    do {
        is_open = (atomic_load_explicit(&rt->timeline.window, memory_order_relaxed) &
                   WINDOW_STATE) == WINDOW_OPEN;
        lg__timeline_note(rt, LG_TRACE_GC_BEGIN, NULL, 4711, 0);
    } while (!is_open);
    return NULL;
}

it("rt.timeline", "begins while a thread without a P has something to tell", .procs = 1)
{
    pthread_t thread;
    make_path();
    CHECK(pthread_create(&thread, NULL, tell_at_once, rt) == 0);
    CHECK_OK(lg_timeline_start(rt, path));
    pthread_join(thread, NULL);
    CHECK_OK(lg_timeline_stop(rt));
    char *text = read_it();
    CHECK(count(text, "4711") > 0);
    free(text);
    unlink(path);
}

it("rt.timeline", "has a ring for a P that comes later, at once", .procs = 1)
{
    make_path();
    CHECK_OK(lg_timeline_start(rt, path));
    CHECK_OK(lg_set_procs(rt, 3));
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        CHECK(atomic_load(&lg__p_at(rt, i)->timeline) != NULL);
    }
    CHECK_OK(lg_timeline_stop(rt));
    unlink(path);
}

it("rt.timeline", "is not there beside a trace, whoever starts and stops them")
{
    enum { THREADS = 2 };
    lg_runtime *own = spec_open(1);
    pthread_t threads[THREADS];
    make_path();
    atomic_store(&ntracing, THREADS);
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, trace_often, own) == 0);
    }
    while (atomic_load(&ntracing) > 0) {
        come_and_go(own, lg_timeline_start(own, path), lg_timeline_stop);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    spec_close(own);
    unlink(path);
}

it("rt.timeline", "is whole when the runtime is closed")
{
    lg_runtime *own = spec_open(2);
    make_path();
    CHECK_OK(lg_timeline_start(own, path));
    spec_close(own);
    free(read_it());
    unlink(path);
}

it("rt.jsonpages", "makes JSON of any bytes")
{
    char out[64];
    CHECK_INT(lg__json_escape("a\"\\\n\x7f", 5, out, sizeof out), 17);
    CHECK_STR(out, "a\\\"\\\\\\u000a\\u007f");
    lg__json_escape("\xc3\xa4\xff\xc3", 4, out, sizeof out);
    CHECK_STR(out, "\xc3\xa4\\ufffd\\ufffd");
    lg__json_escape("\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80", 9, out, 16);
    CHECK_STR(out, "\\ufffd\\ufffd");
    lg__json_escape("\xf0\x9f\x8c\x8a", 4, out, 4); // no room for all of it
    CHECK_STR(out, "");
}

// ---------------------------------------------------------------------------
// Everything at once
// ---------------------------------------------------------------------------

static lg_chan *chans[3];
static _Atomic int nworking;
static _Atomic bool is_over;

static void work(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)arg);
    while (!atomic_load(&is_over)) {
        uint64_t v = 1;
        size_t index;
        lg_chan *ch = chans[spec_random_below(&random, 3)];
        lg_case cases[] = {{.ch = chans[0], .elem = &v, .op = LG_RECV},
                           {.ch = chans[2], .elem = &v, .op = LG_SEND}};
        switch (spec_random_below(&random, 8)) {
        case 0: lg_yield(); break;
        case 1: lg_set_name(spec_random_below(&random, 2) ? "odd" : "even"); break;
        case 2: load_block(spec_random_below(&random, 100)); break;
        case 3: lg_select(cases, 2, lg_now(lg_current()) + 20000, &index); break;
        case 4: lg_sleep_until(lg_now(lg_current()) + 10000); break;
        case 5: lg_gc(lg_current()); break;
        default:
            lg_chan_send(ch, &v, lg_now(lg_current()) + 20000);
            lg_chan_recv(ch, &v, lg_now(lg_current()) + 20000);
            break;
        }
    }
    atomic_fetch_sub(&nworking, 1);
}

it("rt.timeline", "is started and stopped while everything goes on", .procs = 4,
   .limit_s = 60)
{
    enum { WORKERS = 12 };
    atomic_store(&nworking, WORKERS);
    atomic_store(&is_over, false);
    make_path();
    for (size_t i = 0; i < 3; i++) {
        chans[i] = spec_chan(rt, sizeof(uint64_t), i);
    }
    for (uintptr_t i = 0; i < WORKERS; i++) {
        spec_go(rt, work, (void *)i); // NOLINT(performance-no-int-to-ptr)
    }
    struct spec_random random = spec_random_new(WORKERS);
    for (int i = 0; i < spec_rounds(10); i++) {
        CHECK_OK(lg_timeline_start(rt, path));
        CHECK_OK(lg_sleep_until(spec_ms(rt, spec_random_below(&random, 60))));
        CHECK_OK(lg_set_procs(rt, 1 + (int)spec_random_below(&random, 6)));
        CHECK_OK(lg_timeline_stop(rt));
        char *text = read_it();
        CHECK_INT(count(text, "\"ph\":\"s\""), count(text, "\"ph\":\"f\""));
        free(text);
    }
    atomic_store(&is_over, true);
    SETTLE(atomic_load(&nworking) == 0);
    for (size_t i = 0; i < 3; i++) {
        lg_chan_free(chans[i]);
    }
    unlink(path);
}
