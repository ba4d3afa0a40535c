// SPDX-License-Identifier: MIT
//
// Cells are kept alive by the C stack while they are used, so all of it needs a
// goroutine.
#include "sharedmap.h"

#include <lauxlib.h>

#include "fail.h"
#include "parcel.h"
#include "state.h"

static void check_goroutine(lua_State *L)
{
    if (lg_self().id == 0) {
        lagoon__raise(L, "a shared map is used outside of any goroutine");
    }
}

static lg_map *check_self(lua_State *L, const char *method)
{
    struct shared_map *map = lagoon__shared_self(L, KIND_MAP, method);
    check_goroutine(L);
    return map->map;
}

static int map_new(lua_State *L)
{
    struct script *s = lagoon__script(L);
    check_goroutine(L);
    struct shared *shared;
    struct shared_map *map = lagoon__shared_new(L, s, KIND_MAP, &shared);
    map->map = lg_map_new(s->rt);
    if (map->map == NULL) {
        lagoon__raise_memory(L);
    }
    lg_store(&shared->data, map->map);
    lagoon__hidden(L, s, 1024);
    return 1;
}

// -- values --

// The cell for the value at an index that is not nil. May run code, which may wait.
static lg_cell pack(lua_State *L, struct script *s, int index)
{
    struct value value;
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        value = lagoon__value_of_tag(lua_toboolean(L, index) ? VALUE_TRUE : VALUE_FALSE);
        break;
    case LUA_TNUMBER: value = lagoon__value_of_number(lua_tonumber(L, index)); break;
    default: lagoon__encode(L, s, index, &value); break;
    }
    return lagoon__map_cell(value);
}

// As pack(). May run code, which may wait.
static void push_cell(lua_State *L, struct script *s, lg_cell cell)
{
    struct value value = lagoon__map_value(cell);
    if (lagoon__value_is_number(value)) {
        lua_pushnumber(L, value.number);
    } else if (!lagoon__value_is_sealed(value)) {
        lua_pushboolean(L, value.tag == VALUE_TRUE);
    } else {
        lagoon__decode(L, s, value);
        lg_keep_alive(cell.ref);
    }
}

// What was packed is not in the map.
static void drop(lg_cell cell)
{
    struct value value = lagoon__map_value(cell);
    if (lagoon__value_is_sealed(value)) {
        lagoon__recall(value);
    }
}

static _Noreturn void raise_not_stored(lua_State *L, int rc)
{
    if (rc == LG_ENOMEM) {
        lagoon__raise_memory(L);
    }
    lagoon__raise(L, "cannot store in a shared map: %s", lg_strerror(rc));
}

// -- get and set --

