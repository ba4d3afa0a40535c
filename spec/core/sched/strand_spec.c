// SPDX-License-Identifier: MIT
//
// Strands: one M at a time inside, in order, and posts.
#include "script.h"

static struct interpreter interpreter;
static lg_strand *strand;
static int order[64];
static int n_order;
static lg_chan *ch;
static _Atomic int n_done;

static int note(struct script *script, int result)
{
    SCRIPT_BEGIN
    order[n_order++] = (int)(intptr_t)script->arg;
    SCRIPT_END
}

it("strand_go", "runs goroutines in the order of their start")
{
    lg_runtime *host = spec_open(2);
    strand = script_strand(host, &interpreter);
    lg_ref last = {0};
    for (intptr_t i = 0; i < 50; i++) {
        last = script_go(strand, note, (void *)i);
    }
    CHECK_INT(lg_num_goroutine(host), 50);
    CHECK_OK(lg_drive(host, last));
    CHECK_INT(n_order, 50);
    for (int i = 0; i < 50; i++) {
        CHECK_INT(order[i], i);
    }
    CHECK_INT(interpreter.resumes, 50);
}

static int note_thrice(struct script *script, int result)
{
    SCRIPT_BEGIN
    for (script->round = 0; script->round < 3; script->round++) {
        order[n_order++] = (int)(intptr_t)script->arg;
        SCRIPT_AWAIT(lg_yield())
        CHECK_OK(result);
    }
    SCRIPT_END
}

it("yield of scripts", "takes turns")
{
    lg_runtime *host = spec_open(1);
    strand = script_strand(host, &interpreter);
    lg_ref last = {0};
    for (intptr_t i = 0; i < 4; i++) {
        last = script_go(strand, note_thrice, (void *)i);
    }
    CHECK_OK(lg_drive(host, last));
    for (int i = 0; i < 12; i++) {
        CHECK_INT(order[i], i % 4);
    }
}

static int start_another(struct script *script, int result)
{
    SCRIPT_BEGIN
    script_go(strand, note, (void *)1);
    script_go(strand, note, (void *)2);
    order[n_order++] = 0;
    SCRIPT_AWAIT(lg_yield())
    order[n_order++] = 3;
    SCRIPT_END
}

it("strand_go from inside", "runs the new one after those that are runnable")
{
    lg_runtime *host = spec_open(1);
    strand = script_strand(host, &interpreter);
    CHECK_OK(lg_drive(host, script_go(strand, start_another, NULL)));
    CHECK_INT(n_order, 4);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(order[i], i);
    }
}

static bool info_copy(void *ud, const lg_g_info *info)
{
    *(lg_g_info *)ud = *info;
    return true;
}

it("strand_go with a name", "tells it, and its area, in a snapshot")
{
    lg_runtime *host = spec_open(1);
    strand = script_strand(host, &interpreter);
    lg_ref ref;
    void *extra = NULL;
    CHECK_OK(lg_strand_go(strand, "a script", &ref, &extra));
    ((struct script *)extra)->step = note;
    CHECK(((uintptr_t)extra & 7) == 0);
    lg_g_info seen = {0};
    lg_goroutines(host, info_copy, &seen);
    CHECK_INT(seen.ref.id, ref.id);
    CHECK_STR(seen.name, "a script");
    CHECK(seen.strand == strand);
    CHECK(seen.extra == extra);
    CHECK_INT(seen.status, LG_RUNNABLE);
    CHECK_OK(lg_drive(host, ref));
    CHECK_CODE(lg_cancel(ref), LG_ESRCH);
}

// ---------------------------------------------------------------------------
// Many strands on many Ps
// ---------------------------------------------------------------------------

enum { STRANDS = 8, SCRIPTS = 30 };

static struct interpreter interpreters[STRANDS];
static int n_rounds;

