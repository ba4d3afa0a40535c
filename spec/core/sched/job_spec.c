// SPDX-License-Identifier: MIT
//
// Jobs: called once, by any P, outside of goroutines and strands; and the strand
// that a job wakes runs next.
#include <pthread.h>

#include "script.h"

enum { MANY = 300 };

static lg_runtime *host;
static struct interpreter interpreters[2];
static lg_strand *strands[2];
static lg_chan *ch;
static lg_ref main_ref;
static int order[16];
static _Atomic int n_order;
static _Atomic int n_calls;
static _Atomic int n_done;

static void note(int what)
{
    order[n_order++] = what;
}

static void check_order(const int *want, int n)
{
    CHECK_INT(n_order, n);
    for (int i = 0; i < n; i++) {
        CHECK_INT(order[i], want[i]);
    }
}

// Where a job stands: in the runtime, in nothing of it.
static void check_outside(void)
{
    CHECK(lg_current() == host);
    CHECK_INT(lg_self().id, 0);
    CHECK(!lg_strand_self());
    CHECK(!lg_extra_self());
}

static void count_call(__attribute__((unused)) lg_job *job)
{
    check_outside();
    n_calls++;
}

static void start(lg_job *job, void (*fn)(lg_job *job))
{
    job->fn = fn;
    CHECK_OK(lg_job_start(host, job));
}

it("job_start", "has fn called once, outside of any goroutine", .procs = 1)
{
    lg_job job = {0};
    host = rt;
    start(&job, count_call);
    CHECK_INT(n_calls, 0);
    SETTLE(n_calls == 1);
    for (int i = 0; i < 20; i++) {
        CHECK_OK(lg_yield());
    }
    CHECK_INT(n_calls, 1);
}

static void take_turns(__attribute__((unused)) void *arg)
{
    for (int i = 0; i < 10; i++) {
        CHECK_OK(lg_yield());
    }
}

it("job_start of a host that does not drive yet", "queues")
{
    static lg_job jobs[MANY];
    host = spec_open(1);
    for (int i = 0; i < MANY; i++) {
        start(&jobs[i], count_call);
    }
    CHECK_INT(n_calls, 0);
    spec_main(host, take_turns, NULL); // behind them
    CHECK_INT(n_calls, MANY);
}

static void *start_many(void *arg)
{
    lg_job *jobs = arg;
    for (int i = 0; i < MANY; i++) {
        start(&jobs[i], count_call);
    }
    return NULL;
}

static void settle_two_threads(__attribute__((unused)) void *arg)
{
    SETTLE(n_calls == 2 * MANY);
}

it("job_start by threads of the host while another drives", "has all called")
{
    static lg_job jobs[2][MANY];
    pthread_t threads[2];
    host = spec_open(2);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, start_many, jobs[i]), 0);
    }
    spec_main(host, settle_two_threads, NULL);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
}

static void start_again(lg_job *job)
{
    check_outside();
    if (++n_calls < MANY) {
        CHECK_OK(lg_job_start(host, job));
    }
}

it("a job that is called", "may be started again", .procs = 2)
{
    static lg_job job;
    host = rt;
    start(&job, start_again);
    SETTLE(n_calls == MANY);
}

static void start_ten(__attribute__((unused)) lg_job *job)
{
    static lg_job jobs[10];
    for (int i = 0; i < 10; i++) {
        start(&jobs[i], count_call);
    }
}

static void start_ten_more(__attribute__((unused)) lg_post *post)
{
    static lg_job jobs[10];
    CHECK(lg_strand_self());
    for (int i = 0; i < 10; i++) {
        start(&jobs[i], count_call);
    }
}

static void start_from_timer(__attribute__((unused)) void *arg)
{
    static lg_job job;
    start(&job, count_call);
}

it("job_start", "may be called by a job, a post and a timer", .procs = 2)
{
    static lg_job job;
    static lg_timer timer;
    static lg_post post = {.fn = start_ten_more};
    host = rt;
    strands[0] = script_strand(rt, &interpreters[0]);
    start(&job, start_ten);
    lg_strand_post(strands[0], &post);
    lg_timer_init(&timer, rt, NULL, start_from_timer, NULL);
    CHECK_OK(lg_timer_start(&timer, spec_ms(rt, 1), 0));
    SETTLE(n_calls == 21);
}

