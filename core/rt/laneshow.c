// SPDX-License-Identifier: MIT
#include "rt/laneshow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lagoon.h"

enum { NO_P_TID = 10000 };

uint64_t lg__lanes_ns(const struct lanes *l, uint64_t when)
{
    return when > l->zero ? (uint64_t)((double)(when - l->zero) * l->ns_per_tick) : 0;
}

static uint32_t tid_of(int p)
{
    return p < 0 ? NO_P_TID : (uint32_t)p + 1;
}

// ---------------------------------------------------------------------------
// Names
// ---------------------------------------------------------------------------

static void show_name(struct lanes *l, const char *what, uint32_t pid, uint32_t tid,
                      const char *name)
{
    lg__json_begin(l->out, 'M', what, pid, tid);
    lg__json_open_object(l->out, "args");
    lg__json_string(l->out, "name", name);
    lg__json_close_object(l->out);
    lg__json_end(l->out);
}

static void show_index(struct lanes *l, const char *what, uint32_t pid, uint32_t tid,
                       uint32_t index)
{
    lg__json_begin(l->out, 'M', what, pid, tid);
    lg__json_open_object(l->out, "args");
    lg__json_number(l->out, "sort_index", index);
    lg__json_close_object(l->out);
    lg__json_end(l->out);
}

void lg__show_processes(struct lanes *l)
{
    static const char *const names[] = {[PID_PS] = "Ps",
                                        [PID_GS] = "goroutines",
                                        [PID_COLLECTOR] = "collector",
                                        [PID_TRACE] = "trace"};
    for (uint32_t pid = PID_PS; pid <= PID_TRACE; pid++) {
        if (pid != PID_PS) { // whose name comes first of all
            show_name(l, "process_name", pid, 0, names[pid]);
        }
        show_index(l, "process_sort_index", pid, 0, pid);
    }
    show_name(l, "thread_name", PID_COLLECTOR, TID_PHASES, "phases");
    show_name(l, "thread_name", PID_COLLECTOR, TID_STOPPED, "stopped world");
    show_name(l, "thread_name", PID_TRACE, TID_GAPS, "gaps");
}

void lg__show_p(struct lanes *l, int p)
{
    char name[24] = "no P";
    if (p >= 0) {
        snprintf(name, sizeof name, "P%d", p);
    }
    show_name(l, "thread_name", PID_PS, tid_of(p), name);
    show_index(l, "thread_sort_index", PID_PS, tid_of(p), tid_of(p));
}

void lg__show_lane(struct lanes *l, const struct lane_g *g)
{
    char name[2 * LABEL_JSON_SIZE + 32];
    bool has_name = g->name[0] != '\0';
    bool has_place = g->place[0] != '\0';
    snprintf(name, sizeof name, "%" PRIu64 "%s%s%s%s%s", g->id, has_name ? " " : "",
             g->name, has_place ? " (" : "", g->place, has_place ? ")" : "");
    show_name(l, "thread_name", PID_GS, g->lane, name);
    show_index(l, "thread_sort_index", PID_GS, g->lane, g->lane);
}

// ---------------------------------------------------------------------------
// Slices
// ---------------------------------------------------------------------------

static void begin_slice(struct lanes *l, const char *name, const char *category,
                        uint32_t pid, uint32_t tid, uint64_t since, uint64_t until)
{
    uint64_t since_ns = lg__lanes_ns(l, since);
    uint64_t until_ns = lg__lanes_ns(l, until);
    lg__json_begin(l->out, 'X', name, pid, tid);
    lg__json_string(l->out, "cat", category);
    lg__json_time(l->out, "ts", since_ns);
    lg__json_time(l->out, "dur", until_ns > since_ns ? until_ns - since_ns : 0);
    lg__json_open_object(l->out, "args");
}

static void end_slice(struct lanes *l)
{
    lg__json_close_object(l->out);
    lg__json_end(l->out);
}

