// SPDX-License-Identifier: MIT
//
// lg_update(): a frame's worth of goroutines on the host's thread. sched/host.h tells how
// that thread and the others get on.
#include <string.h>

#include "lagoon.h"
#include "os/clock.h"
#include "sched/drive.h"
#include "sched/host.h"

static bool is_sane(const lg_update_report *out)
{
    return !out ||
           (out->size_bytes >= sizeof out->size_bytes && out->size_bytes <= sizeof *out);
}

// After the host's thread is let go: what comes in from then on is told by on_wake.
static void fill(struct lg_runtime *rt, const struct update *u, int64_t began_ns,
                 int64_t ended_ns, lg_update_report *out)
{
    bool is_over = u->nsteps > 0 && u->now_ns > u->deadline_ns;
    lg_update_report report = {
        .size_bytes = out->size_bytes,
        .steps = u->nsteps,
        .spent_ns = ended_ns - began_ns,
        .over_ns = is_over ? u->now_ns - u->deadline_ns : 0,
        .longest_ns = u->longest_ns,
        .longest = u->longest,
        .ready = lg__host_count_ready(rt),
    };
    report.next_ns = report.ready > 0 ? ended_ns : lg__host_next_ns(rt);
    memcpy(out, &report, out->size_bytes);
}

int lg_update(lg_runtime *rt, int64_t budget_ns, lg_update_report *out)
{
    if (!is_sane(out)) {
        return LG_EINVAL;
    }
    int err = lg__host_is_on(rt) ? LG_OK : lg__host_open(rt);
    if (err) {
        return err;
    }
    lg__host_enter(rt);
    int64_t began_ns = lg__clock_now();
    bool is_endless = budget_ns < 0 || budget_ns > LG_NEVER - began_ns;
    struct update update = {
        .now_ns = began_ns,
        .deadline_ns = is_endless ? LG_NEVER : began_ns + budget_ns,
    };
    if (lg__host_has_due(rt)) {
        err = lg__host_run(rt, &update);
    }
    int64_t ended_ns = update.nsteps > 0 ? lg__clock_now() : began_ns;
    lg__frame_cost_note(rt, ended_ns - began_ns);
    lg__host_leave(rt);
    if (out && !err) {
        fill(rt, &update, began_ns, ended_ns, out);
    }
    return err;
}