static int start_scripted(struct script *script, int result)
{
    SCRIPT_BEGIN
    start(script->arg, count_call);
    SCRIPT_AWAIT(lg_yield())
    CHECK_OK(result);
    start((lg_job *)script->arg + 1, count_call);
    SCRIPT_KEEP(lg_yield())
    CHECK_OK(result);
    n_done++;
    SCRIPT_END
}

static void settle_scripted(__attribute__((unused)) void *arg)
{
    SETTLE(n_calls == 2 && n_done == 1);
}

it("job_start", "may be called by a script")
{
    static lg_job jobs[2];
    for (int procs = 1; procs <= 2; procs++) {
        host = spec_open(procs);
        n_calls = n_done = 0;
        strands[0] = script_strand(host, &interpreters[0]);
        script_go(strands[0], start_scripted, jobs);
        spec_main(host, settle_scripted, NULL);
        spec_close(host);
    }
}

// ---------------------------------------------------------------------------
// Where the work goes
// ---------------------------------------------------------------------------

static void note_first(__attribute__((unused)) lg_post *post)
{
    CHECK(lg_strand_self() == strands[0]);
    note(1);
}

static void note_second(__attribute__((unused)) lg_post *post)
{
    CHECK(lg_strand_self() == strands[1]);
    note(2);
}

static void note_goroutine(__attribute__((unused)) void *arg)
{
    note(3);
}

static void note_and_place(__attribute__((unused)) lg_job *job)
{
    static lg_post posts[2] = {{.fn = note_first}, {.fn = note_second}};
    CHECK_OK(lg_go(host, note_goroutine, NULL, NULL, NULL));
    lg_strand_post(strands[0], &posts[0]);
    lg_strand_post(strands[1], &posts[1]);
    lg_strand_post(strands[1], &posts[1]);
    note(0);
}

static void open_both(lg_runtime *rt)
{
    host = rt;
    n_order = 0;
    for (int i = 0; i < 2; i++) {
        strands[i] = script_strand(rt, &interpreters[i]);
    }
}

it("the first strand that a job wakes", "runs next; what else it wakes, in turn",
   .procs = 1)
{
    static lg_job job;
    open_both(rt);
    start(&job, note_and_place);
    SETTLE(n_order == 4);
    check_order((const int[]){0, 1, 3, 2}, 4);
}

static void retire_and_place(lg_job *job)
{
    CHECK_OK(lg_set_procs(host, 1)); // the M may have to give its P up before it goes on
    note_and_place(job);
}

it("the strand that a job places", "is not lost with its P", .procs = 1, .limit_s = 20)
{
    static lg_job job;
    open_both(rt);
    int rounds = spec_rounds(200);
    for (int i = 0; i < rounds; i++) {
        CHECK_OK(lg_set_procs(rt, 4));
        n_order = 0;
        start(&job, retire_and_place);
        SETTLE(n_order == 4);
    }
}

static void place_in_other(__attribute__((unused)) lg_job *job)
{
    static lg_post post = {.fn = note_first};
    lg_strand_post(strands[0], &post);
}

static void settle_first(__attribute__((unused)) void *arg)
{
    SETTLE(n_order == 1);
}

it("a job that wakes a strand of another runtime", "queues it there")
{
    static lg_job job;
    lg_runtime *other = spec_open(1);
    strands[0] = script_strand(other, &interpreters[0]);
    host = spec_open(1);
    start(&job, place_in_other);
    spec_main(host, take_turns, NULL);
    CHECK_INT(n_order, 0);
    spec_main(other, settle_first, NULL);
}

// ---------------------------------------------------------------------------
// Jobs are work
// ---------------------------------------------------------------------------

static void send_one(__attribute__((unused)) lg_job *job)
{
    CHECK_OK(lg_chan_send(ch, "", 0));
}

