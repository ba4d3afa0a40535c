// SPDX-License-Identifier: MIT
//
// The goroutines that a timeline knows: a hash table of a fixed size.
#include "rt/lanegs.h"

#include "rt/laneshow.h"

static uint32_t *bucket_of(struct lanes *l, uint64_t id)
{
    return &l->buckets[(id * 0x9e3779b97f4a7c15ULL >> 32) % LANE_GS];
}

struct lane_g *lg__lane_find(struct lanes *l, uint64_t id)
{
    uint32_t at = *bucket_of(l, id);
    while (at != 0 && l->gs[at - 1].id != id) {
        at = l->gs[at - 1].next;
    }
    return at ? &l->gs[at - 1] : NULL;
}

void lg__lane_set(struct lanes *l, struct lane_g *g, enum lane_state state, uint64_t when)
{
    l->nrunnable -= g->state == LANE_RUNNABLE;
    l->nrunnable += state == LANE_RUNNABLE;
    g->state = state;
    g->since = when;
    g->gap = 0;
    g->by = 0;
    g->p = -1;
}

void lg__lane_forget(struct lanes *l, struct lane_g *g)
{
    uint32_t place = (uint32_t)(g - l->gs) + 1;
    uint32_t *link = bucket_of(l, g->id);
    while (*link != place) {
        link = &l->gs[*link - 1].next;
    }
    *link = g->next;
    lg__lane_set(l, g, LANE_UNKNOWN, 0);
    if (g->lane) {
        l->owners[g->lane] = 0;
    }
    g->id = 0;
    g->next = l->free;
    l->free = place;
}

// Those of whom nothing has been heard since the last gap: they may have ended in it.
static bool forget_silent(struct lanes *l)
{
    for (uint32_t i = 0; i < l->nfresh; i++) {
        struct lane_g *g = &l->gs[i];
        if (g->id != 0 && (g->state == LANE_UNKNOWN || g->gap != 0)) {
            lg__lane_forget(l, g);
        }
    }
    return l->free != 0;
}

static struct lane_g *take_place(struct lanes *l, bool *out_has_forgotten)
{
    uint32_t place = l->free;
    if (place == 0 && l->nfresh < LANE_GS) {
        return &l->gs[l->nfresh++];
    }
    if (place == 0) {
        *out_has_forgotten = forget_silent(l);
        place = l->free;
    }
    if (place == 0) {
        return NULL;
    }
    l->free = l->gs[place - 1].next;
    return &l->gs[place - 1];
}

struct lane_g *lg__lane_meet(struct lanes *l, uint64_t id, bool *out_has_forgotten)
{
    struct lane_g *g = lg__lane_find(l, id);
    if (g || id == 0) {
        return g;
    }
    g = take_place(l, out_has_forgotten);
    if (!g) {
        return NULL;
    }
    *g = (struct lane_g){.id = id, .p = -1};
    uint32_t place = (uint32_t)(g - l->gs) + 1;
    uint32_t *bucket = bucket_of(l, id);
    g->next = *bucket;
    *bucket = place;
    if (l->nlanes < LANES_MAX) {
        g->lane = ++l->nlanes;
        l->owners[g->lane] = place;
        lg__show_lane(l, g);
    }
    return g;
}
