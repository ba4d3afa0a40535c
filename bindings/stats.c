// SPDX-License-Identifier: MIT
//
// Figures as tables. Times are seconds, as everywhere in Lua.
#include "stats.h"

#include <lagoon.h>
#include <lauxlib.h>
#include <math.h>

#include "state.h"
#include "worker.h"

// So many entries are set in a table.
#define COUNT(figures) (int)(sizeof(figures) / sizeof(figures)[0])

struct figure {
    const char *name;
    double value;
};

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static void set_figures(lua_State *L, const struct figure *figures, int n)
{
    for (int i = 0; i < n; i++) {
        lua_pushnumber(L, figures[i].value);
        lua_setfield(L, -2, figures[i].name);
    }
}

static void push_figures(lua_State *L, const struct figure *figures, int n)
{
    lua_createtable(L, 0, n);
    set_figures(L, figures, n);
}

// -- memory --

static void push_uses(lua_State *L, const lg_stats *stats)
{
    const struct figure figures[] = {
        {"other", (double)stats->mem_uses[LG_USE_OTHER]},
        {"states", (double)stats->mem_uses[LG_USE_STATES]},
        {"channels", (double)stats->mem_uses[LG_USE_CHANS]},
        {"goroutines", (double)stats->mem_uses[LG_USE_GS]},
        {"buffers", (double)stats->mem_uses[LG_USE_BUFFERS]},
    };
    push_figures(L, figures, COUNT(figures));
}

static void push_memory(lua_State *L, lg_runtime *rt, const lg_stats *stats)
{
    int64_t limit = lg_mem_limit_get(rt);
    double total = (double)(stats->mem_objects + stats->mem_unused + stats->mem_idle +
                            stats->mem_meta + stats->mem_stacks);
    const struct figure figures[] = {
        {"total", total},
        {"objects", (double)stats->mem_objects},
        {"unused", (double)stats->mem_unused},
        {"idle", (double)stats->mem_idle},
        {"meta", (double)stats->mem_meta},
        {"stacks", (double)stats->mem_stacks},
        {"released", (double)stats->mem_released},
        {"collected", (double)stats->mem_collected},
        {"limit", limit == LG_MEM_NO_LIMIT ? (double)INFINITY : (double)limit},
    };
    push_figures(L, figures, COUNT(figures));
    push_uses(L, stats);
    lua_setfield(L, -2, "uses");
}

static void push_class(lua_State *L, const lg_class_stats *stats)
{
    const struct figure figures[] = {
        {"block_bytes", (double)stats->block_bytes},
        {"span_bytes", (double)stats->span_bytes},
        {"spans", (double)stats->spans},
        {"blocks", (double)stats->blocks},
        {"collected_spans", (double)stats->collected_spans},
        {"collected_blocks", (double)stats->collected_blocks},
        {"cached_blocks", (double)stats->cached_blocks},
    };
    push_figures(L, figures, COUNT(figures));
}

// A list by size, and `large`.
static void push_classes(lua_State *L, lg_runtime *rt)
{
    lg_class_stats stats;
    lua_newtable(L);
    if (lg_get_class_stats(rt, 0, &stats) == LG_OK) {
        push_class(L, &stats);
        lua_setfield(L, -2, "large");
    }
    for (size_t i = 1; lg_get_class_stats(rt, i, &stats) == LG_OK; i++) {
        push_class(L, &stats);
        lua_rawseti(L, -2, (int)i);
    }
}

// -- collectors --

static void set_core_gc(lua_State *L, const lg_gc_stats *gc)
{
    const struct figure figures[] = {
        {"cycles", (double)gc->cycles},
        {"forced", (double)gc->forced},
        {"live_bytes", (double)gc->live_bytes},
        {"heap_bytes", (double)gc->heap_bytes},
        {"goal_bytes", (double)gc->goal_bytes},
        {"stack_bytes", (double)gc->stack_bytes},
        {"root_bytes", (double)gc->root_bytes},
        {"allocated_bytes", (double)gc->allocated_bytes},
        {"allocated", (double)gc->allocated},
        {"freed_bytes", (double)gc->freed_bytes},
        {"freed", (double)gc->freed},
        {"pause_total", seconds(gc->pause_total_ns)},
        {"pause_last", seconds(gc->pause_last_ns)},
        {"pause_max", seconds(gc->pause_max_ns)},
        {"mark_cpu", seconds(gc->mark_cpu_ns)},
        {"assist_cpu", seconds(gc->assist_cpu_ns)},
        {"idle_cpu", seconds(gc->idle_cpu_ns)},
        {"cpu_share", gc->cpu_share},
        {"finalizers_queued", (double)gc->finalizers_queued},
        {"handles", (double)gc->handles},
        {"weaks", (double)gc->weaks},
        {"marked_bytes", (double)gc->marked_bytes},
        {"grey", (double)gc->grey},
    };
    set_figures(L, figures, COUNT(figures));
    lua_pushboolean(L, gc->is_cycling);
    lua_setfield(L, -2, "is_cycling");
    lua_pushboolean(L, gc->is_marking);
    lua_setfield(L, -2, "is_marking");
}