static void wait_for_job(void *arg)
{
    main_ref = lg_self();
    start(arg, send_one);
    CHECK_OK(lg_chan_recv(ch, NULL, LG_NEVER));
}

static void wait_in_vain(void *arg)
{
    main_ref = lg_self();
    start(arg, count_call);
    CHECK_CODE(lg_chan_recv(ch, NULL, LG_NEVER), LG_ECANCELED);
}

it("a queued job", "is no deadlock; one that has done nothing is")
{
    static lg_job job;
    for (int procs = 1; procs <= 4; procs++) {
        host = spec_open(procs);
        ch = spec_chan(host, 0, 1); // another P may call the job at once
        int rounds = spec_rounds(200);
        for (int i = 0; i < rounds; i++) {
            spec_main(host, wait_for_job, &job);
        }
        n_calls = 0;
        CHECK_CODE(lg_run(host, wait_in_vain, &job), LG_EDEADLOCK);
        CHECK_INT(n_calls, 1);
        CHECK_OK(lg_cancel(main_ref));
        CHECK_OK(lg_drive(host, main_ref));
        lg_chan_free(ch);
        spec_close(host);
    }
}

it("a job whose starter computes", "is called by another P", .procs = 2)
{
    static lg_job job;
    host = rt;
    int rounds = spec_rounds(40);
    for (int i = 0; i < rounds; i++) {
        n_calls = 0;
        start(&job, count_call);
        int64_t end_ns = spec_settle_end();
        while (n_calls == 0) {
            if (spec_host_now_ns() > end_ns) {
                spec_fail(SPEC_HERE, "the job stands behind who started it");
            }
        }
    }
}

static void ready_each_other(void *arg)
{
    lg_chan **chans = arg;
    for (int i = 0; n_calls == 0; i++) {
        CHECK_OK(lg_chan_send(chans[0], "", LG_NEVER));
        CHECK_OK(lg_chan_recv(chans[1], NULL, LG_NEVER));
    }
    CHECK_OK(lg_chan_close(chans[0]));
}

it("a job behind goroutines that ready each other", "is come to", .procs = 1)
{
    static lg_job job;
    host = rt;
    lg_chan *chans[2] = {spec_chan(rt, 0, 0), spec_chan(rt, 0, 0)};
    spec_go(rt, ready_each_other, chans);
    CHECK_OK(lg_yield());
    start(&job, count_call);
    while (lg_chan_recv(chans[0], NULL, LG_NEVER) == LG_OK) {
        CHECK_OK(lg_chan_send(chans[1], "", LG_NEVER));
    }
    CHECK_INT(n_calls, 1);
    lg_chan_free(chans[0]);
    lg_chan_free(chans[1]);
}

// ---------------------------------------------------------------------------
// Errors and misuse
// ---------------------------------------------------------------------------

static struct spec_memory memory;

it("job_start without memory", "says so, and what is queued runs all the same")
{
    enum { LOTS = 10000 };
    static lg_job jobs[LOTS];
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 1;
    opts.alloc = spec_realloc;
    opts.alloc_ud = &memory;
    host = spec_open_with(&opts);
    memory.is_fail_after = true;
    memory.fail_at = 1;
    int n = 0;
    int err = LG_OK;
    while (n < LOTS && !err) {
        jobs[n].fn = count_call;
        err = lg_job_start(host, &jobs[n]);
        n += !err;
    }
    CHECK_CODE(err, LG_ENOMEM);
    memory.fail_at = 0;
    start(&jobs[n++], count_call); // the refused one
    spec_main(host, take_turns, NULL);
    CHECK_INT(n_calls, n);
    spec_close(host);
    CHECK_INT(memory.blocks, 0);
}

it("job_start of one that is queued", "is fatal", .dies = "that is queued", .procs = 1)
{
    static lg_job job;
    host = rt;
    start(&job, count_call);
    start(&job, count_call);
}

static void yield_outside(__attribute__((unused)) lg_job *job)
{
    lg_yield();
}

it("a job that waits", "is fatal", .dies = "outside a goroutine", .procs = 1)
{
    static lg_job job;
    host = rt;
    start(&job, yield_outside);
    SETTLE(false);
}
