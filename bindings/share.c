// SPDX-License-Identifier: MIT
#include "share.h"

#include <lauxlib.h>

#include "atomic.h"
#include "buffer.h"
#include "chan.h"
#include "chanshare.h"
#include "class.h"
#include "clock.h"
#include "code.h"
#include "fail.h"
#include "frozen.h"
#include "open.h"
#include "remote.h"
#include "sharedmap.h"
#include "state.h"
#include "sync.h"

struct husk {
    void *core;
    lg_runtime *rt;
    uint64_t kind;
};

// -- types --

static int register_types(lg_runtime *rt, struct share_types *out)
{
    static const lg_field shared_fields[] = {
        LG_FIELD(struct shared, husk, LG_FIELD_REF),
        LG_FIELD(struct shared, data, LG_FIELD_REF),
        LG_FIELD(struct shared, more, LG_FIELD_REF),
        LG_FIELD(struct shared, kind, LG_FIELD_UINT),
        LG_FIELD(struct shared, word, LG_FIELD_UINT),
    };
    static const lg_field husk_fields[] = {LG_FIELD(struct husk, kind, LG_FIELD_UINT)};
    static const lg_field value_fields[] = {
        LG_FIELD(struct value, number, LG_FIELD_FLOAT),
        LG_FIELD(struct value, ptr, LG_FIELD_REF),
    };
    static const lg_field ref_fields[] = {
        {LG_FIELD_REF, 0, sizeof(void *), 1, "ref"},
    };
    static const lg_field byte_fields[] = {{LG_FIELD_BYTES, 0, 1, 1, "byte"}};
    static const lg_type_info shared_info = LG_TYPE_INFO(struct shared, shared_fields);
    static const lg_type_info husk_info = LG_TYPE_INFO(struct husk, husk_fields);
    static const lg_type_info value_info = LG_TYPE_INFO(struct value, value_fields);
    static const lg_type_info ref_info = {"parcel", sizeof(void *), ref_fields, 1};
    static const lg_type_info byte_info = {"text", 1, byte_fields, 1};
    int err = lg_type_register(rt, &shared_info, &out->shared);
    err = err ? err : lg_type_register(rt, &husk_info, &out->husk);
    err = err ? err : lg_type_register(rt, &value_info, &out->values);
    err = err ? err : lg_type_register(rt, &ref_info, &out->refs);
    err = err ? err : lg_type_register(rt, &byte_info, &out->bytes);
    return err ? err : lagoon__task_type(rt, &out->task);
}

static const struct share_ops *ops_of(uint32_t kind)
{
    static const struct share_ops *const ops[NKINDS] = {
        [KIND_CHAN] = &lagoon__chan_ops,
        [KIND_TASK] = &lagoon__task_ops,
        [KIND_MUTEX] = &lagoon__mutex_ops,
        [KIND_RWMUTEX] = &lagoon__rwmutex_ops,
        [KIND_WAITGROUP] = &lagoon__waitgroup_ops,
        [KIND_SEMAPHORE] = &lagoon__semaphore_ops,
        [KIND_FROZEN] = &lagoon__frozen_ops,
        [KIND_ATOMIC] = &lagoon__atomic_ops,
        [KIND_MAP] = &lagoon__map_ops,
        [KIND_BUFFER] = &lagoon__buffer_ops,
        [KIND_CODE] = &lagoon__code_ops,
        [KIND_CLASS] = &lagoon__class_ops,
        [KIND_CLOCK] = &lagoon__clock_ops,
    };
    return kind < NKINDS ? ops[kind] : NULL;
}

bool lagoon__is_shareable(enum kind kind)
{
    return ops_of(kind) != NULL;
}

// -- memory --

static int drop_anchor(lua_State *L)
{
    lg_handle **anchor = lua_touserdata(L, 1);
    if (lagoon__rt_of_ends(lagoon__script(L)) != NULL) {
        lg_handle_free(*anchor);
    }
    *anchor = NULL;
    return 0;
}

void *lagoon__gc_new_kept(lua_State *L, struct script *s, lg_type *type, size_t n)
{
    lg_handle **anchor = lua_newuserdata(L, sizeof(lg_handle *));
    *anchor = NULL;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.anchor);
    lua_setmetatable(L, -2);
    if (lg_handle_new_object(s->rt, type, n, anchor) != LG_OK) {
        *anchor = NULL;
        lagoon__raise_memory(L);
    }
    return lg_handle_get(*anchor);
}

void *lagoon__gc_new(struct script *s, lg_type *type, size_t n, lg_handle **out_handle)
{
    *out_handle = NULL;
    if (lg_self().id != 0) {
        return lg_new_array(type, n);
    }
    lg_handle *handle;
    if (lg_handle_new_object(s->rt, type, n, &handle) != LG_OK) {
        return NULL;
    }
    *out_handle = handle;
    return lg_handle_get(handle);
}

