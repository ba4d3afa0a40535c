// SPDX-License-Identifier: MIT
//
// Jobs by the thousand, from goroutines, scripts and jobs, placed into a few
// strands: each runs exactly once, wherever it is stolen to, and none after
// lg_stop().
#include "script.h"

enum { STRANDS = 5, PRODUCERS = 4, SCRIPTS = 2, WORKS_MAX = 16384, CHILDREN = 3 };

// A piece of work: a job, then a post inside the strand that the job chose.
struct work {
    lg_job job;
    lg_post post;
    uint64_t seed;
    _Atomic int n_jobs;
    _Atomic int n_posts;
};

static lg_runtime *host;
static struct interpreter interpreters[STRANDS];
static lg_strand *strands[STRANDS];
static struct work *works;
static _Atomic int n_works; // taken from the pool
static int n_wanted;
static _Atomic int n_jobs;
static _Atomic int n_posts;
static _Atomic int n_producers;

static void run_job(lg_job *job);

// Starts one more, until there are enough. False: there are.
static bool start_one(uint64_t seed)
{
    int i = n_works++;
    if (i >= n_wanted) {
        return false;
    }
    works[i].seed = seed;
    works[i].job.fn = run_job;
    CHECK_OK(lg_job_start(host, &works[i].job));
    return true;
}

static int produce_scripted(struct script *script, int result)
{
    struct spec_random random;
    SCRIPT_BEGIN
    script->words[0] = (uint64_t)(uintptr_t)script->arg;
    for (;;) {
        random.state = script->words[0];
        script->words[1] = spec_random_below(&random, 4);
        if (!start_one(spec_random_next(&random))) {
            break;
        }
        script->words[0] = random.state;
        if (script->words[1] == 0) {
            SCRIPT_AWAIT(lg_yield())
            CHECK_OK(result);
        } else if (script->words[1] == 1) {
            SCRIPT_KEEP(lg_sleep_until(lg_now(host) + 1000))
            CHECK_OK(result);
        }
    }
    n_producers++;
    SCRIPT_END
}

static int work_scripted(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_yield())
    CHECK_OK(result);
    struct work *work = script->arg;
    work->n_posts++;
    n_posts++;
    SCRIPT_END
}

static void run_post(lg_post *post)
{
    struct work *work =
        (struct work *)(void *)((char *)post - offsetof(struct work, post));
    struct interpreter *interpreter = lg_strand_data(lg_strand_self());
    CHECK_INT(interpreter->inside, 0);
    CHECK(work >= works && work < works + n_wanted);
    if (work->seed % 8 == 0) {
        script_go(lg_strand_self(), work_scripted, work);
        return;
    }
    work->n_posts++;
    n_posts++;
}

static void run_job(lg_job *job)
{
    struct work *work = (struct work *)(void *)job;
    CHECK_INT(lg_self().id, 0);
    CHECK(!lg_strand_self());
    work->n_jobs++;
    struct spec_random random = {.state = work->seed};
    if (spec_random_below(&random, 8) == 0) {
        for (int i = 0; i < CHILDREN; i++) {
            start_one(spec_random_next(&random));
        }
    }
    work->post.fn = run_post;
    lg_strand_post(strands[spec_random_below(&random, STRANDS)], &work->post);
    n_jobs++; // last: whoever counts may free it all
}

static void produce(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)arg);
    while (start_one(spec_random_next(&random))) {
        uint32_t choice = spec_random_below(&random, 16);
        if (choice == 0) {
            CHECK_OK(lg_sleep_until(lg_now(host) + 1000));
        } else if (choice < 4) {
            CHECK_OK(lg_yield());
        }
    }
    n_producers++;
}

static void open_all(int procs)
{
    host = spec_open(procs);
    n_wanted = spec_rounds(WORKS_MAX);
    works = calloc((size_t)n_wanted, sizeof *works);
    CHECK(works);
    n_works = n_jobs = n_posts = n_producers = 0;
    for (int i = 0; i < STRANDS; i++) {
        strands[i] = script_strand(host, &interpreters[i]);
    }
    for (intptr_t i = 0; i < SCRIPTS; i++) {
        script_go(strands[i], produce_scripted, (void *)(i + 1));
    }
    for (intptr_t i = 0; i < PRODUCERS; i++) {
        spec_go(host, produce, (void *)(i + procs * 100));
    }
}

static void settle_all(__attribute__((unused)) void *arg)
{
    // A job is counted after its post is on its way, maybe run.
    SETTLE(n_posts == n_wanted && n_jobs == n_wanted &&
           n_producers == PRODUCERS + SCRIPTS);
}

static void settle_all_and_collect(void *arg)
{
    while (n_posts < n_wanted / 2) {
        CHECK_OK(
            lg_gc(host)); // which stops the world, now and then before a placed strand
    }
    settle_all(arg);
}

static void settle_all_and_resize(void *arg)
{
    struct spec_random random = spec_random_new(99);
    while (n_posts < n_wanted) {
        CHECK_OK(lg_set_procs(host, 1 + (int)spec_random_below(&random, 6)));
        CHECK_OK(lg_yield());
    }
    settle_all(arg);
}

static void check_all(int procs, void (*main)(void *arg))
{
    open_all(procs);
    spec_main(host, main, NULL);
    CHECK_INT(n_jobs, n_wanted);
    for (int i = 0; i < n_wanted; i++) {
        CHECK_INT(works[i].n_jobs, 1);
        CHECK_INT(works[i].n_posts, 1);
    }
    spec_close(host);
    free(works);
}

it("thousands of jobs placed into 5 strands", "run exactly once each", .limit_s = 60)
{
    check_all(1, settle_all);
    check_all(2, settle_all);
    check_all(4, settle_all);
}

it("thousands of jobs while the world stops", "run exactly once each", .limit_s = 60)
{
    check_all(1, settle_all_and_collect);
    check_all(2, settle_all_and_collect);
    check_all(4, settle_all_and_collect);
}

it("thousands of jobs while Ps come and go", "run exactly once each", .limit_s = 60)
{
    check_all(1, settle_all_and_resize);
    check_all(4, settle_all_and_resize);
}

static void settle_some(void *arg)
{
    SETTLE(n_posts >= (int)(intptr_t)arg);
}

// The record of each job is gone as soon as lg_stop() has returned.
static void stop_amid(int procs, int after)
{
    open_all(procs);
    spec_leave(host);
    spec_main(host, settle_some, (void *)(intptr_t)after);
    lg_stop(host);
    int n_called = n_jobs;
    CHECK_BETWEEN(n_called, after, n_wanted);
    for (int i = 0; i < n_wanted; i++) {
        CHECK_BETWEEN(works[i].n_jobs, 0, 1);
        CHECK_BETWEEN(works[i].n_posts, 0, works[i].n_jobs);
        n_called -= works[i].n_jobs;
    }
    CHECK_INT(n_called, 0);
    memset(works, 0xdd, (size_t)n_wanted * sizeof *works);
    free(works);
    spec_close(host);
}

it("stop amid thousands of jobs", "calls none of them any more", .limit_s = 60)
{
    struct spec_random random = spec_random_new(7);
    for (int procs = 1; procs <= 4; procs *= 2) {
        for (int round = 0; round < 8; round++) {
            uint32_t limit = (uint32_t)spec_rounds(WORKS_MAX) * 3 / 4;
            stop_amid(procs, (int)spec_random_below(&random, limit));
        }
    }
}
