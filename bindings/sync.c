// SPDX-License-Identifier: MIT
//
// The C halves of mutex, rwmutex, waitgroup, cond, once and semaphore.
#include "sync.h"

#include <lauxlib.h>
#include <stdatomic.h>
#include <stddef.h>

#include "cores.h"
#include "fail.h"
#include "state.h"
#include "wait.h"

static const double UNITS_MAX = 2147483647;

static int64_t check_units(lua_State *L, int index, const char *name, double least)
{
    if (lua_type(L, index) != LUA_TNUMBER) {
        lagoon__raise_argument(L, index == 1 ? 1 : index - 1, name,
                               "a number expected, got %s", lagoon__type_name(L, index));
    }
    double units = lua_tonumber(L, index);
    if (!(units >= least && units <= UNITS_MAX) || units != (double)(int64_t)units) {
        lagoon__raise_argument(L, index == 1 ? 1 : index - 1, name,
                               "a whole number from %.0f to %.0f expected, got %.14g",
                               least, UNITS_MAX, units);
    }
    return (int64_t)units;
}

// All wait for the object at index 1, and for ever.
static int settle(lua_State *L, struct script_g *sg, int rc, finish_fn *finish)
{
    lagoon__parks_on(sg, PARKED_ON_SELF, LG_NEVER);
    return lagoon__settle(L, sg, rc, finish);
}

static int push_tried(lua_State *L, int rc)
{
    lua_pushboolean(L, rc == LG_OK);
    return 1;
}

// -- the shareable ones: each begins with an object and a pointer to its core --

struct lockable {
    struct object object;
    void *core;
};

_Static_assert(offsetof(struct mutex, core) == offsetof(struct lockable, core), "");
_Static_assert(offsetof(struct rwmutex, core) == offsetof(struct lockable, core), "");
_Static_assert(offsetof(struct waitgroup, core) == offsetof(struct lockable, core), "");
_Static_assert(offsetof(struct semaphore, core) == offsetof(struct lockable, core), "");

static void *push_new(lua_State *L, enum kind kind)
{
    struct script *s = lagoon__script(L);
    lagoon__rt(L, s);
    size_t size_bytes =
        kind == KIND_SEMAPHORE ? sizeof(struct semaphore) : sizeof(struct lockable);
    struct lockable *lockable = lagoon__object_new(L, s, kind, size_bytes);
    lockable->core = lagoon__core_new(L, s);
    return lockable;
}

static bool is_lockable(enum kind kind)
{
    return kind == KIND_MUTEX || kind == KIND_RWMUTEX || kind == KIND_WAITGROUP ||
           kind == KIND_SEMAPHORE;
}

static int finalise(lua_State *L)
{
    enum kind kind;
    struct lockable *lockable = lagoon__object_any(L, 1, &kind);
    if (lockable == NULL || !is_lockable(kind)) {
        return 0; // a script has called it
    }
    if (lockable->object.handle) {
        lagoon__unshare(&lockable->object);
    } else if (lockable->core && lagoon__rt_of_ends(lockable->object.script)) {
        lagoon__core_put(lockable->object.script, lockable->core);
    }
    lockable->core = NULL;
    lagoon__object_end(&lockable->object);
    return 0;
}

static void share(lua_State *L, struct script *s, int index, struct shared *shared)
{
    (void)s;
    struct lockable *lockable = lua_touserdata(L, index);
    shared->core = lockable->core;
}

static void adopt(lua_State *L, void *userdata, struct shared *shared)
{
    (void)L;
    ((struct lockable *)userdata)->core = shared->core;
}

static void share_semaphore(lua_State *L, struct script *s, int index,
                            struct shared *shared)
{
    struct semaphore *semaphore = lua_touserdata(L, index);
    share(L, s, index, shared);
    // relaxed: nobody else knows it yet
    atomic_store_explicit(&shared->word, (uint64_t)semaphore->units,
                          memory_order_relaxed);
}

static void adopt_semaphore(lua_State *L, void *userdata, struct shared *shared)
{
    adopt(L, userdata, shared);
    // relaxed: never changed since it was shared
    ((struct semaphore *)userdata)->units =
        (int64_t)atomic_load_explicit(&shared->word, memory_order_relaxed);
}

const struct share_ops lagoon__mutex_ops = {sizeof(struct mutex), share, adopt,
                                            lagoon__core_free};
const struct share_ops lagoon__rwmutex_ops = {sizeof(struct rwmutex), share, adopt,
                                              lagoon__core_free};
const struct share_ops lagoon__waitgroup_ops = {sizeof(struct waitgroup), share, adopt,
                                                lagoon__core_free};
const struct share_ops lagoon__semaphore_ops = {sizeof(struct semaphore), share_semaphore,
                                                adopt_semaphore, lagoon__core_free};

// -- mutex --

static int mutex_new(lua_State *L)
{
    push_new(L, KIND_MUTEX);
    return 1;
}

