// SPDX-License-Identifier: MIT
#include "collect.h"

#include <lauxlib.h>
#include <stdio.h>
#include <time.h>

#include "retire.h"
#include "state.h"

enum {
    MANY = 10000,       // goroutines, from which on there are slices
    SLICE_NS = 200000,  // then goroutines run
    STEP_KBYTES = 16,   // as if so much had been allocated: 30 to 50 us
    START_PERCENT = 90, // of the way to LuaJIT's threshold
    USUAL_PERCENT = 100,
    PAUSE_OFF = 1000000,
    STEPMUL_PRESSED = 1000, // so that a cycle ends before much has been allocated
    FLOOR_MIN = 10,
    FLOOR_MAX = 100,
    COST_NS_PER_KBYTE = 300, // of what lives: 230 for tables, 360 for coroutines
    GROWTH_KBYTES = 1024,    // under a limit, if it leaves so much
    LOOK_KBYTES = 256,       // the limit is looked at when the state has grown by so much
};

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t lagoon__clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

// What a step has cost, on a busy machine, too.
static int64_t cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static size_t kbytes_of(lua_State *L)
{
    return (size_t)(unsigned)lua_gc(L, LUA_GCCOUNT, 0);
}

static int pause_of(lua_State *L)
{
    int pause = lua_gc(L, LUA_GCSETPAUSE, 200);
    lua_gc(L, LUA_GCSETPAUSE, pause);
    return pause;
}

static bool is_stopped(lua_State *L)
{
    return lua_gc(L, LUA_GCISRUNNING, 0) == 0;
}

// Lets a new pause count for the threshold that LuaJIT has now.
static void set_threshold(lua_State *L)
{
    if (!is_stopped(L)) {
        lua_gc(L, LUA_GCRESTART, -1);
    }
}

// -- the limit --

// What the limit is for. The state of a host has memory of the host's.
static int64_t total_of(struct script *s, int64_t own)
{
    lg_stats stats = {.size_bytes = sizeof stats};
    lg_get_stats(s->rt, &stats);
    return (int64_t)(stats.mem_objects + stats.mem_unused + stats.mem_idle +
                     stats.mem_meta + stats.mem_stacks) +
           (s->owns_runtime ? own : 0);
}

// By how many percent of what lives the state may grow under a limit beside others.
static int percent_left(const struct collector *c, int64_t limit, int64_t others)
{
    int64_t live = (int64_t)c->live_kbytes * 1024 + 1;
    // A cycle goes on beyond its start; and free pages take time to be given back.
    int64_t left = limit - limit / 16 - others - live - live / 8;
    int64_t percent = left <= 0 ? 0 : left > live * 1000 ? 100000 : left * 100 / live;
    return percent > c->percent_floor ? (int)percent : c->percent_floor;
}

static bool has_limit(const struct script *s)
{
    return lagoon__cap_is_set(&s->cap) || lg_mem_limit_get(s->rt) != LG_MEM_NO_LIMIT;
}

// The same under the limit of all, and under the state's own cap.
static int percent_allowed(lua_State *L, struct script *s)
{
    const struct collector *c = &s->collector;
    int64_t limit = lg_mem_limit_get(s->rt);
    int percent = PAUSE_OFF;
    if (limit != LG_MEM_NO_LIMIT) {
        int64_t own = (int64_t)kbytes_of(L) * 1024;
        int64_t total = total_of(s, own);
        percent = percent_left(c, limit, total > own ? total - own : 0);
    }
    if (lagoon__cap_is_set(&s->cap)) {
        int by_cap = percent_left(c, (int64_t)s->cap.max_bytes, 0);
        percent = by_cap < percent ? by_cap : percent;
    }
    return percent;
}

static void press(lua_State *L, struct collector *c, int pause)
{
    int before = lua_gc(L, LUA_GCSETPAUSE, pause);
    if (!c->is_pressed) {
        c->is_pressed = true;
        c->pause_before = before;
        c->stepmul_before = lua_gc(L, LUA_GCSETSTEPMUL, STEPMUL_PRESSED);
    } else {
        lua_gc(L, LUA_GCSETSTEPMUL, STEPMUL_PRESSED); // a refusal has set another (cap.c)
    }
}

