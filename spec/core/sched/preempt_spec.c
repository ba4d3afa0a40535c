// SPDX-License-Identifier: MIT
//
// Preemption of scripted goroutines: when a strand's `interrupt` is called, and how they
// leave.
#include "load.h"
#include "script.h"

static struct interpreter interpreter;
static lg_runtime *host;
static lg_strand *strand;
static _Atomic int n_asked;
static int hears_at; // the how manieth time it can be told
static _Atomic bool is_told;
static bool has_sibling_run;

static bool interrupt(lg_strand *s, lg_g *g, void *extra, const void *pc)
{
    CHECK(s == strand && pc);
    CHECK(((struct script *)extra)->g == g);
    if (++n_asked < hears_at) {
        return false;
    }
    is_told = true;
    return true;
}

static void open_strand(int64_t slice_ns)
{
    static lg_strand_ops ops;
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 1;
    opts.signals = true;
    opts.slice_ns = slice_ns;
    host = spec_open_with(&opts);
    CHECK(lg_slice_ns(host) == (spec_has_tsan() ? LG_NEVER : slice_ns));
    ops = script_ops;
    ops.interrupt = interrupt;
    CHECK_OK(lg_strand_open(host, &ops, &interpreter, &strand));
}

static int sibling(struct script *script, int result)
{
    (void)script;
    (void)result;
    has_sibling_run = true;
    return LG_OK;
}

static int compute_until_told(struct script *script, int result)
{
    SCRIPT_BEGIN
    script_go(strand, sibling, NULL);
    while (!is_told) {
    }
    CHECK(!has_sibling_run);
    SCRIPT_KEEP(lg_yield())
    CHECK(has_sibling_run);
    SCRIPT_END
}

static int compute_and_stay(struct script *script, int result)
{
    SCRIPT_BEGIN
    while (n_asked < 3) {
    }
    SCRIPT_END
}

static int yield_in_place(struct script *script, int result)
{
    SCRIPT_BEGIN
    script_go(strand, sibling, NULL);
    SCRIPT_KEEP(lg_yield())
    CHECK_OK(result);
    CHECK(has_sibling_run);
    SCRIPT_END
}

static void drive(script_step step)
{
    lg_ref ref = script_go(strand, step, NULL);
    CHECK_OK(lg_drive(host, ref));
}

it("preempt", "asks who computes until that can be told")
{
    if (load_has_signals()) {
        hears_at = 5;
        open_strand(2000000);
        drive(compute_until_told);
        CHECK(n_asked >= 5); // more if a slice passes before it leaves
    }
}

it("preempt", "asks again a slice later who has heard and does not leave")
{
    if (load_has_signals()) {
        open_strand(2000000);
        drive(compute_and_stay);
    }
}

it("preempt", "has a yield that keeps its stack let others run")
{
    open_strand(LG_SLICE_NS);
    drive(yield_in_place);
    CHECK_INT(interpreter.returns, 1);
}