static int mutex_lock(lua_State *L)
{
    struct mutex *mutex = lagoon__self(L, KIND_MUTEX, "lock");
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_mutex_lock(mutex->core, deadline_ns);
    return settle(L, sg, rc, lagoon__finish_plain);
}

static int mutex_try_lock(lua_State *L)
{
    struct mutex *mutex = lagoon__self(L, KIND_MUTEX, "try_lock");
    return push_tried(L, lg_mutex_lock(mutex->core, 0));
}

static int mutex_unlock(lua_State *L)
{
    struct mutex *mutex = lagoon__self(L, KIND_MUTEX, "unlock");
    if (lg_mutex_unlock(mutex->core) != LG_OK) {
        lagoon__raise(L, "unlock of unlocked mutex");
    }
    return 0;
}

// -- rwmutex --

static int rwmutex_new(lua_State *L)
{
    push_new(L, KIND_RWMUTEX);
    return 1;
}

static int rwmutex_lock(lua_State *L)
{
    struct rwmutex *rwmutex = lagoon__self(L, KIND_RWMUTEX, "lock");
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_rwmutex_lock(rwmutex->core, deadline_ns);
    return settle(L, sg, rc, lagoon__finish_plain);
}

static int rwmutex_rlock(lua_State *L)
{
    struct rwmutex *rwmutex = lagoon__self(L, KIND_RWMUTEX, "rlock");
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_rwmutex_rlock(rwmutex->core, deadline_ns);
    return settle(L, sg, rc, lagoon__finish_plain);
}

static int rwmutex_try_lock(lua_State *L)
{
    struct rwmutex *rwmutex = lagoon__self(L, KIND_RWMUTEX, "try_lock");
    return push_tried(L, lg_rwmutex_lock(rwmutex->core, 0));
}

static int rwmutex_try_rlock(lua_State *L)
{
    struct rwmutex *rwmutex = lagoon__self(L, KIND_RWMUTEX, "try_rlock");
    return push_tried(L, lg_rwmutex_rlock(rwmutex->core, 0));
}

static int rwmutex_unlock(lua_State *L)
{
    struct rwmutex *rwmutex = lagoon__self(L, KIND_RWMUTEX, "unlock");
    if (lg_rwmutex_unlock(rwmutex->core) != LG_OK) {
        lagoon__raise(L, "unlock of unlocked rwmutex");
    }
    return 0;
}

static int rwmutex_runlock(lua_State *L)
{
    struct rwmutex *rwmutex = lagoon__self(L, KIND_RWMUTEX, "runlock");
    if (lg_rwmutex_runlock(rwmutex->core) != LG_OK) {
        lagoon__raise(L, "runlock of a rwmutex that nobody reads");
    }
    return 0;
}

// -- waitgroup --

static int waitgroup_new(lua_State *L)
{
    push_new(L, KIND_WAITGROUP);
    return 1;
}

static int waitgroup_add(lua_State *L)
{
    struct waitgroup *wg = lagoon__self(L, KIND_WAITGROUP, "add");
    int64_t delta = check_units(L, 2, "add", -UNITS_MAX);
    if (lg_waitgroup_add(wg->core, delta) != LG_OK) {
        lagoon__raise(L, "%s",
                      delta < 0 ? "negative waitgroup counter"
                                : "waitgroup counter out of range");
    }
    return 0;
}

static int waitgroup_done(lua_State *L)
{
    struct waitgroup *wg = lagoon__self(L, KIND_WAITGROUP, "done");
    if (lg_waitgroup_add(wg->core, -1) != LG_OK) {
        lagoon__raise(L, "negative waitgroup counter");
    }
    return 0;
}

static int waitgroup_wait(lua_State *L)
{
    struct waitgroup *wg = lagoon__self(L, KIND_WAITGROUP, "wait");
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_waitgroup_wait(wg->core, deadline_ns);
    return settle(L, sg, rc, lagoon__finish_plain);
}

// -- cond --

static int cond_new(lua_State *L)
{
    struct mutex *mutex = lagoon__object_at(L, 1, KIND_MUTEX);
    if (mutex == NULL) {
        lagoon__raise_argument(L, 1, "cond", "mutex expected, got %s",
                               lagoon__type_name(L, 1));
    }
    struct cond *cond =
        lagoon__object_new(L, lagoon__script(L), KIND_COND, sizeof(struct cond));
    cond->mutex = mutex;
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_setfenv(L, -2);
    return 1;
}

static int finish_cond(lua_State *L, struct script_g *sg, int rc)
{
    if (rc == LG_EPERM) {
        return lagoon__finish_raise(L, "wait on a cond whose mutex is not locked");
    }
    return lagoon__finish_plain(L, sg, rc);
}

static int cond_wait(lua_State *L)
{
    struct cond *cond = lagoon__self(L, KIND_COND, "wait");
    if (cond->mutex->core == NULL) {
        lagoon__raise(L, "calling 'wait' on a cond with a dead mutex");
    }
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_cond_wait(&cond->core, cond->mutex->core, deadline_ns);
    return settle(L, sg, rc, finish_cond);
}