static void relax(lua_State *L, struct collector *c)
{
    if (c->is_pressed) {
        c->is_pressed = false;
        lua_gc(L, LUA_GCSETPAUSE, c->pause_before);
        lua_gc(L, LUA_GCSETSTEPMUL, c->stepmul_before);
    }
}

// Sets LuaJIT's pause for the limit, or takes it back.
static void steer(lua_State *L, struct script *s)
{
    struct collector *c = &s->collector;
    if (!has_limit(s)) {
        relax(L, c);
        return;
    }
    // A small heap is not worth many cycles, which now have a finaliser each.
    int usual = c->is_pressed ? c->pause_before : pause_of(L);
    int least = 100 + (int)(GROWTH_KBYTES * 100 / (c->live_kbytes + 1));
    int wanted = usual > least ? usual : least;
    int left = 100 + percent_allowed(L, s);
    // Under a cap speed counts: a cycle that is late ends in a refusal.
    if (left < wanted || wanted > usual || s->cap.alloc != NULL) {
        press(L, c, left < wanted ? left : wanted);
    } else {
        relax(L, c);
    }
}

void lagoon__collect_ended(lua_State *L, struct script *s)
{
    s->collector.is_stepping = false;
    s->collector.live_kbytes = kbytes_of(L);
}

void lagoon__collect_all(lua_State *L, struct script *s)
{
    struct collector *c = &s->collector;
    int64_t start_ns = lagoon__clock_ns();
    lua_gc(L, LUA_GCCOLLECT, 0);
    int64_t took_ns = lagoon__clock_ns() - start_ns;
    lagoon__collect_ended(L, s);
    c->nforced++;
    c->cycles += !c->has_sentinel;
    c->forced_ns += took_ns;
    c->forced_max_ns = took_ns > c->forced_max_ns ? took_ns : c->forced_max_ns;
}

static int collect_all(lua_State *L)
{
    lagoon__collect_all(L, lagoon__script(L));
    return 0;
}

// Needs no memory to begin with: there may be none until it has been done.
static void collect_protected(struct script *s)
{
    lua_rawgeti(s->aux, LUA_REGISTRYINDEX, s->refs.collect_all);
    if (lua_pcall(s->aux, 0, 0, 0) != 0) {
        lua_pop(s->aux, 1);
    }
}

void lagoon__collect_scarce(struct script *s)
{
    // Twice: a collection may want memory before it has freed any.
    collect_protected(s);
    collect_protected(s);
}

// Collects if the limit is near. Where that does not help much, the next time is
// further away.
static void look_at_limit(struct script *s, size_t kbytes)
{
    struct collector *c = &s->collector;
    int64_t limit = lg_mem_limit_get(s->rt);
    if (limit == LG_MEM_NO_LIMIT ||
        (kbytes < c->looked_kbytes + LOOK_KBYTES && kbytes >= c->looked_kbytes)) {
        return;
    }
    c->looked_kbytes = kbytes;
    int64_t start_ns = lagoon__clock_ns();
    if (start_ns < c->patience_ns || is_stopped(s->aux) ||
        total_of(s, (int64_t)kbytes * 1024) < limit - limit / 32) {
        return;
    }
    collect_protected(s);
    lagoon__retire_all(s->hub);
    int64_t end_ns = lagoon__clock_ns();
    size_t left = kbytes_of(s->aux);
    bool has_helped = left < kbytes - kbytes / 8;
    c->looked_kbytes = left;
    c->patience_ns = end_ns + (end_ns - start_ns) * (has_helped ? 1 : 8);
}

// -- cycles --

// A finaliser makes LuaJIT give up what it is about to compile, and where small
// heaps are collected all the time it would give up for good: so none without need.
static bool is_sentinel_needed(const struct script *s)
{
    return s->collector.trace != NULL || lg_num_goroutine(s->rt) >= MANY || has_limit(s);
}

