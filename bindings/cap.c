// SPDX-License-Identifier: MIT
#include "cap.h"

#include <lagoon.h>
#include <lauxlib.h>

#include "fail.h"
#include "hub.h"
#include "memory.h"
#include "remote.h"
#include "state.h"

enum {
    URGE_SHARE = 8,   // of the cap, before it
    AGAIN_SHARE = 64, // of the cap, until the collector is set going again
    RESERVE_SHARE = 32,
    RESERVE_MAX = 1024 * 1024,
    RESERVE_BLOCK = 256 * 1024,
    SMALL_BYTES = 4 * 1024, // of requests that the reserve is for
    STEPMUL_WHOLE = 0,      // LuaJIT: no end before the cycle's
};

// -- the allocator --

// LuaJIT makes closures with as many upvalues as they shall have, and when it has no memory
// for those it forgets how many there were.
static bool is_size_doubtful(size_t size_bytes)
{
    enum { BARE_CLOSURE = 40 };
    return size_bytes == BARE_CLOSURE;
}

void *lagoon__allocate(lg_runtime *rt, void *ptr, size_t osize, size_t nsize)
{
    if (nsize == 0 && ptr != NULL && is_size_doubtful(osize)) {
        lg_free_at_least(rt, LG_USE_STATES, ptr, osize);
        return NULL;
    }
    return lg_alloc(rt, LG_USE_STATES, ptr, osize, nsize);
}

// Only fields of the collector's record are set: that may be done while LuaJIT waits for
// memory. A collector that the script has stopped stays so.
static void urge(struct state_cap *cap)
{
    cap->urge_bytes = cap->used_bytes + cap->max_bytes / AGAIN_SHARE;
    if (lua_gc(cap->L, LUA_GCISRUNNING, 0) != 0) {
        lua_gc(cap->L, LUA_GCSETSTEPMUL, STEPMUL_WHOLE);
        lua_gc(cap->L, LUA_GCRESTART, 0);
    }
}

static void give_reserve_back(struct state_cap *cap)
{
    if (cap->reserve != NULL) {
        cap->alloc(cap->ud, cap->reserve, RESERVE_BLOCK, 0);
        cap->reserve = NULL;
    }
}

static void refuse(struct state_cap *cap)
{
    give_reserve_back(cap);
    cap->is_scarce = true;
    cap->was_refused = true;
    urge(cap);
}

static void count(struct state_cap *cap, size_t osize, size_t nsize)
{
    cap->used_bytes += nsize - osize;
    size_t first = cap->max_bytes - cap->max_bytes / URGE_SHARE;
    if (cap->used_bytes < first) {
        cap->urge_bytes = first;
        cap->is_scarce = false;
    } else if (cap->used_bytes >= cap->urge_bytes) {
        urge(cap);
    }
}

// The state grows by so much.
static bool is_granted(const struct state_cap *cap, size_t more_bytes)
{
    size_t reserve = cap->max_bytes / RESERVE_SHARE;
    reserve = reserve < RESERVE_MAX ? reserve : RESERVE_MAX;
    bool may_use_reserve = cap->is_scarce && more_bytes <= SMALL_BYTES;
    size_t max = cap->max_bytes - (may_use_reserve ? 0 : reserve);
    return cap->used_bytes <= max && more_bytes <= max - cap->used_bytes;
}

static void *allocate(void *ud, void *ptr, size_t osize, size_t nsize)
{
    struct state_cap *cap = ud;
    void *block = NULL;
    if (nsize <= osize || is_granted(cap, nsize - osize)) {
        block = cap->alloc(cap->ud, ptr, osize, nsize);
    }
    if (block != NULL || nsize == 0) {
        count(cap, osize, nsize);
    } else {
        refuse(cap);
    }
    return block;
}

// -- set and taken back --

bool lagoon__cap_is_set(const struct state_cap *cap)
{
    return cap->alloc != NULL && cap->max_bytes != CAP_NONE;
}

