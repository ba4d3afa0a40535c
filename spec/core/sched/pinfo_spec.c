// SPDX-License-Identifier: MIT
//
// Ps seen from outside, and what a trace tells of how work moves between them.
#include "spec.h"

static _Atomic bool is_over;
static _Atomic int n_spinning;
static _Atomic int n_steals;
static _Atomic int n_wrong;

static void spin(__attribute__((unused)) void *arg)
{
    n_spinning++;
    while (!is_over) { // holds its P
    }
    n_spinning--;
}

static lg_p_info info_of(lg_runtime *rt, size_t index)
{
    lg_p_info info = {.size_bytes = sizeof info};
    CHECK_OK(lg_get_p_info(rt, index, &info));
    return info;
}

// Whether some P runs a goroutine, which may have had it for so long that it is in excess.
static bool runs(lg_runtime *rt, uint64_t g)
{
    lg_p_info info = {.size_bytes = sizeof info};
    for (size_t i = 0; lg_get_p_info(rt, i, &info) == LG_OK; i++) {
        if (info.status != LG_P_IDLE && info.g == g && info.number == (int)i) {
            return true;
        }
    }
    return false;
}

static bool has_idle(lg_runtime *rt)
{
    lg_p_info info = {.size_bytes = sizeof info};
    size_t i = 0;
    while (lg_get_p_info(rt, i, &info) == LG_OK && info.status != LG_P_IDLE) {
        i++;
    }
    return info.status == LG_P_IDLE;
}

it("p_info", "tells what a P runs, and that it is idle", .procs = 2)
{
    CHECK(runs(rt, lg_self().id));
    is_over = false;
    lg_ref other = spec_go(rt, spin, NULL);
    SETTLE(runs(rt, other.id));
    is_over = true;
    SETTLE(n_spinning == 0 && has_idle(rt));
    CHECK(info_of(rt, 0).rounds + info_of(rt, 1).rounds > 0);
}

it("p_info", "knows no P beyond the last, and writes no more than there is room for",
   .procs = 1)
{
    lg_p_info info;
    memset(&info, 0x55, sizeof info);
    CHECK_CODE(lg_get_p_info(rt, 100000, &info), LG_EINVAL);
    const unsigned char *bytes = (const unsigned char *)&info;
    CHECK_INT(bytes[0], 0x55);
    info.size_bytes = offsetof(lg_p_info, g);
    CHECK_OK(lg_get_p_info(rt, 0, &info));
    CHECK_INT(info.status, LG_P_RUNNING);
    for (size_t i = offsetof(lg_p_info, g); i < sizeof info; i++) {
        CHECK_INT(bytes[i], 0x55);
    }
}

static void nothing(__attribute__((unused)) void *arg)
{
}

it("p_info", "counts what stands in a run queue", .procs = 1)
{
    for (int i = 0; i < 3; i++) {
        spec_go(rt, nothing, NULL);
    }
    CHECK_INT(info_of(rt, 0).queued, 3);
    SETTLE(info_of(rt, 0).queued == 0);
}

static void look(__attribute__((unused)) void *ud, const lg_trace_event *events,
                 size_t nevents)
{
    for (size_t i = 0; i < nevents; i++) {
        if (events[i].kind == LG_TRACE_STEAL) {
            n_steals++;
            n_wrong += events[i].arg == (uint64_t)events[i].p || events[i].p < 0;
        }
    }
}

it("a trace", "tells who has stolen from whom", .procs = 2)
{
    n_steals = 0;
    n_wrong = 0;
    is_over = false;
    uint64_t before = spec_stats(rt).steals;
    CHECK_OK(lg_trace_start(rt, look, NULL));
    spec_go(rt, spin, NULL);
    spec_go(rt, nothing, NULL);
    while (n_spinning == 0) { // does not let go: another P must have taken it
    }
    is_over = true;
    SETTLE(n_spinning == 0);
    lg_trace_stop(rt);
    CHECK(spec_stats(rt).steals > before);
    CHECK(n_steals > 0);
    CHECK_INT(n_wrong, 0);
}