// A userdata whose finaliser is called at the end of the next cycle.
static int arm_sentinel(lua_State *L)
{
    struct script *s = lua_touserdata(L, 1);
    lua_newuserdata(L, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.sentinel);
    lua_setmetatable(L, -2);
    s->collector.has_sentinel = true;
    return 0;
}

static void arm_if_needed(lua_State *L, struct script *s)
{
    if (!s->collector.has_sentinel && is_sentinel_needed(s) &&
        lua_cpcall(L, arm_sentinel, s) != 0) {
        lua_pop(L, 1); // no memory; tried again at the next look
    }
}

// The limit must not cost more than about half of the time: where a cycle ends
// soon after the last one, for what it costs, the state may grow further.
static void set_floor(struct collector *c, size_t kbytes)
{
    int64_t end_ns = lagoon__clock_ns();
    int64_t cost_ns = (int64_t)kbytes * COST_NS_PER_KBYTE;
    bool is_soon = end_ns - c->ended_ns < 2 * cost_ns;
    c->ended_ns = end_ns;
    c->percent_floor = is_soon ? c->percent_floor * 2 : c->percent_floor / 2;
    if (c->percent_floor < FLOOR_MIN) {
        c->percent_floor = FLOOR_MIN;
    } else if (c->percent_floor > FLOOR_MAX) {
        c->percent_floor = FLOOR_MAX;
    }
}

static void trace_cycle(const struct script *s, size_t kbytes)
{
    const struct collector *c = &s->collector;
    char step[48] = "";
    char line[160];
    size_t peak = c->peak_kbytes > kbytes ? c->peak_kbytes : kbytes;
    if (c->step_now_ns > 0) {
        snprintf(step, sizeof step, ", longest step %.2f ms",
                 (double)c->step_now_ns / 1e6);
    }
    snprintf(line, sizeof line, "lua gc %llu @%.3fs: %zu->%zu MB, %zu goroutines%s",
             (unsigned long long)c->cycles,
             (double)(lagoon__clock_ns() - c->began_ns) / 1e9, peak >> 10, kbytes >> 10,
             lg_num_goroutine(s->rt), step);
    c->trace(NULL, line);
}

static int on_cycle(lua_State *L)
{
    struct script *s = lua_touserdata(L, lua_upvalueindex(1));
    struct collector *c = &s->collector;
    if (s->rt == NULL) {
        return 0; // the state is being closed
    }
    size_t kbytes = kbytes_of(L);
    c->cycles++;
    c->is_slicing = false;
    c->is_stepping = false;
    if (c->trace != NULL) {
        trace_cycle(s, kbytes);
    }
    if (c->step_now_ns > 0) {
        c->step_last_ns = c->step_now_ns;
        c->step_now_ns = 0;
    }
    c->peak_kbytes = 0;
    set_floor(c, kbytes);
    c->live_kbytes = kbytes;
    steer(L, s);
    size_t pause = (size_t)pause_of(L);
    size_t growth = pause > 100 ? kbytes / 100 * (pause - 100) : 0;
    c->start_kbytes = kbytes + growth / 100 * START_PERCENT;
    c->has_sentinel = false;
    arm_if_needed(L, s);
    return 0;
}

// -- slices --

void lagoon__collect_note_step(struct collector *c, int64_t took_ns)
{
    c->nsteps++;
    c->steps_ns += took_ns;
    c->step_now_ns = took_ns > c->step_now_ns ? took_ns : c->step_now_ns;
    c->step_max_ns = took_ns > c->step_max_ns ? took_ns : c->step_max_ns;
}

static int slice(lua_State *L)
{
    struct script *s = lua_touserdata(L, 1);
    struct collector *c = &s->collector;
    int64_t start_ns = cpu_ns();
    int64_t at_ns = start_ns;
    while (c->is_slicing && at_ns - start_ns < SLICE_NS) {
        if (lua_gc(L, LUA_GCSTEP, STEP_KBYTES) != 0) {
            c->is_slicing = false;
        }
        int64_t now = cpu_ns();
        lagoon__collect_note_step(c, now - at_ns);
        at_ns = now;
    }
    return 0;
}

