// SPDX-License-Identifier: MIT
//
// Doing something once.
#include "spec.h"

static lg_once once;
static int n_times; // no atomic: once is what is looked at
static _Atomic int n_done;
static _Atomic bool may_end;

static void do_once(__attribute__((unused)) void *arg)
{
    bool is_first = false;
    CHECK_OK(lg_once_begin(&once, &is_first));
    if (is_first) {
        while (!may_end) {
            CHECK_OK(lg_yield());
        }
        n_times++;
        lg_once_end(&once);
    }
    CHECK_INT(n_times, 1);
    n_done++;
}

it("once", "tells exactly one caller to do it, and the others wait for it", .procs = 4)
{
    for (int i = 0; i < 50; i++) {
        spec_go(rt, do_once, NULL);
    }
    SETTLE(spec_waiting(rt, NULL) == 49);
    CHECK_INT(n_done, 0);
    may_end = true;
    SETTLE(n_done == 50);
    bool is_first = true;
    CHECK_OK(lg_once_begin(&once, &is_first));
    CHECK(!is_first);
}

it("once on 4 Ps", "happens once in a race, each time", .procs = 4)
{
    may_end = true;
    int rounds = spec_rounds(1000);
    for (int round = 0; round < rounds; round++) {
        once = (lg_once){0};
        n_times = 0;
        n_done = 0;
        for (int i = 0; i < 4; i++) {
            spec_go(rt, do_once, NULL);
        }
        SETTLE(n_done == 4);
        CHECK_INT(n_times, 1);
    }
}

static void begin_in_vain(__attribute__((unused)) void *arg)
{
    bool is_first = true;
    CHECK_CODE(lg_once_begin(&once, &is_first), LG_ECANCELED);
    CHECK(is_first); // untouched
    n_done++;
}

it("once.begin that was canceled", "leaves the once to the others", .procs = 2)
{
    bool is_first = false;
    CHECK_OK(lg_once_begin(&once, &is_first));
    CHECK(is_first);
    lg_ref ref = spec_go(rt, begin_in_vain, NULL);
    SETTLE(spec_is_waiting(rt, ref));
    CHECK_OK(lg_cancel(ref));
    SETTLE(n_done == 1);
    n_times = 1;
    lg_once_end(&once);
    spec_go(rt, do_once, NULL);
    SETTLE(n_done == 2);
}

it("once.end that nobody began", "is fatal", .dies = "once", .procs = 1)
{
    lg_once_end(&once);
}