static double lua_bytes(lua_State *L)
{
    return 1024.0 * lua_gc(L, LUA_GCCOUNT, 0) + lua_gc(L, LUA_GCCOUNTB, 0);
}

static void set_lua_gc(lua_State *L, const struct collector *c)
{
    const struct figure figures[] = {
        {"lua_bytes", lua_bytes(L)},
        {"lua_cycles", (double)c->cycles},
        {"lua_steps", (double)c->nsteps},
        {"lua_steps_total", seconds(c->steps_ns)},
        {"lua_step_max", seconds(c->step_max_ns)},
        {"lua_step_last", seconds(c->step_last_ns)},
        {"lua_forced", (double)c->nforced},
        {"lua_forced_total", seconds(c->forced_ns)},
        {"lua_forced_max", seconds(c->forced_max_ns)},
    };
    set_figures(L, figures, COUNT(figures));
}

static void push_gc(lua_State *L, struct script *s)
{
    lg_gc_stats stats = {.size_bytes = sizeof stats};
    lg_get_gc_stats(s->rt, &stats);
    lua_createtable(L, 0, 40);
    set_core_gc(L, &stats);
    set_lua_gc(L, &s->collector);
    lua_createtable(L, LG_GC_PAUSE_BUCKETS, 0);
    for (int i = 0; i < LG_GC_PAUSE_BUCKETS; i++) {
        lua_pushnumber(L, (double)stats.pauses[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "pauses");
}

// -- frames --

static void push_frames(lua_State *L, lg_runtime *rt)
{
    lg_frame_stats stats = {.size_bytes = sizeof stats};
    lg_get_frame_stats(rt, &stats);
    const struct figure figures[] = {
        {"count", (double)stats.count},     {"over", (double)stats.over},
        {"total", seconds(stats.total_ns)}, {"last", seconds(stats.last_ns)},
        {"max", seconds(stats.max_ns)},     {"p50", seconds(stats.p50_ns)},
        {"p90", seconds(stats.p90_ns)},     {"p99", seconds(stats.p99_ns)},
    };
    push_figures(L, figures, COUNT(figures));
}

// -- worker states --

static void push_states(lua_State *L, struct hub *hub)
{
    struct figure figures[] = {
        {"alive", 0},        {"free", 0},  {"made", 0},
        {"closed", 0},       {"tasks", 0}, {"waiting", 0},
        {"making_total", 0}, {"calls", 0}, {"calls_waiting", 0},
    };
    if (hub != NULL) {
        pthread_mutex_lock(&hub->lock);
        figures[0].value = (double)(hub->nworkers + hub->naside);
        for (struct worker *worker = hub->free; worker; worker = worker->next_free) {
            figures[1].value++;
        }
        figures[2].value = (double)hub->nstates_made;
        figures[3].value = (double)hub->nstates_closed;
        figures[4].value = (double)hub->ntasks;
        figures[5].value = (double)hub->nwaiting;
        figures[6].value = seconds(hub->making_ns);
        figures[7].value = (double)hub->naside;
        figures[8].value = (double)hub->ncalls;
        pthread_mutex_unlock(&hub->lock);
    }
    push_figures(L, figures, COUNT(figures));
}

// --

static int stats(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lg_stats stats = {.size_bytes = sizeof stats};
    lg_get_stats(lagoon__rt(L, s), &stats);
    const struct figure figures[] = {
        {"procs", stats.procs},
        {"procs_idle", stats.procs_idle},
        {"threads", stats.threads},
        {"threads_idle", stats.threads_idle},
        {"goroutines", (double)stats.goroutines},
        {"goroutines_cached", (double)stats.goroutines_cached},
        {"stacks", (double)stats.stacks},
        {"stacks_cached", (double)stats.stacks_cached},
        {"channels", (double)stats.channels},
        {"timers", (double)stats.timers},
        {"spawned", (double)stats.spawned},
        {"switches", (double)stats.switches},
        {"steals", (double)stats.steals},
        {"donations", (double)stats.donations},
        {"wakeups", (double)stats.wakeups},
        {"global_queued", (double)stats.global_queued},
    };
    push_figures(L, figures, COUNT(figures));
    push_memory(L, s->rt, &stats);
    lua_setfield(L, -2, "memory");
    push_states(L, s->hub);
    lua_setfield(L, -2, "states");
    push_gc(L, s);
    lua_setfield(L, -2, "gc");
    push_frames(L, s->rt);
    lua_setfield(L, -2, "frames");
    push_classes(L, s->rt);
    lua_setfield(L, -2, "classes");
    return 1;
}

void lagoon__open_stats(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"stats", stats}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
