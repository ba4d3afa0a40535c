// SPDX-License-Identifier: MIT
//
// Who runs, as seen from outside.
#include "spec.h"

enum { IDS = 8 };

static _Atomic bool is_over;
static lg_chan *ch;

static void spin(__attribute__((unused)) void *arg)
{
    while (!is_over) {
        lg_checkpoint();
    }
}

static void receive(__attribute__((unused)) void *arg)
{
    int value;
    lg_chan_recv(ch, &value, LG_NEVER);
}

static bool runs(lg_runtime *rt, uint64_t id)
{
    uint64_t ids[IDS];
    size_t n = lg_running(rt, ids, IDS);
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

it("running", "names those that compute, and the caller", .procs = 2)
{
    lg_ref ref = spec_go(rt, spin, NULL);
    SETTLE(runs(rt, ref.id));
    CHECK(runs(rt, lg_self().id));
    is_over = true;
    SETTLE(!runs(rt, ref.id));
}

it("running", "does not name who waits", .procs = 1)
{
    ch = spec_chan(rt, sizeof(int), 0);
    lg_ref ref = spec_go(rt, receive, NULL);
    SETTLE(spec_is_waiting(rt, ref));
    CHECK(!runs(rt, ref.id));
    lg_chan_close(ch);
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(ch);
}

it("running", "writes no more than there is room for", .procs = 1)
{
    uint64_t ids[] = {77, 78};
    CHECK_INT(lg_running(rt, ids, 0), 0);
    CHECK_INT(ids[0], 77);
    CHECK_INT(lg_running(rt, ids, 1), 1);
    CHECK_INT(ids[0], lg_self().id);
    CHECK_INT(ids[1], 78);
}

it("running of a runtime that nothing drives", "is nobody")
{
    uint64_t ids[IDS];
    CHECK_INT(lg_running(spec_open(1), ids, IDS), 0);
}