static int cond_signal(lua_State *L)
{
    struct cond *cond = lagoon__self(L, KIND_COND, "signal");
    lg_cond_signal(&cond->core);
    return 0;
}

static int cond_broadcast(lua_State *L)
{
    struct cond *cond = lagoon__self(L, KIND_COND, "broadcast");
    lg_cond_broadcast(&cond->core);
    return 0;
}

// -- once --

static int once_new(lua_State *L)
{
    lagoon__object_new(L, lagoon__script(L), KIND_ONCE, sizeof(struct once));
    return 1;
}

static int finish_once(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_plain(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushboolean(L, sg->is_first);
    return 2;
}

static int once_begin(lua_State *L)
{
    struct once *once = lagoon__self(L, KIND_ONCE, "begin");
    struct script *s = lagoon__script(L);
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    if (sg == &s->outside) {
        lagoon__refuse(L, s); // it has no half that does not wait
    }
    int rc = lg_once_begin(&once->core, &sg->is_first);
    return settle(L, sg, rc, finish_once);
}

static int once_end(lua_State *L)
{
    struct once *once = lagoon__self(L, KIND_ONCE, "end");
    lg_once_end(&once->core);
    return 0;
}

// -- semaphore --

static int semaphore_new(lua_State *L)
{
    int64_t units = check_units(L, 1, "semaphore", 0);
    struct semaphore *semaphore = push_new(L, KIND_SEMAPHORE);
    lg_semaphore_init(semaphore->core, units);
    semaphore->units = units;
    return 1;
}

// The units asked for: 1 if there is no argument.
static int64_t check_request(lua_State *L, struct semaphore *semaphore, const char *name)
{
    int64_t units = lua_isnoneornil(L, 2) ? 1 : check_units(L, 2, name, 1);
    if (units > semaphore->units) {
        lagoon__raise_argument(L, 1, name, "%lld units of a semaphore that has %lld",
                               (long long)units, (long long)semaphore->units);
    }
    return units;
}

static int semaphore_acquire(lua_State *L)
{
    struct semaphore *semaphore = lagoon__self(L, KIND_SEMAPHORE, "acquire");
    int64_t units = check_request(L, semaphore, "acquire");
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_semaphore_acquire(semaphore->core, units, deadline_ns);
    return settle(L, sg, rc, lagoon__finish_plain);
}

static int semaphore_try_acquire(lua_State *L)
{
    struct semaphore *semaphore = lagoon__self(L, KIND_SEMAPHORE, "try_acquire");
    int64_t units = check_request(L, semaphore, "try_acquire");
    return push_tried(L, lg_semaphore_acquire(semaphore->core, units, 0));
}

static int semaphore_release(lua_State *L)
{
    struct semaphore *semaphore = lagoon__self(L, KIND_SEMAPHORE, "release");
    int64_t units = lua_isnoneornil(L, 2) ? 1 : check_units(L, 2, "release", 1);
    if (lg_semaphore_release(semaphore->core, units) != LG_OK) {
        lagoon__raise(L, "release of more units than were acquired");
    }
    return 0;
}

void lagoon__open_sync(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"mutex", mutex_new},
                                         {"mutex_lock", mutex_lock},
                                         {"mutex_try_lock", mutex_try_lock},
                                         {"mutex_unlock", mutex_unlock},
                                         {"rwmutex", rwmutex_new},
                                         {"rwmutex_lock", rwmutex_lock},
                                         {"rwmutex_rlock", rwmutex_rlock},
                                         {"rwmutex_try_lock", rwmutex_try_lock},
                                         {"rwmutex_try_rlock", rwmutex_try_rlock},
                                         {"rwmutex_unlock", rwmutex_unlock},
                                         {"rwmutex_runlock", rwmutex_runlock},
                                         {"waitgroup", waitgroup_new},
                                         {"waitgroup_add", waitgroup_add},
                                         {"waitgroup_done", waitgroup_done},
                                         {"waitgroup_wait", waitgroup_wait},
                                         {"cond", cond_new},
                                         {"cond_wait", cond_wait},
                                         {"cond_signal", cond_signal},
                                         {"cond_broadcast", cond_broadcast},
                                         {"once", once_new},
                                         {"once_begin", once_begin},
                                         {"once_end", once_end},
                                         {"semaphore", semaphore_new},
                                         {"semaphore_acquire", semaphore_acquire},
                                         {"semaphore_try_acquire", semaphore_try_acquire},
                                         {"semaphore_release", semaphore_release},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", finalise}, {NULL, NULL}};
    static const enum kind kinds[] = {KIND_MUTEX, KIND_RWMUTEX, KIND_WAITGROUP,
                                      KIND_SEMAPHORE};
    lagoon__register(L, s, functions);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        lagoon__class(L, kinds[i]);
        lagoon__register(L, s, meta);
        lua_pop(L, 1);
    }
}
