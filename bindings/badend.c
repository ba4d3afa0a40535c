// SPDX-License-Identifier: MIT
#include "badend.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "goroutine.h"

struct badend {
    uint64_t id;
    bool is_cancelled;
    char why[BADEND_WHY_SIZE];
};

static struct {
    pthread_mutex_t lock;
    // -- lock --
    struct badend *list;
    int n;
    // -- any thread --
    _Atomic bool is_on;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool lagoon__badends_keep(void)
{
    pthread_mutex_lock(&kept.lock);
    if (kept.list == NULL) {
        kept.list = calloc(BADENDS_MAX, sizeof *kept.list);
    }
    bool is_kept = kept.list != NULL;
    pthread_mutex_unlock(&kept.lock);
    // relaxed: who notes takes the lock
    atomic_store_explicit(&kept.is_on, is_kept, memory_order_relaxed);
    return is_kept;
}

// No __tostring is called: the script has nothing to say in here.
static void set_why(char why[BADEND_WHY_SIZE], lua_State *L, int index)
{
    if (lua_type(L, index) == LUA_TSTRING) {
        snprintf(why, BADEND_WHY_SIZE, "%s", lua_tostring(L, index));
    } else if (lua_type(L, index) == LUA_TNUMBER) {
        snprintf(why, BADEND_WHY_SIZE, "%.14g", lua_tonumber(L, index));
    } else {
        snprintf(why, BADEND_WHY_SIZE, "an error that is a %s",
                 lua_typename(L, lua_type(L, index)));
    }
}

void lagoon__badend_note(const struct script_g *sg, lua_State *L, int index,
                         bool is_cancelled)
{
    // relaxed: as above
    if (!atomic_load_explicit(&kept.is_on, memory_order_relaxed)) {
        return;
    }
    pthread_mutex_lock(&kept.lock);
    if (kept.n < BADENDS_MAX) {
        struct badend *badend = &kept.list[kept.n++];
        badend->id = sg->id;
        badend->is_cancelled = is_cancelled;
        if (!is_cancelled) {
            set_why(badend->why, L, index);
        }
    }
    pthread_mutex_unlock(&kept.lock);
}

void lagoon__badends_push(lua_State *L)
{
    // Goroutines of other threads may still end: what has come until now. What stands in the
    // list stays as it is, and making tables may raise, so the lock is not held meanwhile.
    pthread_mutex_lock(&kept.lock);
    int n = kept.n;
    pthread_mutex_unlock(&kept.lock);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_createtable(L, 0, 2);
        lua_pushnumber(L, (lua_Number)kept.list[i].id);
        lua_setfield(L, -2, "id");
        if (!kept.list[i].is_cancelled) {
            lua_pushstring(L, kept.list[i].why);
            lua_setfield(L, -2, "why");
        }
        lua_rawseti(L, -2, i + 1);
    }
}
