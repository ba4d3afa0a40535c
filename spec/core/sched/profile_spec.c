// SPDX-License-Identifier: MIT
//
// Profiles of native goroutines; spec/cli/profile_spec.lua has those of scripted ones.
#include <pthread.h>

#include "base/rand.h"
#include "sched/runtime.h"
#include "spec.h"
#include "sync/chan.h"

enum { SAMPLES_MAX = 1 << 14 };

// What was told, in the order in which it came.
struct told {
    pthread_mutex_t lock;
    int n;
    lg_profile_sample samples[SAMPLES_MAX];
};

static struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(void *ud, const lg_profile_sample *sample)
{
    struct told *t = ud;
    pthread_mutex_lock(&t->lock);
    if (t->n < SAMPLES_MAX) {
        t->samples[t->n++] = *sample;
    }
    pthread_mutex_unlock(&t->lock);
}

// Adds up what was told of goroutines of a name and a kind.
static lg_profile_sample sum(const char *name, lg_profile_kind kind)
{
    lg_profile_sample all = {.kind = kind};
    pthread_mutex_lock(&told.lock);
    for (int i = 0; i < told.n; i++) {
        const lg_profile_sample *sample = &told.samples[i];
        if (sample->kind == kind && strcmp(sample->name, name) == 0) {
            all.count += sample->count;
            all.cpu_ns += sample->cpu_ns;
            all.wall_ns += sample->wall_ns;
            all.wait_reason = sample->wait_reason;
            all.g = sample->g;
        }
    }
    pthread_mutex_unlock(&told.lock);
    return all;
}

static _Atomic bool is_enough;

static void compute(void *arg)
{
    (void)arg;
    lg_set_name("computer");
    while (!atomic_load_explicit(&is_enough, memory_order_relaxed)) {
        lg_checkpoint();
    }
}

it("a profile", "tells what a native goroutine uses of the CPU", .procs = 2)
{
    CHECK_OK(lg_profile_start(rt, 1000, 1000, note, &told));
    lg_ref computer = spec_go(rt, compute, NULL);
    SETTLE(sum("computer", LG_PROFILE_RAN).cpu_ns > 5000000);
    atomic_store_explicit(&is_enough, true, memory_order_relaxed);
    lg_profile_sample all = sum("computer", LG_PROFILE_RAN);
    CHECK(all.count > 0);
    CHECK(all.wall_ns > 0);
    CHECK_INT(all.g, computer.id);
    CHECK(lg_profile_stop(rt) == &told);
}

static void receive(void *arg)
{
    int value;
    lg_set_name("receiver");
    lg_chan_recv(arg, &value, LG_NEVER);
}

it("a profile", "tells of a wait when it is over: for what and how long", .procs = 2)
{
    lg_chan *ch = spec_chan(rt, sizeof(int), 0);
    int value = 1;
    CHECK_OK(lg_profile_start(rt, 100, 1, note, &told));
    int64_t begun_ns = spec_host_now_ns();
    spec_go(rt, receive, ch);
    SETTLE(spec_waiting(rt, "chan receive") == 1);
    int64_t from_ns = spec_host_now_ns();
    CHECK_OK(lg_sleep_until(spec_ms(rt, 5)));
    CHECK_INT(sum("receiver", LG_PROFILE_WAITED).count, 0);
    int64_t least_ns = spec_host_now_ns() - from_ns;
    CHECK_OK(lg_chan_send(ch, &value, LG_NEVER));
    SETTLE(sum("receiver", LG_PROFILE_WAITED).count == 1);
    lg_profile_sample wait = sum("receiver", LG_PROFILE_WAITED);
    CHECK_STR(wait.wait_reason, "chan receive");
    CHECK_BETWEEN(wait.wall_ns, least_ns, spec_host_now_ns() - begun_ns);
    CHECK_INT(wait.cpu_ns, 0);
    lg_profile_stop(rt);
    lg_chan_free(ch);
}

// All of one length, so that it is known what the sums must be.
static void check_sums(struct rand *chance, int64_t wait_ns, int64_t length_ns)
{
    enum { WAITS = 1000000 };
    int64_t count = 0;
    int64_t wall_ns = 0;
    for (int i = 0; i < WAITS; i++) {
        lg_profile_sample sample = {.count = 1, .wall_ns = length_ns};
        if (lg__profile_choose(chance, wait_ns, &sample)) {
            count += sample.count;
            wall_ns += sample.wall_ns;
        }
    }
    CHECK_BETWEEN(count, WAITS * 0.98, WAITS * 1.02);
    CHECK_BETWEEN(wall_ns / length_ns, WAITS * 0.98, WAITS * 1.02);
}

it("a profile", "counts short waits in the mean as one each, and as long as they were")
{
    struct rand chance = {.state = 1};
    static const int64_t lengths_ns[] = {1000, 3000, 5000,  5001,
                                         7000, 9999, 10000, 25000};
    for (size_t i = 0; i < sizeof lengths_ns / sizeof *lengths_ns; i++) {
        check_sums(&chance, 10000, lengths_ns[i]);
    }
    check_sums(&chance, 1, 1);
    check_sums(&chance, 1000000000, 600000000);
}