// Uses no atomics on its strand's counters: the strand is the lock.
static int churn(struct script *script, int result)
{
    struct spec_random random;
    SCRIPT_BEGIN
    script->words[0] = (uint64_t)(uintptr_t)script->arg;
    for (script->round = 0; script->round < n_rounds; script->round++) {
        random.state = script->words[0];
        script->words[1] = spec_random_below(&random, 8);
        script->words[0] = random.state;
        if (script->words[1] == 0) {
            SCRIPT_KEEP(lg_yield())
        } else if (script->words[1] == 1) {
            SCRIPT_KEEP(lg_sleep_until(lg_now(lg_current()) + 20000))
        } else if (script->words[1] == 2) {
            SCRIPT_AWAIT(lg_sleep_until(lg_now(lg_current()) + 20000))
        } else {
            SCRIPT_AWAIT(lg_yield())
        }
        CHECK_OK(result);
    }
    n_done++;
    SCRIPT_END
}

static void yield_until_done(__attribute__((unused)) void *arg)
{
    SETTLE(n_done == STRANDS * SCRIPTS);
}

it("8 strands on 4 Ps", "have one M inside each at any time", .limit_s = 30)
{
    lg_runtime *host = spec_open(4);
    n_rounds = spec_rounds(1000);
    for (intptr_t i = 0; i < STRANDS * SCRIPTS; i++) {
        if (i % SCRIPTS == 0) {
            strand = script_strand(host, &interpreters[i / SCRIPTS]);
        }
        script_go(strand, churn, (void *)(i + 1));
    }
    spec_main(host, yield_until_done, NULL);
    long n_moves = 0;
    for (int i = 0; i < STRANDS; i++) {
        n_moves += interpreters[i].moves;
        CHECK_INT(interpreters[i].inside, 0);
    }
    CHECK(n_moves > 0);
}

// ---------------------------------------------------------------------------
// Posts
// ---------------------------------------------------------------------------

struct counted_post {
    lg_post post;
    _Atomic int n_calls;
};

static struct counted_post posts[4];

static void count_call(lg_post *post)
{
    CHECK(lg_strand_self() == strand);
    CHECK_INT(interpreter.inside, 0);
    ((struct counted_post *)post)->n_calls++;
}

it("strand_post", "calls inside the strand, once while it is queued", .procs = 1)
{
    strand = script_strand(rt, &interpreter);
    posts[0].post.fn = count_call;
    lg_strand_post(strand, &posts[0].post);
    lg_strand_post(strand, &posts[0].post);
    CHECK_INT(posts[0].n_calls, 0);
    SETTLE(posts[0].n_calls == 1);
    for (int i = 0; i < 20; i++) {
        CHECK_OK(lg_yield());
    }
    CHECK_INT(posts[0].n_calls, 1);
    lg_strand_post(strand, &posts[0].post);
    SETTLE(posts[0].n_calls == 2);
}

static _Atomic int n_posted;

static void *post_often(__attribute__((unused)) void *arg)
{
    for (int i = 0; i < n_rounds; i++) {
        int before = posts[0].n_calls;
        n_posted++;
        lg_strand_post(strand, &posts[0].post);
        if (i % 16 == 0) {
            SETTLE(posts[0].n_calls != before);
        }
    }
    return NULL;
}

static void settle_posts(void *arg)
{
    SETTLE(n_done == 2);
    int before = posts[0].n_calls;
    lg_strand_post(strand, &posts[0].post);
    SETTLE(posts[0].n_calls != before);
    (void)arg;
}

static void *post_and_end(void *arg)
{
    post_often(arg);
    n_done++;
    return NULL;
}

it("strand_post from two threads of the host", "is called after each post", .limit_s = 20)
{
    lg_runtime *host = spec_open(2);
    n_rounds = spec_rounds(2000);
    strand = script_strand(host, &interpreter);
    posts[0].post.fn = count_call;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, post_and_end, NULL), 0);
    }
    spec_main(host, settle_posts, NULL);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
    CHECK_BETWEEN(posts[0].n_calls, 1, n_posted + 1);
}

it("strand_close with a post waiting", "is fatal", .dies = "strand", .procs = 1)
{
    strand = script_strand(rt, &interpreter);
    posts[0].post.fn = count_call;
    lg_strand_post(strand, &posts[0].post);
    lg_strand_close(strand);
}

static int wait_for_ever(struct script *script, int result)
{
    SCRIPT_BEGIN
    n_done++;
    SCRIPT_AWAIT(lg_chan_recv(ch, NULL, LG_NEVER))
    spec_fail(SPEC_HERE, "a dropped goroutine went on");
    SCRIPT_END
}