void lagoon__gc_set(void *slot, void *value)
{
    if (lg_self().id != 0) {
        lg_store(slot, value);
    } else {
        *(void **)slot = value;
    }
}

// -- objects --

static enum kind kind_of(const struct object *object)
{
    return (enum kind)(object->mark & 0xffff);
}

// Makes the object of a userdata, which keeps it from here on.
static struct shared *attach(lua_State *L, struct script *s, struct object *object,
                             enum kind kind)
{
    lg_handle *handle;
    if (lg_handle_new_object(s->rt, s->types.shared, 1, &handle) != LG_OK) {
        lagoon__raise_memory(L);
    }
    struct shared *shared = lg_handle_get(handle);
    shared->kind = kind;
    object->handle = handle;
    return shared;
}

// Under which an object is found. LuaJIT hashes pointers and small numbers so that
// neighbours meet in one chain: the address is mixed, one to one, into a number of as
// many bits as a double has.
static void push_key(lua_State *L, const struct shared *shared)
{
    uint64_t address = (uintptr_t)shared / _Alignof(max_align_t);
    uint64_t mixed = address * UINT64_C(0x9e3779b97f4a7c15) & ((UINT64_C(1) << 53) - 1);
    lua_pushnumber(L, (double)mixed);
}

// Has the userdata at an index be found for its object.
static void enter(lua_State *L, struct script *s, int index, struct shared *shared)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.shared);
    push_key(L, shared);
    lua_pushvalue(L, index);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

// Needs no memory: what was not entered is not looked for.
static void forget(lua_State *L, struct script *s, struct shared *shared)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.shared);
    push_key(L, shared);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    bool is_there = !lua_isnil(L, -1);
    lua_pop(L, 1);
    if (is_there) {
        lua_pushnil(L);
        lua_rawset(L, -3);
        lua_pop(L, 1);
    } else {
        lua_pop(L, 2);
    }
}

static void free_husk(void *obj, void *ud)
{
    (void)ud;
    struct husk *husk = obj;
    if (husk->core != NULL) { // else it could not be shared
        ops_of((uint32_t)husk->kind)->free(husk->rt, husk->core);
    }
}

// Has the object's core freed when it is garbage. The husk is on a handle while it is
// made: the thread may be in no goroutine.
void lagoon__share_husk(lua_State *L, struct script *s, struct shared *shared)
{
    struct husk *husk = lagoon__gc_new_kept(L, s, s->types.husk, 1);
    husk->kind = shared->kind;
    husk->rt = s->rt;
    lagoon__gc_set(&shared->husk, husk);
    if (lg_set_finalizer(s->rt, husk, free_husk, NULL) != LG_OK) {
        lagoon__raise_memory(L);
    }
}

void lagoon__share_core(struct shared *shared, void *core)
{
    shared->core = core;
    if (shared->husk != NULL) {
        shared->husk->core = core;
    }
}

// The handle stands in the userdata from the beginning: a channel may hold itself.
static void make_shared(lua_State *L, struct object *object, struct sharing *sharing)
{
    struct script *s = object->script;
    struct shared *shared = attach(L, s, object, kind_of(object));
    const struct share_ops *ops = ops_of(shared->kind);
    if (ops->free != NULL) {
        lagoon__share_husk(L, s, shared);
    }
    enter(L, s, 1, shared);
    if (shared->kind == KIND_CHAN) {
        lagoon__sharing_encode(L, sharing, 1, shared);
    } else {
        ops->share(L, s, 1, shared);
        lagoon__share_core(shared, shared->core);
    }
}

// Whoever is not copying what a channel holds must not have it before that is done.
static void check_moving(lua_State *L, const struct object *object)
{
    if (kind_of(object) == KIND_CHAN &&
        !lagoon__chan_may_mention((const struct chan *)object)) {
        lagoon__raise(L, "cannot send a channel while what it holds is being copied");
    }
}

static void check_alive(lua_State *L, const struct object *object)
{
    bool is_chan = kind_of(object) == KIND_CHAN;
    if (object->script->rt == NULL ||
        (is_chan && ((const struct chan *)object)->ch == NULL)) {
        lagoon__raise(L, "cannot send a dead %s to another Lua state",
                      lagoon__kind_name(kind_of(object)));
    }
}

// do_share(userdata, sharing)
static int do_share(lua_State *L)
{
    struct object *object = lua_touserdata(L, 1);
    struct sharing *sharing = lua_touserdata(L, 2);
    lagoon__check_room(L, 16, "no room to share an object");
    if (object->handle != NULL) {
        check_moving(L, object);
        return 0;
    }
    check_alive(L, object);
    if (kind_of(object) == KIND_CHAN) {
        lagoon__sharing_add(L, sharing, 1);
    }
    make_shared(L, object, sharing);
    return 0;
}