static size_t bytes_of(lua_State *L)
{
    return (size_t)(unsigned)lua_gc(L, LUA_GCCOUNT, 0) * 1024 +
           (size_t)(unsigned)lua_gc(L, LUA_GCCOUNTB, 0);
}

void lagoon__cap_undo(struct script *s)
{
    struct state_cap *cap = &s->cap;
    if (cap->alloc != NULL) {
        give_reserve_back(cap);
        lua_setallocf(cap->L, cap->alloc, cap->ud);
        cap->alloc = NULL;
    }
}

static void begin(lua_State *L, struct script *s, size_t max_bytes)
{
    struct state_cap *cap = &s->cap;
    if (cap->alloc == NULL) {
        cap->L = s->aux;
        cap->used_bytes = bytes_of(L);
        cap->alloc = lua_getallocf(L, &cap->ud);
        lua_setallocf(L, allocate, cap);
    }
    cap->max_bytes = max_bytes;
    cap->urge_bytes = max_bytes - max_bytes / URGE_SHARE;
    cap->is_scarce = false;
    cap->was_refused = false;
}

static void take_reserve(struct script *s)
{
    struct state_cap *cap = &s->cap;
    bool is_wanted = lg_mem_cap_get(s->rt) != LG_MEM_NO_LIMIT;
    if (is_wanted && cap->reserve == NULL) {
        cap->reserve = cap->alloc(cap->ud, NULL, 0, RESERVE_BLOCK);
    } else if (!is_wanted) {
        give_reserve_back(cap);
    }
}

void lagoon__cap_recovered(struct script *s)
{
    s->cap.was_refused = false;
    take_reserve(s);
}

void lagoon__cap_follow(lua_State *L, struct script *s)
{
    if (s->cap.alloc == NULL && lg_mem_cap_get(s->rt) != LG_MEM_NO_LIMIT) {
        begin(L, s, CAP_NONE);
    }
    if (s->cap.alloc != NULL) {
        take_reserve(s);
    }
}

static void set(lua_State *L, struct script *s, int64_t bytes)
{
    if (bytes == LG_MEM_NO_LIMIT) {
        lagoon__cap_undo(s);
    } else {
        begin(L, s, (size_t)bytes < CAP_NONE ? (size_t)bytes : CAP_NONE);
    }
    lagoon__collect_limit(L, s);
}

void lagoon__cap_worker(lua_State *L, struct script *s)
{
    pthread_mutex_lock(&s->hub->lock);
    int64_t bytes = s->hub->worker_cap;
    pthread_mutex_unlock(&s->hub->lock);
    if (bytes != 0) {
        set(L, s, bytes);
    }
}

// -- Lua functions --

// state_cap([bytes]): what it was.
static int state_cap(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__rt(L, s);
    int64_t before =
        lagoon__cap_is_set(&s->cap) ? (int64_t)s->cap.max_bytes : LG_MEM_NO_LIMIT;
    if (!lua_isnoneornil(L, 1)) {
        int64_t bytes = lagoon__check_bytes(L, "state_cap");
        if (bytes <= (int64_t)bytes_of(L)) {
            lagoon__raise_argument(L, 1, "state_cap",
                                   "more than the state holds already, %d KiB, expected",
                                   lua_gc(L, LUA_GCCOUNT, 0));
        }
        set(L, s, bytes);
    }
    lagoon__push_bytes(L, before);
    return 1;
}

// worker_cap([bytes]): what it was.
static int worker_cap(lua_State *L)
{
    struct hub *hub = lagoon__hub_of(L, lagoon__script(L));
    int64_t bytes = lua_isnoneornil(L, 1) ? 0 : lagoon__check_bytes(L, "worker_cap");
    pthread_mutex_lock(&hub->lock);
    int64_t before = hub->worker_cap;
    hub->worker_cap = bytes ? bytes : before;
    pthread_mutex_unlock(&hub->lock);
    lagoon__push_bytes(L, before ? before : LG_MEM_NO_LIMIT);
    return 1;
}

void lagoon__open_cap(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"state_cap", state_cap}, {"worker_cap", worker_cap}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