static int wait_for_ever_here(struct script *script, int result)
{
    SCRIPT_BEGIN
    n_done++;
    SCRIPT_KEEP(lg_chan_recv(ch, NULL, LG_NEVER))
    spec_fail(SPEC_HERE, "a dropped goroutine went on");
    SCRIPT_END
}

it("strand_close", "drops its goroutines, with and without C stacks")
{
    lg_runtime *host = spec_open(2);
    ch = spec_chan(host, 0, 0);
    strand = script_strand(host, &interpreter);
    for (int i = 0; i < 5; i++) {
        script_go(strand, wait_for_ever, NULL);
        script_go(strand, wait_for_ever_here, NULL);
    }
    lg_ref last = script_go(strand, note, NULL);
    CHECK_OK(lg_drive(host, last));
    CHECK_INT(n_done, 10);
    SETTLE(spec_waiting(host, NULL) == 10);
    lg_strand_close(strand);
    CHECK_INT(lg_num_goroutine(host), 0);
    CHECK_CODE(lg_chan_send(ch, "", 0), LG_EAGAIN); // nobody waits any more
    lg_chan_free(ch);
}

// ---------------------------------------------------------------------------
// Channels
// ---------------------------------------------------------------------------

static lg_chan *back;

static int pong(struct script *script, int result)
{
    SCRIPT_BEGIN
    for (;;) {
        SCRIPT_AWAIT(lg_chan_recv(ch, &script->words[0], LG_NEVER))
        if (result == LG_ECLOSED) {
            break;
        }
        CHECK_OK(result);
        script->words[0]++;
        SCRIPT_AWAIT(lg_chan_send(back, &script->words[0], LG_NEVER))
        CHECK_OK(result);
    }
    SCRIPT_END
}

static void ping(__attribute__((unused)) void *arg)
{
    for (uint64_t i = 0; i < (uint64_t)n_rounds; i++) {
        uint64_t value = i;
        CHECK_OK(lg_chan_send(ch, &value, LG_NEVER));
        CHECK_OK(lg_chan_recv(back, &value, LG_NEVER));
        CHECK_INT(value, i + 1);
    }
    CHECK_OK(lg_chan_close(ch));
}

it("a channel", "serves native goroutines and scripts at once", .limit_s = 20)
{
    lg_runtime *host = spec_open(2);
    n_rounds = spec_rounds(20000);
    ch = spec_chan(host, 8, 0);
    back = spec_chan(host, 8, 0);
    strand = script_strand(host, &interpreter);
    lg_ref ref = script_go(strand, pong, NULL);
    spec_go(host, ping, NULL);
    CHECK_OK(lg_drive(host, ref));
    lg_chan_free(ch);
    lg_chan_free(back);
}

static int ping_script(struct script *script, int result)
{
    SCRIPT_BEGIN
    for (script->round = 0; script->round < n_rounds; script->round++) {
        script->words[0] = (uint64_t)script->round;
        SCRIPT_AWAIT(lg_chan_send(ch, &script->words[0], LG_NEVER))
        CHECK_OK(result);
        SCRIPT_AWAIT(lg_chan_recv(back, &script->words[0], LG_NEVER))
        CHECK_OK(result);
        CHECK_INT(script->words[0], script->round + 1);
    }
    CHECK_OK(lg_chan_close(ch));
    SCRIPT_END
}

it("a channel of one strand", "serves its scripts", .limit_s = 20)
{
    lg_runtime *host = spec_open(2);
    n_rounds = spec_rounds(20000);
    strand = script_strand(host, &interpreter);
    for (size_t cap = 0; cap < 3; cap++) {
        CHECK_OK(lg_chan_new(host, strand, 8, cap, &ch));
        CHECK_OK(lg_chan_new(host, strand, 8, cap, &back));
        script_go(strand, ping_script, NULL);
        CHECK_OK(lg_drive(host, script_go(strand, pong, NULL)));
        SETTLE(lg_num_goroutine(host) == 0);
        lg_chan_free(ch);
        lg_chan_free(back);
    }
}