static void on_post(lg_post *post)
{
    struct script *s =
        (struct script *)(void *)((char *)post - offsetof(struct script, collector.post));
    struct collector *c = &s->collector;
    if (s->rt == NULL || s->is_over || is_stopped(s->aux)) {
        c->is_slicing = false;
        return;
    }
    if (lua_cpcall(s->aux, slice, s) != 0) {
        lua_pop(s->aux, 1);
        c->is_slicing = false;
    }
    if (c->is_slicing) {
        lg_strand_post(s->strand, post);
    }
}

void lagoon__collect_look(struct script *s)
{
    struct collector *c = &s->collector;
    c->nresumes = 0;
    size_t kbytes = kbytes_of(s->aux);
    c->peak_kbytes = kbytes > c->peak_kbytes ? kbytes : c->peak_kbytes;
    look_at_limit(s, kbytes);
    if (s->cap.was_refused) {
        lagoon__collect_scarce(s);
        lagoon__cap_recovered(s);
        steer(s->aux, s);
    }
    arm_if_needed(s->aux, s);
    if (kbytes >= c->start_kbytes && !c->is_slicing && !is_stopped(s->aux) &&
        lg_num_goroutine(s->rt) >= MANY) {
        c->is_slicing = true;
        lg_strand_post(s->strand, &c->post);
    }
}

// -- settings --

void lagoon__collect_percent(lua_State *L, struct script *s, int percent)
{
    struct collector *c = &s->collector;
    c->percent = percent;
    int pause =
        percent == LG_GC_OFF || percent > PAUSE_OFF - 100 ? PAUSE_OFF : 100 + percent;
    relax(L, c);
    lua_gc(L, LUA_GCSETPAUSE, pause);
    lagoon__collect_limit(L, s);
}

void lagoon__collect_limit(lua_State *L, struct script *s)
{
    struct collector *c = &s->collector;
    c->limit = lg_mem_limit_get(s->rt);
    c->looked_kbytes = 0;
    c->patience_ns = 0;
    c->live_kbytes = kbytes_of(L);
    lagoon__cap_follow(L, s);
    steer(L, s);
    arm_if_needed(L, s);
    set_threshold(L);
    c->start_kbytes = SIZE_MAX; // until the cycle that now begins has ended
}

void lagoon__collect_follow(lua_State *L, struct script *s)
{
    int percent = lg_gc_percent_get(s->rt);
    if (percent != s->collector.percent) {
        lagoon__collect_percent(L, s, percent);
    } else if (lg_mem_limit_get(s->rt) != s->collector.limit) {
        lagoon__collect_limit(L, s);
    }
}

void lagoon__collect_trace(lua_State *L, struct script *s,
                           void (*trace)(void *ud, const char *line))
{
    s->collector.trace = trace;
    arm_if_needed(L, s);
}

void lagoon__collect_init(lua_State *L, struct script *s)
{
    lua_pushlightuserdata(L, s);
    lua_pushcclosure(L, collect_all, 1);
    s->refs.collect_all = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_createtable(L, 0, 1);
    lua_pushlightuserdata(L, s);
    lua_pushcclosure(L, on_cycle, 1);
    lua_setfield(L, -2, "__gc");
    s->refs.sentinel = luaL_ref(L, LUA_REGISTRYINDEX);
    s->collector.post.fn = on_post;
    s->collector.began_ns = lagoon__clock_ns();
    s->collector.percent_floor = FLOOR_MIN;
    s->collector.live_kbytes = kbytes_of(L);
    s->collector.start_kbytes = SIZE_MAX;
    int percent = lg_gc_percent_get(s->rt);
    s->collector.percent = percent;
    s->collector.limit = LG_MEM_NO_LIMIT;
    if (percent != USUAL_PERCENT) { // else a host's own pause stays
        lagoon__collect_percent(L, s, percent);
    } else if (lg_mem_limit_get(s->rt) != LG_MEM_NO_LIMIT) {
        lagoon__collect_limit(L, s);
    }
}
