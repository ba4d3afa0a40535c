// SPDX-License-Identifier: MIT
//
// Memory that runs out: at each allocation in turn, once and for good. Every
// call says so and the hook gets back every byte.
#include "script.h"

static struct spec_memory memory;
static lg_runtime *rt_small;
static int n_refused;

static void fail_at(int n, bool is_for_good)
{
    atomic_store(&memory.fail_at, n);
    atomic_store(&memory.is_fail_after, is_for_good);
}

static void check_balance(void)
{
    CHECK_INT(memory.blocks, 0);
    CHECK_INT(memory.bytes, 0);
}

static int open_small(void)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 2;
    opts.alloc = spec_realloc;
    opts.alloc_ud = &memory;
    rt_small = NULL;
    return lg_open(&opts, &rt_small);
}

it("open when memory runs out at the n-th allocation", "says so and leaves nothing",
   .limit_s = 30)
{
    for (int for_good = 0; for_good < 2; for_good++) {
        for (int n = 1;; n++) {
            CHECK(n < 10000);
            fail_at(n, for_good);
            int err = open_small();
            bool has_failed = atomic_load(&memory.fail_at) <= (for_good ? 1 : 0);
            fail_at(0, false);
            if (err) {
                CHECK_CODE(err, LG_ENOMEM);
                CHECK(rt_small == NULL);
            } else {
                lg_close(rt_small);
            }
            check_balance();
            if (!err && !has_failed) {
                break;
            }
        }
    }
}

static bool is_refused(int err)
{
    CHECK(err == LG_OK || err == LG_ENOMEM || err == LG_EAGAIN);
    n_refused += err == LG_ENOMEM;
    return err == LG_ENOMEM;
}

static void nothing(__attribute__((unused)) void *arg)
{
}

static int nothing_scripted(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_END
}

// A bit of everything that takes memory. Two may be under way: one that lg_run()
// could not drive is not lost.
static void use(__attribute__((unused)) void *arg)
{
    lg_timer timers[20];
    lg_case cases[300];
    lg_chan *chans[4] = {0};
    size_t index;
    for (int i = 0; i < 4; i++) {
        is_refused(lg_chan_new(rt_small, NULL, 100, 10, &chans[i]));
    }
    for (int i = 0; i < 300; i++) {
        cases[i] = (lg_case){.ch = chans[i % 4]};
    }
    is_refused(lg_select(cases, 300, 0, &index));
    int err = lg_select(cases, 300, lg_now(rt_small) + 1000, &index);
    CHECK(err == LG_ENOMEM || err == LG_ETIMEDOUT);
    for (int i = 0; i < 20; i++) {
        memset(&timers[i], 0, sizeof timers[i]);
        lg_timer_init(&timers[i], rt_small, NULL, nothing, NULL);
        is_refused(lg_timer_start(&timers[i], LG_NEVER - 1, 0));
    }
    for (int i = 0; i < 300; i++) {
        is_refused(lg_go(rt_small, nothing, NULL, NULL, NULL));
    }
    CHECK_OK(lg_yield());
    for (int i = 0; i < 20; i++) {
        lg_timer_stop(&timers[i]);
    }
    for (int i = 0; i < 4; i++) {
        lg_chan_free(chans[i]);
    }
    lg_set_procs(rt_small, 4);
}

static void use_strand(void)
{
    static struct interpreter interpreter;
    lg_strand *strand = NULL;
    if (is_refused(lg_strand_open(rt_small, &script_ops, &interpreter, &strand))) {
        CHECK(strand == NULL);
        return;
    }
    for (int i = 0; i < 100; i++) {
        lg_ref ref;
        void *extra = NULL;
        if (!is_refused(lg_strand_go(strand, NULL, &ref, &extra))) {
            ((struct script *)extra)->step = nothing_scripted;
        }
    }
}

it("a running program when memory runs out at the n-th allocation",
   "is told so and goes on", .limit_s = 60)
{
    int step = spec_has_tsan() ? 20 : 1;
    for (int for_good = 0; for_good < 2; for_good++) {
        for (int n = 1;; n += step) {
            CHECK(n < 10000);
            CHECK_OK(open_small());
            fail_at(n, for_good);
            use_strand();
            int err = lg_run(rt_small, use, NULL);
            CHECK(err == LG_OK || err == LG_ENOMEM);
            bool has_failed = atomic_load(&memory.fail_at) <= (for_good ? 1 : 0);
            fail_at(0, false);
            spec_main(rt_small, use, NULL); // memory is back: all works
            lg_close(rt_small);
            check_balance();
            if (!has_failed) {
                break;
            }
        }
    }
    CHECK(n_refused > 0);
}
