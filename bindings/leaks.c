// SPDX-License-Identifier: MIT
//
// A goroutine that waits without a time-out for something of the script's, a
// channel or a lock, is a candidate. Candidates are taken for dead until a walk
// from the roots (reach.h) comes to what one of them waits for: whoever holds
// that can wake it. Then its coroutine and its task are walked into as well,
// until nothing is left. Who is still not found has leaked.
//
// What other states know, too (share.h), they can wake: that is no candidate.
//
// A handle is no way to a goroutine's coroutine: that somebody waits for it, or
// could cancel it, does not wake it. And a goroutine that waits for a task waits
// for the task's goroutine, whoever else has the handle.
//
// See docs/decisions/own_walk.md for why the collector does not do this.
#include "leaks.h"

#include <lagoon.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "dump.h"
#include "reach.h"
#include "select.h"
#include "state.h"
#include "sync.h"
#include "task.h"
#include "timers.h"

// The core's word for a condition's second part, which waits for the mutex.
static const char RELOCKING[] = "cond wait (mutex lock)";

struct candidate {
    struct script_g *sg;
    const lg_g_info *info;
    bool is_live;
};

// A candidate waits for an object, or for the end of another goroutine.
struct edge {
    const void *object; // a userdata, or a coroutine
    struct candidate *candidate;
};

struct search {
    struct script *s;
    struct snapshot *snapshot;
    struct candidate *candidates;
    size_t ncandidates;
    struct edge *edges; // ordered by object
    size_t nedges;
    unsigned char *is_skipped; // by slot: of a candidate
};

// -- candidates --

// Where the blocking function of a goroutine that waits was called; NULL:
// somebody has resumed its coroutine meanwhile.
static lua_State *place_of(const struct script_g *sg)
{
    if (sg->donor != NULL) {
        return sg->donor;
    }
    bool is_there = lua_status(sg->co) == LUA_YIELD && lua_gettop(sg->co) == sg->top;
    return is_there ? sg->co : NULL;
}

static size_t count_objects(const struct script_g *sg)
{
    return sg->parked_on == PARKED_ON_CASES ? lagoon__select_ncases(sg) : 1;
}

static bool is_ticking(lua_State *place)
{
    struct chan *chan = lagoon__object_at(place, 1, KIND_CHAN);
    return chan != NULL && lagoon__ticker_is_pending(chan);
}

static bool has_tick(const struct script_g *sg)
{
    for (size_t i = 0; i < lagoon__select_ncases(sg); i++) {
        if (lagoon__ticker_is_pending(lagoon__select_chan(sg, i))) {
            return true;
        }
    }
    return false;
}

// Whom other states know, they can wake.
static bool is_shared(lua_State *place)
{
    enum kind kind;
    const struct object *object = lagoon__object_any(place, 1, &kind);
    return object == NULL || object->handle != NULL;
}