void lagoon__share_undo(lua_State *L, struct object *object)
{
    if (object->handle != NULL) {
        forget(L, object->script, lg_handle_get(object->handle));
        lagoon__unshare(object);
    }
}

struct shared *lagoon__share_with(lua_State *L, struct sharing *sharing, int index)
{
    struct object *object = lua_touserdata(L, index);
    bool is_chan = kind_of(object) == KIND_CHAN;
    bool was_shared = object->handle != NULL;
    if (was_shared && (!is_chan || lagoon__chan_is_shared((struct chan *)object))) {
        return lg_handle_get(object->handle);
    }
    lua_pushvalue(L, index);
    lua_rawgeti(L, LUA_REGISTRYINDEX, sharing->s->refs.do_share);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, sharing);
    if (lua_pcall(L, 2, 0, 0) == 0) {
        return lg_handle_get(object->handle);
    }
    if (!was_shared && !is_chan) {
        lagoon__share_undo(L, object);
    }
    return NULL;
}

struct shared *lagoon__share(lua_State *L, struct script *s, int index)
{
    struct object *object = lua_touserdata(L, index);
    if (object->handle != NULL) {
        check_moving(L, object);
        return lg_handle_get(object->handle);
    }
    struct sharing sharing = {.s = s};
    lagoon__check_room(L, 12, "no room to share an object");
    bool is_ready = lagoon__share_with(L, &sharing, index) != NULL;
    if (!is_ready || !lagoon__sharing_is_valid(&sharing)) {
        lagoon__sharing_undo(L, &sharing);
        lagoon__sharing_raise(L, !is_ready);
    }
    lagoon__sharing_commit(L, &sharing);
    return lg_handle_get(object->handle);
}

void *lagoon__shared_new(lua_State *L, struct script *s, enum kind kind,
                         struct shared **out)
{
    lagoon__rt(L, s);
    void *userdata = lagoon__object_new(L, s, kind, ops_of(kind)->size_bytes);
    struct shared *shared = attach(L, s, userdata, kind);
    enter(L, s, lua_gettop(L), shared);
    *out = shared;
    return userdata;
}

void *lagoon__shared_self(lua_State *L, enum kind kind, const char *method)
{
    struct object *object = lagoon__self(L, kind, method);
    if (object->handle == NULL) {
        lagoon__raise(L, "calling '%s' on a dead %s", method, lagoon__kind_name(kind));
    }
    return object;
}

// -- userdata --

static bool find(lua_State *L, struct script *s, struct shared *shared)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.shared);
    push_key(L, shared);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    // A state that is being closed finalises them, and forgets none.
    struct object *object = lua_touserdata(L, -1);
    if (object != NULL && object->handle != NULL) {
        return true;
    }
    lua_pop(L, 1);
    return false;
}

void lagoon__push_shared(lua_State *L, struct script *s, struct shared *shared)
{
    bool is_seen = shared->kind != KIND_CODE && shared->kind != KIND_CLASS;
    if (is_seen && !s->has_module) {
        luaopen_lagoon(L);
        lua_pop(L, 1);
    }
    lagoon__push_bare(L, s, shared);
}

void lagoon__push_bare(lua_State *L, struct script *s, struct shared *shared)
{
    lagoon__check_room(L, 8, "no room for an object");
    if (find(L, s, shared)) {
        return;
    }
    const struct share_ops *ops = ops_of(shared->kind);
    struct object *object =
        lagoon__object_new(L, s, (enum kind)shared->kind, ops->size_bytes);
    if (lg_handle_new(s->rt, shared, &object->handle) != LG_OK) {
        object->handle = NULL;
        lagoon__raise_memory(L);
    }
    if (ops->adopt != NULL) {
        ops->adopt(L, object, shared);
    }
    enter(L, s, lua_gettop(L), shared);
    lagoon__hidden(L, s, 0); // what adopt() has told
}

void lagoon__unshare(struct object *object)
{
    lg_handle *handle = object->handle;
    object->handle = NULL;
    if (lagoon__rt_of_ends(object->script) != NULL) {
        lg_handle_free(handle);
    }
}

int lagoon__shared_finalise(lua_State *L)
{
    enum kind kind;
    struct object *object = lagoon__object_any(L, 1, &kind);
    if (object == NULL) {
        return 0; // a script has called it with something else
    }
    lagoon__unshare(object);
    lagoon__object_end(object);
    return 0;
}

void lagoon__share_init(lua_State *L, struct script *s)
{
    if (register_types(s->rt, &s->types) != LG_OK) {
        lagoon__raise_memory(L);
    }
    lua_createtable(L, 0, 1);
    lua_pushlightuserdata(L, s);
    lua_pushcclosure(L, drop_anchor, 1);
    lua_setfield(L, -2, "__gc");
    s->refs.anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushcfunction(L, do_share);
    s->refs.do_share = luaL_ref(L, LUA_REGISTRYINDEX);
}
