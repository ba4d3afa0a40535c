// SPDX-License-Identifier: MIT
#include "object.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"
#include "state.h"

// "lagoon" and two bytes for the kind.
#define MARK UINT64_C(0x6c61676f6f6e0000)

static const struct {
    const char *name;
    const char *class; // of its metatable in the registry
} kinds[NKINDS] = {
    [KIND_CHAN] = {"channel", "lagoon.chan"},
    [KIND_TASK] = {"task", "lagoon.task"},
    [KIND_TIMER] = {"timer", "lagoon.timer"},
    [KIND_MUTEX] = {"mutex", "lagoon.mutex"},
    [KIND_RWMUTEX] = {"rwmutex", "lagoon.rwmutex"},
    [KIND_WAITGROUP] = {"waitgroup", "lagoon.waitgroup"},
    [KIND_COND] = {"cond", "lagoon.cond"},
    [KIND_ONCE] = {"once function", "lagoon.once"},
    [KIND_SEMAPHORE] = {"semaphore", "lagoon.semaphore"},
    [KIND_ATOMIC] = {"atomic", "lagoon.atomic"},
    [KIND_MAP] = {"shared map", "lagoon.shared_map"},
    [KIND_BUFFER] = {"buffer", "lagoon.buffer"},
    [KIND_MOVE] = {"moved buffer", "lagoon.move"},
    [KIND_FROZEN] = {"frozen table", "lagoon.frozen"},
    [KIND_LISTENER] = {"listener", "lagoon.listener"},
    [KIND_CONN] = {"connection", "lagoon.connection"},
    [KIND_UDP] = {"datagram socket", "lagoon.udp"},
    [KIND_TLS] = {"TLS configuration", "lagoon.tls"},
    [KIND_CHUNKS] = {"chunks", "lagoon.chunks"},
    [KIND_FETCH] = {"transfer", "lagoon.fetch"},
    [KIND_FRAMES] = {"frames", "lagoon.frames"},
    [KIND_PROCESS] = {"process", "lagoon.process"},
    [KIND_FILE] = {"file", "lagoon.file"},
    [KIND_FSWATCH] = {"file watch", "lagoon.fswatch"},
    [KIND_CODE] = {"code", "lagoon.code"},
    [KIND_CLASS] = {"class", "lagoon.class"},
    [KIND_CLOCK] = {"clock", "lagoon.clock"},
    [KIND_EVENT] = {"event", "lagoon.event"},
    [KIND_SCOPE] = {"scope", "lagoon.scope"},
};

const char *lagoon__kind_name(enum kind kind)
{
    return kinds[kind].name;
}

void lagoon__class(lua_State *L, enum kind kind)
{
    luaL_newmetatable(L, kinds[kind].class);
}

void *lagoon__object_new(lua_State *L, struct script *s, enum kind kind,
                         size_t size_bytes)
{
    struct object *object = lua_newuserdata(L, size_bytes);
    memset(object, 0, size_bytes);
    object->mark = MARK | kind;
    object->script = s;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.classes[kind]);
    lua_setmetatable(L, -2);
    return object;
}

void lagoon__object_end(struct object *object)
{
    static struct script nobody; // `rt` is all that anybody asks
    object->script = &nobody;
}

void *lagoon__object_any(lua_State *L, int index, enum kind *out_kind)
{
    if (lua_type(L, index) != LUA_TUSERDATA ||
        lua_objlen(L, index) < sizeof(struct object)) {
        return NULL;
    }
    struct object *object = lua_touserdata(L, index);
    if (object->mark < MARK || object->mark >= (MARK | NKINDS)) {
        return NULL;
    }
    *out_kind = (enum kind)(object->mark - MARK);
    return object;
}

void *lagoon__object_at(lua_State *L, int index, enum kind kind)
{
    enum kind got;
    void *object = lagoon__object_any(L, index, &got);
    return object != NULL && got == kind ? object : NULL;
}

int lagoon__object_tostring(lua_State *L)
{
    enum kind kind;
    const struct object *object = lagoon__object_any(L, 1, &kind);
    if (object == NULL) {
        lua_pushstring(L, luaL_typename(L, 1));
    } else {
        lua_pushfstring(L, "%s: %p%s", kinds[kind].name, (const void *)object,
                        object->script->rt == NULL ? " (dead)" : "");
    }
    return 1;
}

void *lagoon__self(lua_State *L, enum kind kind, const char *method)
{
    struct object *object = lagoon__object_at(L, 1, kind);
    if (object == NULL) {
        // Our methods in Lua pass a self that is not there on as nil.
        const char *got = lua_isnoneornil(L, 1) ? "no value" : lagoon__type_name(L, 1);
        lagoon__raise(L, "calling '%s' on bad self (%s expected, got %s)", method,
                      kinds[kind].name, got);
    }
    if (object->script->rt == NULL) {
        lagoon__raise(L, "calling '%s' on a dead %s", method, kinds[kind].name);
    }
    return object;
}
