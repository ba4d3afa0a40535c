// SPDX-License-Identifier: MIT
#include "rt/lanechans.h"

#include <string.h>

#include "rt/lanegs.h"
#include "rt/laneshow.h"

static uint32_t lane_of(struct lanes *l, uint64_t id)
{
    struct lane_g *g = id ? lg__lane_find(l, id) : NULL;
    return g ? g->lane : 0;
}

static struct lane_chan *chan_of(struct lanes *l, uint32_t number)
{
    struct lane_chan *c = &l->chans[number % LANE_CHANS];
    if (c->number != number) {
        c->number = number;
        c->npending = 0;
    }
    return c;
}

// Only the last so many are in the buffer still.
static void trim(struct lane_chan *c, uint64_t n)
{
    if (c->npending > n) {
        memmove(c->pending, c->pending + (c->npending - n), n * sizeof *c->pending);
        c->npending = (uint32_t)n;
    }
}

static void push(struct lane_chan *c, struct lane_flow flow)
{
    trim(c, LANE_PENDING_MAX - 1);
    c->pending[c->npending++] = flow;
}

static void send(struct lanes *l, uint32_t number, uint64_t len,
                 const struct timeline_event *e, uint64_t when)
{
    struct lane_flow flow = {.when = when, .lane = lane_of(l, e->g), .chan = number};
    struct lane_g *partner = e->more ? lg__lane_find(l, e->more) : NULL;
    if (partner) {
        partner->flow = flow;
    } else if (e->more == 0) {
        struct lane_chan *c = chan_of(l, number);
        push(c, flow);
        trim(c, len);
    }
}

// Without a partner the buffer had one more; with one it was as full, or there is none.
static void receive(struct lanes *l, uint32_t number, uint64_t len,
                    const struct timeline_event *e, uint64_t when)
{
    struct lane_chan *c = chan_of(l, number);
    struct lane_flow partner = {
        .when = when, .lane = lane_of(l, e->more), .chan = number};
    uint64_t before = e->more ? len : len + 1;
    struct lane_flow flow = {.lane = 0};
    if (before == 0) {
        flow = partner;
    } else {
        trim(c, before);
        if (c->npending == before) {
            flow = c->pending[0];
            trim(c, before - 1);
        }
        if (e->more) {
            push(c, partner);
        }
    }
    lg__show_flow(l, &flow, lane_of(l, e->g), when);
}

void lg__lane_operate(struct lanes *l, int p, unsigned kind,
                      const struct timeline_event *e, uint64_t when)
{
    uint32_t number = (uint32_t)e->arg;
    bool is_closed = (e->arg & TIMELINE_CHAN_CLOSED) != 0;
    uint64_t len = (e->arg >> TIMELINE_LEN_SHIFT) & TIMELINE_LEN_MAX;
    const char *name = kind == LG_TRACE_SEND   ? "send"
                       : kind == LG_TRACE_RECV ? "recv"
                                               : "close";
    lg__show_instant(l, name, "chan", p, when, (struct lane_arg){"g", e->g},
                     (struct lane_arg){"chan", number});
    if (number != 0 && !is_closed && kind == LG_TRACE_SEND) {
        send(l, number, len, e, when);
    } else if (number != 0 && !is_closed && kind == LG_TRACE_RECV) {
        receive(l, number, len, e, when);
    }
}