void lg__show_run(struct lanes *l, int p, uint64_t id, const struct lane_g *g,
                  uint64_t since, uint64_t until)
{
    const char *name = g && g->name[0]    ? g->name
                       : g && g->place[0] ? g->place
                                          : "goroutine";
    begin_slice(l, name, "run", PID_PS, tid_of(p), since, until);
    lg__json_number(l->out, "g", id);
    end_slice(l);
}

static bool is_of_outside(const char *reason)
{
    static const char *const reasons[] = {"io wait", "syscall"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (strcmp(reason, reasons[i]) == 0) {
            return true;
        }
    }
    return false;
}

void lg__show_state(struct lanes *l, const struct lane_g *g, uint64_t until)
{
    if (g->lane == 0 || g->state == LANE_UNKNOWN) {
        return;
    }
    bool waits = g->state == LANE_WAITING;
    const char *name = waits                       ? g->why
                       : g->state == LANE_RUNNABLE ? "runnable"
                                                   : "running";
    const char *category = !waits ? "state" : is_of_outside(name) ? "io" : "wait";
    begin_slice(l, name, category, PID_GS, g->lane, g->since, until);
    lg__json_number(l->out, "g", g->id);
    if (g->state == LANE_RUNNABLE && g->by) {
        lg__json_number(l->out, "by", g->by);
    } else if (g->state == LANE_RUNNING && g->p >= 0) {
        lg__json_number(l->out, "p", (uint64_t)g->p);
    }
    end_slice(l);
}

void lg__show_stretch(struct lanes *l, const char *name, const char *category,
                      uint32_t pid, uint32_t tid, uint64_t since, uint64_t until,
                      struct lane_arg arg)
{
    begin_slice(l, name, category, pid, tid, since, until);
    if (arg.key) {
        lg__json_number(l->out, arg.key, arg.value);
    }
    end_slice(l);
}

// ---------------------------------------------------------------------------
// Moments
// ---------------------------------------------------------------------------

void lg__show_instant(struct lanes *l, const char *name, const char *category, int p,
                      uint64_t when, struct lane_arg first, struct lane_arg second)
{
    lg__json_begin(l->out, 'i', name, PID_PS, tid_of(p));
    lg__json_string(l->out, "cat", category);
    lg__json_time(l->out, "ts", lg__lanes_ns(l, when));
    lg__json_string(l->out, "s", "t");
    lg__json_open_object(l->out, "args");
    if (first.key) {
        lg__json_number(l->out, first.key, first.value);
    }
    if (second.key) {
        lg__json_number(l->out, second.key, second.value);
    }
    lg__json_close_object(l->out);
    lg__json_end(l->out);
}

static void show_half(struct lanes *l, char phase, const struct lane_flow *flow,
                      uint32_t lane, uint64_t ns)
{
    char name[24];
    snprintf(name, sizeof name, "chan %u", flow->chan);
    lg__json_begin(l->out, phase, name, PID_GS, lane);
    lg__json_string(l->out, "cat", "chan");
    lg__json_number(l->out, "id", l->last_flow);
    lg__json_time(l->out, "ts", ns);
    if (phase == 'f') {
        lg__json_string(l->out, "bp", "e");
    }
    lg__json_end(l->out);
}

// Both at once: neither is ever alone. A flow begins in the slice that ends at its moment.
void lg__show_flow(struct lanes *l, const struct lane_flow *from, uint32_t to_lane,
                   uint64_t when)
{
    if (from->lane == 0 || to_lane == 0) {
        return;
    }
    l->last_flow++;
    uint64_t from_ns = lg__lanes_ns(l, from->when);
    show_half(l, 's', from, from->lane, from_ns > 0 ? from_ns - 1 : 0);
    show_half(l, 'f', from, to_lane, lg__lanes_ns(l, when));
}

void lg__show_figure(struct lanes *l, const char *name, const char *key, uint64_t value,
                     uint64_t when)
{
    lg__json_begin(l->out, 'C', name, PID_PS, 0);
    lg__json_string(l->out, "cat", "counter");
    lg__json_time(l->out, "ts", lg__lanes_ns(l, when));
    lg__json_open_object(l->out, "args");
    lg__json_number(l->out, key, value);
    lg__json_close_object(l->out);
    lg__json_end(l->out);
}
