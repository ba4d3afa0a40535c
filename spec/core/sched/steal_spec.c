// SPDX-License-Identifier: MIT
//
// Work moves to where it can be done. Each of these ends only if another P
// takes what stands behind a goroutine that never lets go.
#include "script.h"

static _Atomic int n_here;
static _Atomic int n_done;

static void meet_two(__attribute__((unused)) void *arg)
{
    n_here++;
    while (n_here < 2) { // holds its P: only a second one can end this
    }
    n_done++;
}

it("two native goroutines on 2 Ps", "run at the same time", .procs = 2)
{
    for (int round = 0; round < 50; round++) {
        n_here = 0;
        n_done = 0;
        spec_go(rt, meet_two, NULL);
        spec_go(rt, meet_two, NULL);
        SETTLE(n_done == 2);
    }
}

static void meet_four(__attribute__((unused)) void *arg)
{
    n_here++;
    while (n_here < 4) {
    }
    n_done++;
}

it("four native goroutines on 4 Ps", "run at the same time", .procs = 4)
{
    for (int round = 0; round < 10; round++) {
        n_here = 0;
        n_done = 0;
        for (int i = 0; i < 3; i++) {
            spec_go(rt, meet_four, NULL);
        }
        meet_four(NULL);
        SETTLE(n_done == 4);
    }
}

static void count(__attribute__((unused)) void *arg)
{
    n_done++;
}

it("goroutines behind one that never yields", "are stolen", .procs = 2)
{
    uint64_t before = spec_stats(rt).steals;
    for (int round = 1; round <= 20; round++) {
        for (int i = 0; i < 600; i++) { // over a ring
            spec_go(rt, count, NULL);
        }
        while (n_done < 600 * round) {
        }
    }
    CHECK(spec_stats(rt).steals > before);
}

static void wake_and_hold(void *arg)
{
    CHECK_OK(lg_chan_close(arg));
    while (n_done < 100) {
    }
}

static void wait_close(void *arg)
{
    CHECK_CODE(lg_chan_recv(arg, NULL, LG_NEVER), LG_ECLOSED);
    n_done++;
}

it("goroutines woken by one that never yields", "run elsewhere", .procs = 2)
{
    lg_chan *ch = spec_chan(rt, 0, 0);
    for (int i = 0; i < 100; i++) {
        spec_go(rt, wait_close, ch);
    }
    SETTLE(spec_waiting(rt, NULL) == 100);
    wake_and_hold(ch);
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(ch);
}

// ---------------------------------------------------------------------------
// Strands
// ---------------------------------------------------------------------------

static struct interpreter interpreter;

static int script_count(struct script *script, int result)
{
    SCRIPT_BEGIN
    for (script->round = 0; script->round < 10; script->round++) {
        SCRIPT_AWAIT(lg_yield())
    }
    n_done++;
    SCRIPT_END
}

static void start_and_hold(lg_post *post)
{
    (void)post;
    for (int i = 0; i < 50; i++) {
        script_go(lg_strand_self(), script_count, NULL);
    }
}

it("a strand behind a goroutine that never yields", "is stolen whole", .procs = 2)
{
    lg_strand *strand = script_strand(rt, &interpreter);
    static lg_post post;
    post.fn = start_and_hold;
    lg_strand_post(strand, &post);
    while (n_done < 50) {
    }
    SETTLE(lg_num_goroutine(rt) == 1);
    CHECK_INT(interpreter.inside, 0);
}

static void hold_until(__attribute__((unused)) void *arg)
{
    n_here++;
    while (n_done < 50) {
    }
}

it("native goroutines and a strand", "share the Ps", .procs = 3)
{
    lg_strand *strand = script_strand(rt, &interpreter);
    static lg_post post;
    post.fn = start_and_hold;
    spec_go(rt, hold_until, NULL);
    SETTLE(n_here == 1);
    lg_strand_post(strand, &post);
    SETTLE(n_done == 50);
    SETTLE(lg_num_goroutine(rt) == 1);
}