static bool has_shared(const struct script_g *sg)
{
    for (size_t i = 0; i < lagoon__select_ncases(sg); i++) {
        if (lagoon__select_chan(sg, i)->object.handle != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_candidate(const struct script *s, const lg_g_info *info)
{
    if (info->strand != s->strand || info->status != LG_WAITING) {
        return false;
    }
    const struct script_g *sg = info->extra;
    lua_State *place = place_of(sg);
    if (sg->is_main || place == NULL) {
        return false;
    }
    switch (sg->parked_on) {
    case PARKED_ON_SELF: return !is_shared(place) && !is_ticking(place);
    case PARKED_ON_CASES: return !has_shared(sg) && !has_tick(sg);
    default: return false;
    }
}

// -- what they wait for --

static void add_edge(struct search *search, struct candidate *candidate,
                     const void *object)
{
    search->edges[search->nedges++] = (struct edge){object, candidate};
}

static void add_self(struct search *search, struct candidate *candidate)
{
    lua_State *place = place_of(candidate->sg);
    const void *object = lua_touserdata(place, 1);
    const char *reason = candidate->info->wait_reason;
    const struct cond *cond = lagoon__object_at(place, 1, KIND_COND);
    const struct task *task = lagoon__object_at(place, 1, KIND_TASK);
    if (task != NULL) {
        object = task->sg->co;
    } else if (cond != NULL && reason != NULL && strcmp(reason, RELOCKING) == 0) {
        object = cond->mutex;
    }
    add_edge(search, candidate, object);
}

static void add_edges(struct search *search, struct candidate *candidate)
{
    const struct script_g *sg = candidate->sg;
    if (sg->parked_on == PARKED_ON_SELF) {
        add_self(search, candidate);
        return;
    }
    for (size_t i = 0; i < lagoon__select_ncases(sg); i++) {
        add_edge(search, candidate, lagoon__select_chan(sg, i));
    }
}

static int compare_edges(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct edge *)a)->object;
    uintptr_t y = (uintptr_t)((const struct edge *)b)->object;
    return (x > y) - (x < y);
}

// Fills everything but s; leaves what it needs on the stack.
static void find_candidates(lua_State *L, struct search *search)
{
    struct script *s = search->s;
    struct snapshot *snapshot = search->snapshot = lagoon__push_snapshot(L, s);
    size_t nobjects = 0;
    for (size_t i = 0; i < snapshot->n; i++) {
        if (is_candidate(s, &snapshot->infos[i])) {
            search->ncandidates++;
            nobjects += count_objects(snapshot->infos[i].extra);
        }
    }
    search->candidates =
        lua_newuserdata(L, search->ncandidates * sizeof *search->candidates);
    search->edges = lua_newuserdata(L, nobjects * sizeof *search->edges);
    search->is_skipped = lua_newuserdata(L, (size_t)s->slots.last + 1);
    memset(search->is_skipped, 0, (size_t)s->slots.last + 1);
    struct candidate *candidate = search->candidates;
    for (size_t i = 0; i < snapshot->n; i++) {
        const lg_g_info *info = &snapshot->infos[i];
        if (is_candidate(s, info)) {
            *candidate = (struct candidate){.sg = info->extra, .info = info};
            search->is_skipped[candidate->sg->co_slot] = 1;
            if (candidate->sg->task) {
                search->is_skipped[candidate->sg->task->slot] = 1;
            }
            add_edges(search, candidate++);
        }
    }
    qsort(search->edges, search->nedges, sizeof *search->edges, compare_edges);
}

// -- the search --

static size_t first_edge(const struct search *search, const void *object)
{
    size_t low = 0;
    size_t high = search->nedges;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uintptr_t)search->edges[middle].object < (uintptr_t)object) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void add_kept(struct reach *reach, struct script *s, int slot)
{
    lagoon__push_kept(reach->L, s, slot);
    lagoon__reach_add(reach);
}

// Whoever waits for what can be reached lives; a task ends with its coroutine.
static void visit(struct reach *reach, int type, const void *ptr)
{
    struct search *search = reach->ud;
    if (type != LUA_TUSERDATA && type != LUA_TTHREAD) {
        return;
    }
    size_t i = first_edge(search, ptr);
    for (; i < search->nedges && search->edges[i].object == ptr; i++) {
        struct candidate *candidate = search->edges[i].candidate;
        if (!candidate->is_live) {
            candidate->is_live = true;
            add_kept(reach, search->s, candidate->sg->co_slot);
            if (candidate->sg->task) {
                add_kept(reach, search->s, candidate->sg->task->slot);
            }
        }
    }
}

// Pushes the list of those that have leaked. The collector is stopped.
static int search(lua_State *L)
{
    struct search search = {.s = lua_touserdata(L, 1)};
    struct reach reach;
    lagoon__reach_init(&reach, L);
    find_candidates(L, &search);
    reach.visit = visit;
    reach.ud = &search;
    lagoon__reach_add_roots(&reach, search.s, search.is_skipped);
    lagoon__reach_run(&reach);
    lua_newtable(L);
    int n = 0;
    for (size_t i = 0; i < search.ncandidates; i++) {
        if (!search.candidates[i].is_live) {
            lagoon__push_info(L, search.s, search.candidates[i].info);
            lua_rawseti(L, -2, ++n);
        }
    }
    return 1;
}

static int leaks(lua_State *L)
{
    struct script *s = lagoon__script(L);
    // What is garbage may have a finaliser that wakes somebody, and is gone then.
    lagoon__reach_call(L, s, search, s, "look for leaks");
    return 1;
}

void lagoon__open_leaks(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"leaks", leaks}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