it("a profile", "tells of who still waits, when it is asked", .procs = 2)
{
    lg_chan *ch = spec_chan(rt, sizeof(int), 0);
    int value = 1;
    spec_go(rt, receive, ch);
    SETTLE(spec_waiting(rt, "chan receive") == 1);
    lg_profile_settle(rt, NULL); // none
    CHECK_OK(lg_profile_start(rt, 100, 1, note, &told));
    lg_profile_settle(rt, lg_strand_self());
    lg_profile_sample wait = sum("receiver", LG_PROFILE_WAITED);
    CHECK_INT(wait.count, 1);
    CHECK_STR(wait.wait_reason, "chan receive");
    lg_profile_stop(rt);
    CHECK_OK(lg_chan_send(ch, &value, LG_NEVER));
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(ch);
}

it("a profile", "is one at a time, of numbers that make sense", .procs = 1)
{
    CHECK(lg_profile_stop(rt) == NULL);
    CHECK_CODE(lg_profile_start(rt, 0, 1, note, &told), LG_EINVAL);
    CHECK_CODE(lg_profile_start(rt, 10001, 1, note, &told), LG_EINVAL);
    CHECK_CODE(lg_profile_start(rt, 100, 0, note, &told), LG_EINVAL);
    CHECK_CODE(lg_profile_start(rt, 100, 1000000001, note, &told), LG_EINVAL);
    CHECK_OK(lg_profile_start(rt, 100, 1, note, &told));
    CHECK_CODE(lg_profile_start(rt, 100, 1, note, &told), LG_EBUSY);
    CHECK(lg_profile_stop(rt) == &told);
    CHECK(lg_profile_stop(rt) == NULL);
    int before = told.n;
    CHECK_OK(lg_sleep_until(spec_ms(rt, 1)));
    CHECK_INT(told.n, before);
}

it("a profile", "ends with its runtime")
{
    lg_runtime *opened = spec_open(2);
    CHECK_OK(lg_profile_start(opened, 1000, 1, note, &told));
    spec_close(opened);
}

// As if a sampler had seen it and the profile had ended before it was told of.
static int use_and_look(lg_strand *strand, lg_g *g, void *extra, bool has_wait)
{
    (void)strand, (void)g, (void)extra, (void)has_wait;
    struct due_sample *due = &lg__m()->due;
    atomic_store(&due->count, 1);
    atomic_store(&due->cpu_ns, 1000);
    lg_profile_look();
    return LG_OK;
}

it("a profile", "does not tell what the last one has left")
{
    static const lg_strand_ops ops = {.resume = use_and_look};
    lg_runtime *opened = spec_open(1);
    lg_strand *strand;
    lg_ref ref;
    void *extra = NULL;
    CHECK_OK(lg_strand_open(opened, &ops, NULL, &strand));
    CHECK_OK(lg_strand_go(strand, NULL, &ref, &extra));
    CHECK_OK(
        lg_profile_start(opened, 1, 1, note, &told)); // looks in half a second at first
    CHECK_OK(lg_drive(opened, ref));
    CHECK(lg_profile_stop(opened) == &told);
    CHECK_INT(sum("", LG_PROFILE_RAN).count, 0);
    lg_strand_close(strand);
    spec_close(opened);
}

static void count_sends(void *ud, const lg_trace_event *events, size_t nevents)
{
    for (size_t i = 0; i < nevents; i++) {
        *(int *)ud += events[i].kind == LG_TRACE_SEND;
    }
}

it("a profile", "has nothing done for channels, and hears beside a trace what it needs",
   .procs = 1)
{
    lg_chan *ch = spec_chan(rt, sizeof(int), 1);
    int value = 1;
    int nsends = 0;
    CHECK_OK(lg_profile_start(rt, 100, 1, note, &told));
    CHECK_OK(lg_chan_send(ch, &value, LG_NEVER));
    CHECK_OK(lg_chan_recv(ch, &value, LG_NEVER));
    CHECK_INT(atomic_load(&ch->number), 0); // a trace gives it one
    CHECK_OK(lg_trace_start(rt, count_sends, &nsends));
    spec_go(rt, receive, ch);
    SETTLE(spec_waiting(rt, "chan receive") == 1);
    CHECK_OK(lg_chan_send(ch, &value, LG_NEVER));
    SETTLE(sum("receiver", LG_PROFILE_WAITED).count == 1);
    lg_trace_stop(rt);
    CHECK_INT(nsends, 1);
    CHECK(atomic_load(&ch->number) > 0);
    CHECK(lg_profile_stop(rt) == &told);
    lg_chan_free(ch);
}

static void ignore(void *ud, const lg_profile_sample *sample)
{
    (void)ud;
    (void)sample;
}

struct starter {
    lg_runtime *rt;
    int nturns;
    _Atomic int nstarted; // of its profiles, those that nobody has stopped
};