static int get(lua_State *L)
{
    lg_map *map = check_self(L, "get");
    struct shared_key key;
    lagoon__shared_key_check(L, "get", &key);
    lg_cell cell;
    if (lg_map_get(map, key.bytes, key.size_bytes, &cell) == LG_OK) {
        push_cell(L, lagoon__script(L), cell);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

// set(map, key, value)
static int set(lua_State *L)
{
    lg_map *map = check_self(L, "set");
    struct shared_key key;
    lua_settop(L, 3);
    lagoon__shared_key_check(L, "set", &key);
    bool has_value = !lua_isnil(L, 3);
    lg_cell cell = {0};
    if (has_value) {
        cell = pack(L, lagoon__script(L), 3);
    }
    int rc = lg_map_set(map, key.bytes, key.size_bytes, has_value ? &cell : NULL, NULL);
    if (rc != LG_OK && rc != LG_ESRCH) {
        drop(cell);
        raise_not_stored(L, rc);
    }
    return 0;
}

// -- update: fetch, call the function, replace; again if somebody was faster --

// A cell that is no plain number or boolean is kept in an object of the collector, to be
// known again: pushes the userdata that keeps it.
static void push_token(lua_State *L, struct script *s, lg_cell cell)
{
    struct value *kept = lagoon__gc_new_kept(L, s, s->types.values, 1);
    kept->number = lagoon__map_value(cell).number;
    lg_store(&kept->ptr, cell.ref);
}

static void check_function(lua_State *L)
{
    if (!lua_isfunction(L, 3) && !luaL_getmetafield(L, 3, "__call")) {
        lagoon__raise_argument(L, 2, "update", "function expected, got %s",
                               lagoon__type_name(L, 3));
    }
}

// fetch(map, key, function): the value, and a token if that is neither nil, a boolean
// nor a number.
static int fetch(lua_State *L)
{
    lg_map *map = check_self(L, "update");
    struct script *s = lagoon__script(L);
    struct shared_key key;
    lagoon__shared_key_check(L, "update", &key);
    check_function(L);
    lg_cell cell;
    if (lg_map_get(map, key.bytes, key.size_bytes, &cell) != LG_OK) {
        return 0;
    }
    push_cell(L, s, cell);
    if (!lagoon__value_is_sealed(lagoon__map_value(cell))) {
        return 1;
    }
    push_token(L, s, cell);
    return 2;
}

// What fetch() has found, from its results at 3 and 4. False: nothing.
static bool check_fetched(lua_State *L, struct script *s, lg_cell *out)
{
    if (lua_isnil(L, 3)) {
        return false;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.anchor);
    if (lua_getmetatable(L, 4) && lua_rawequal(L, -1, -2)) {
        lg_handle **anchor = lua_touserdata(L, 4);
        struct value *kept = lg_handle_get(*anchor);
        *out = lagoon__map_cell(*kept);
    } else {
        *out = pack(L, s, 3);
    }
    return true;
}

// replace(map, key, value, token, new value): whether it was done.
static int replace(lua_State *L)
{
    lg_map *map = check_self(L, "update");
    struct script *s = lagoon__script(L);
    struct shared_key key;
    lua_settop(L, 5);
    lagoon__shared_key_check(L, "update", &key);
    lg_cell expected;
    bool has_expected = check_fetched(L, s, &expected);
    bool has_value = !lua_isnil(L, 5);
    lg_cell cell = {0};
    if (has_value) {
        cell = pack(L, s, 5);
    }
    int rc = lg_map_replace(map, key.bytes, key.size_bytes,
                            has_expected ? &expected : NULL, has_value ? &cell : NULL);
    if (rc != LG_OK) {
        drop(cell);
    }
    if (rc != LG_OK && rc != LG_EAGAIN) {
        raise_not_stored(L, rc);
    }
    lua_pushboolean(L, rc == LG_OK);
    return 1;
}

// -- add --

int lagoon__map_add(lg_map *map, const struct shared_key *key, double number, double *out,
                    lg_cell *out_cell)
{
    int rc;
    double sum;
    do {
        lg_cell old;
        bool has_old = lg_map_get(map, key->bytes, key->size_bytes, &old) == LG_OK;
        struct value value = has_old ? lagoon__map_value(old) : (struct value){0};
        if (!lagoon__value_is_number(value)) {
            *out_cell = old;
            return LG_EINVAL;
        }
        sum = value.number + number;
        lg_cell cell = lagoon__map_cell(lagoon__value_of_number(sum));
        rc = lg_map_replace(map, key->bytes, key->size_bytes, has_old ? &old : NULL,
                            &cell);
    } while (rc == LG_EAGAIN);
    if (rc == LG_OK) {
        *out = sum;
    }
    return rc;
}

static int add(lua_State *L)
{
    lg_map *map = check_self(L, "add");
    if (lua_type(L, 3) != LUA_TNUMBER) {
        lagoon__raise_argument(L, 2, "add", "a number expected, got %s",
                               lagoon__type_name(L, 3));
    }
    double number = lua_tonumber(L, 3);
    struct shared_key key;
    lagoon__shared_key_check(L, "add", &key);
    double sum;
    lg_cell cell = {0};
    int rc = lagoon__map_add(map, &key, number, &sum, &cell);
    if (rc == LG_EINVAL) {
        push_cell(L, lagoon__script(L), cell);
        lagoon__raise(L, "attempt to add to a %s in a shared map",
                      lagoon__type_name(L, -1));
    } else if (rc != LG_OK) {
        raise_not_stored(L, rc);
    }
    lua_pushnumber(L, sum);
    return 1;
}

// -- pairs --

// Where a loop stands: an object of the collector.
struct walk {
    void *map; // lg_map
    lg_map_cursor cursor;
};

static struct walk *push_walk(lua_State *L, struct script *s)
{
    static const lg_field fields[] = {
        LG_FIELD(struct walk, map, LG_FIELD_REF),
        LG_FIELD_ARRAY(struct walk, cursor.refs, LG_FIELD_REF),
    };
    static const lg_type_info info = LG_TYPE_INFO(struct walk, fields);
    lg_type *type;
    if (lg_type_register(s->rt, &info, &type) != LG_OK) {
        lagoon__raise_memory(L);
    }
    return lagoon__gc_new_kept(L, s, type, 1);
}

// The iterator: its second upvalue keeps the walk.
static int next(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lg_handle **anchor = lua_touserdata(L, lua_upvalueindex(2));
    if (s->rt == NULL || *anchor == NULL) {
        lagoon__raise(L, "calling 'pairs' on a dead shared map");
    }
    check_goroutine(L);
    struct walk *walk = lg_handle_get(*anchor);
    const void *key;
    size_t size_bytes;
    lg_cell cell;
    int rc = lg_map_next(walk->map, &walk->cursor, &key, &size_bytes, &cell);
    if (rc == LG_ENOMEM) {
        lagoon__raise_memory(L);
    } else if (rc != LG_OK) {
        return 0;
    }
    lagoon__shared_key_push(L, key, size_bytes);
    push_cell(L, s, cell);
    return 2;
}

static int pairs(lua_State *L)
{
    lg_map *map = check_self(L, "pairs");
    struct script *s = lagoon__script(L);
    lua_pushlightuserdata(L, s);
    struct walk *walk = push_walk(L, s);
    lg_store(&walk->map, map);
    lua_pushcclosure(L, next, 2);
    return 1;
}

// -- the rest --

static int length(lua_State *L)
{
    struct shared_map *map = lagoon__shared_self(L, KIND_MAP, "len");
    lua_pushnumber(L, (double)lg_map_len(map->map));
    return 1;
}

static int tostring(lua_State *L)
{
    struct shared_map *map = lagoon__object_at(L, 1, KIND_MAP);
    if (map == NULL) {
        map = lagoon__self(L, KIND_MAP, "tostring"); // raises
    }
    if (lagoon__shared_is_alive(&map->object)) {
        lua_pushfstring(L, "shared map: %p (%f keys)", (void *)map,
                        (double)lg_map_len(map->map));
    } else {
        lua_pushfstring(L, "shared map: %p (dead)", (void *)map);
    }
    return 1;
}

static void adopt(lua_State *L, void *userdata, struct shared *shared)
{
    (void)L;
    ((struct shared_map *)userdata)->map = shared->data;
}

const struct share_ops lagoon__map_ops = {.size_bytes = sizeof(struct shared_map),
                                          .adopt = adopt};

void lagoon__open_map(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"shared_map", map_new}, {"map_get", get},         {"map_set", set},
        {"map_fetch", fetch},    {"map_replace", replace}, {"map_add", add},
        {"map_pairs", pairs},    {"map_length", length},   {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", lagoon__shared_finalise},
                                    {"__tostring", tostring},
                                    {"__len", length},
                                    {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_MAP);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