static void *start_and_stop(void *arg)
{
    struct starter *s = arg;
    for (int i = 0; i < s->nturns; i++) {
        // The one that stops a profile gets what its starter gave, once.
        if (lg_profile_start(s->rt, 10000, 1, ignore, s) == LG_OK) {
            atomic_fetch_add(&s->nstarted, 1);
        }
        struct starter *stopped = lg_profile_stop(s->rt);
        if (stopped) {
            atomic_fetch_sub(&stopped->nstarted, 1);
        }
    }
    return NULL;
}

it("a profile", "is one at a time, whoever starts and stops it")
{
    enum { THREADS = 4 };
    lg_runtime *opened = spec_open(2);
    struct starter starters[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        starters[i] = (struct starter){.rt = opened, .nturns = spec_rounds(2000)};
        CHECK(pthread_create(&threads[i], NULL, start_and_stop, &starters[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(atomic_load(&starters[i].nstarted), 0);
    }
    CHECK(lg_profile_stop(opened) == NULL);
    spec_close(opened);
}

// ---------------------------------------------------------------------------
// Many, while profiles come and go
// ---------------------------------------------------------------------------

struct load {
    lg_chan *ch;
    lg_mutex mutex;
    lg_waitgroup group;
    _Atomic int64_t nwaits;
};

static void work(void *arg)
{
    struct load *load = arg;
    int value = 1;
    for (int i = 0; i < 20; i++) {
        lg_chan_send(load->ch, &value, LG_NEVER);
        lg_chan_recv(load->ch, &value, LG_NEVER);
        lg_mutex_lock(&load->mutex, LG_NEVER);
        lg_yield();
        lg_mutex_unlock(&load->mutex);
    }
    lg_waitgroup_add(&load->group, -1);
}

static void give(void *arg)
{
    struct load *load = arg;
    for (int i = 0; i < 100; i++) {
        lg_chan_send(load->ch, &i, LG_NEVER);
    }
    lg_waitgroup_add(&load->group, -1);
}

static void take(void *arg)
{
    struct load *load = arg;
    int value;
    for (int i = 0; i < 100; i++) {
        lg_chan_recv(load->ch, &value, LG_NEVER);
    }
    lg_waitgroup_add(&load->group, -1);
}

// write sees only what makes sense, and nothing after the end.
static void judge(void *ud, const lg_profile_sample *sample)
{
    _Atomic bool *is_on = ud;
    CHECK(atomic_load_explicit(is_on, memory_order_seq_cst));
    CHECK(sample->count > 0);
    CHECK(sample->cpu_ns >= 0);
    CHECK(sample->wall_ns >= 0);
    CHECK((sample->kind == LG_PROFILE_WAITED) == (sample->wait_reason != NULL));
    CHECK(sample->strand == NULL);
}

enum { SHORT_NS = 10000 };

static void judge_length(void *ud, const lg_profile_sample *sample)
{
    _Atomic int *nshort = ud;
    if (sample->kind != LG_PROFILE_RAN) {
        CHECK(sample->wall_ns >= SHORT_NS);
        atomic_fetch_add(nshort, sample->wall_ns == SHORT_NS);
    }
}

it("a profile", "tells of short waits as of so many as take the time", .procs = 1)
{
    struct load load = {.ch = spec_chan(rt, sizeof(int), 0)};
    _Atomic int nshort = 0;
    CHECK_OK(lg_profile_start(rt, 100, SHORT_NS, judge_length, &nshort));
    while (atomic_load(&nshort) < 100) {
        lg_waitgroup_add(&load.group, 2);
        spec_go(rt, give, &load);
        spec_go(rt, take, &load);
        CHECK_OK(lg_waitgroup_wait(&load.group, LG_NEVER));
    }
    CHECK(lg_profile_stop(rt) == &nshort);
    lg_chan_free(load.ch);
}

it("a profile", "begins and ends at any moment", .procs = 4)
{
    struct load load = {.ch = spec_chan(rt, sizeof(int), 2)};
    struct spec_random random = spec_random_new(1);
    _Atomic bool is_on = false;
    for (int i = 0; i < spec_rounds(40); i++) {
        int ngoroutines = 2 + (int)spec_random_below(&random, 20);
        lg_waitgroup_add(&load.group, ngoroutines);
        for (int j = 0; j < ngoroutines; j++) {
            spec_go(rt, work, &load);
        }
        for (int j = 0; j < 3; j++) {
            atomic_store_explicit(&is_on, true, memory_order_seq_cst);
            CHECK_OK(lg_profile_start(rt, 1 + (int)spec_random_below(&random, 10000), 1,
                                      judge, &is_on));
            for (uint32_t k = spec_random_below(&random, 10); k > 0; k--) {
                lg_yield();
            }
            CHECK(lg_profile_stop(rt) == &is_on);
            atomic_store_explicit(&is_on, false, memory_order_seq_cst);
        }
        CHECK_OK(lg_waitgroup_wait(&load.group, LG_NEVER));
    }
    lg_chan_free(load.ch);
}
