// SPDX-License-Identifier: MIT
//
// Each does its whole job, or nothing and says so: with a NaN where it returns a number,
// with a number below 0, or with 0 or NULL elsewhere. The caller then takes the long way.
#include "fastshared.h"

#include <math.h>
#include <stddef.h>

#include "atomic.h"
#include "buffer.h"
#include "out.h"
#include "sharedmap.h"
#include "state.h"

// What fastshared.lua gets instead of a truth or a slot.
enum { FAST_NOT = -1, FAST_ABSENT = -2 };

static int is_alive(const struct atomic *atomic)
{
    return lagoon__shared_is_alive(&atomic->object);
}

static double atomic_get(const struct atomic *atomic)
{
    return is_alive(atomic) ? lagoon__atomic_get(atomic) : (double)NAN;
}

static int atomic_set(struct atomic *atomic, double number)
{
    if (!is_alive(atomic)) {
        return 0;
    }
    lagoon__atomic_set(atomic, number);
    return 1;
}

// The sum may be NaN as well: then the caller asks whether it is alive.
static double atomic_add(struct atomic *atomic, double number)
{
    return is_alive(atomic) ? lagoon__atomic_add(atomic, number) : (double)NAN;
}

static int atomic_cas(struct atomic *atomic, double expected, double number)
{
    return is_alive(atomic) ? lagoon__atomic_cas(atomic, expected, number) : FAST_NOT;
}

static unsigned char *buffer_pointer(const struct buffer *buffer)
{
    return lagoon__buffer_bytes(buffer);
}

static double buffer_length(const struct buffer *buffer)
{
    return lagoon__buffer_bytes(buffer) ? (double)lagoon__buffer_size(buffer)
                                        : (double)NAN;
}

// -- maps --

static int is_usable(const struct shared_map *map)
{
    return lagoon__shared_is_alive(&map->object) && lg_self().id != 0;
}

// Returns the slot of `out` (out.h) with what is there.
static int map_get(const struct shared_map *map, const struct shared_key *key)
{
    lg_cell cell;
    if (lg_map_get(map->map, key->bytes, key->size_bytes, &cell) != LG_OK) {
        return FAST_ABSENT;
    }
    struct value value = lagoon__map_value(cell);
    struct script *script = map->object.script;
    struct value *slot = lagoon__out_next(script);
    slot->number = value.number;
    if (value.ptr != NULL) {
        lg_store(&slot->ptr, value.ptr);
    }
    return (int)script->out_at;
}

static int map_get_text(const struct shared_map *map, const char *text, size_t size_bytes)
{
    struct shared_key key;
    bool is_key = is_usable(map) && lagoon__shared_key_text(&key, text, size_bytes);
    return is_key ? map_get(map, &key) : FAST_NOT;
}

static int map_get_number(const struct shared_map *map, double number)
{
    struct shared_key key;
    bool is_key = is_usable(map) && lagoon__shared_key_number(&key, number);
    return is_key ? map_get(map, &key) : FAST_NOT;
}

// The number that is there; NaN: there is none.
static double map_number(const struct shared_map *map, const struct shared_key *key)
{
    lg_cell cell;
    if (lg_map_get(map->map, key->bytes, key->size_bytes, &cell) != LG_OK) {
        return (double)NAN;
    }
    struct value value = lagoon__map_value(cell);
    return lagoon__value_is_number(value) ? value.number : (double)NAN;
}

static double map_number_text(const struct shared_map *map, const char *text,
                              size_t size_bytes)
{
    struct shared_key key;
    bool is_key = is_usable(map) && lagoon__shared_key_text(&key, text, size_bytes);
    return is_key ? map_number(map, &key) : (double)NAN;
}

static double map_number_number(const struct shared_map *map, double number)
{
    struct shared_key key;
    bool is_key = is_usable(map) && lagoon__shared_key_number(&key, number);
    return is_key ? map_number(map, &key) : (double)NAN;
}

static int map_set(struct shared_map *map, const struct shared_key *key, double value)
{
    lg_cell cell = lagoon__map_cell(lagoon__value_of_number(value));
    int rc = lg_map_set(map->map, key->bytes, key->size_bytes, &cell, NULL);
    return rc == LG_OK || rc == LG_ESRCH;
}

static int map_set_text(struct shared_map *map, const char *text, size_t size_bytes,
                        double value)
{
    struct shared_key key;
    return is_usable(map) && lagoon__shared_key_text(&key, text, size_bytes) &&
           map_set(map, &key, value);
}

static int map_set_number(struct shared_map *map, double number, double value)
{
    struct shared_key key;
    return is_usable(map) && lagoon__shared_key_number(&key, number) &&
           map_set(map, &key, value);
}

static int map_replace(struct shared_map *map, const struct shared_key *key, double old,
                       double value)
{
    lg_cell expected = lagoon__map_cell(lagoon__value_of_number(old));
    lg_cell cell = lagoon__map_cell(lagoon__value_of_number(value));
    return lg_map_replace(map->map, key->bytes, key->size_bytes, &expected, &cell) ==
           LG_OK;
}

static int map_replace_text(struct shared_map *map, const char *text, size_t size_bytes,
                            double old, double value)
{
    struct shared_key key;
    return is_usable(map) && lagoon__shared_key_text(&key, text, size_bytes) &&
           map_replace(map, &key, old, value);
}

static int map_replace_number(struct shared_map *map, double number, double old,
                              double value)
{
    struct shared_key key;
    return is_usable(map) && lagoon__shared_key_number(&key, number) &&
           map_replace(map, &key, old, value);
}

// Returns the slot of `out` with the sum.
static int map_add(struct shared_map *map, const struct shared_key *key, double number)
{
    double sum;
    lg_cell cell;
    if (lagoon__map_add(map->map, key, number, &sum, &cell) != LG_OK) {
        return FAST_NOT;
    }
    struct script *script = map->object.script;
    lagoon__out_next(script)->number = lagoon__value_of_number(sum).number;
    return (int)script->out_at;
}

static int map_add_text(struct shared_map *map, const char *text, size_t size_bytes,
                        double number)
{
    struct shared_key key;
    bool is_key = is_usable(map) && lagoon__shared_key_text(&key, text, size_bytes);
    return is_key ? map_add(map, &key, number) : FAST_NOT;
}

static int map_add_number(struct shared_map *map, double at, double number)
{
    struct shared_key key;
    bool is_key = is_usable(map) && lagoon__shared_key_number(&key, at);
    return is_key ? map_add(map, &key, number) : FAST_NOT;
}

void lagoon__open_fast_shared(lua_State *L, struct script *s)
{
    typedef void function(void);
    static const struct {
        const char *name;
        function *pointer;
    } pointers[] = {
        {"atomic_get", (function *)atomic_get},
        {"atomic_set", (function *)atomic_set},
        {"atomic_add", (function *)atomic_add},
        {"atomic_cas", (function *)atomic_cas},
        {"buffer_pointer", (function *)buffer_pointer},
        {"buffer_length", (function *)buffer_length},
        {"map_get_text", (function *)map_get_text},
        {"map_get_number", (function *)map_get_number},
        {"map_number_text", (function *)map_number_text},
        {"map_number_number", (function *)map_number_number},
        {"map_set_text", (function *)map_set_text},
        {"map_set_number", (function *)map_set_number},
        {"map_replace_text", (function *)map_replace_text},
        {"map_replace_number", (function *)map_replace_number},
        {"map_add_text", (function *)map_add_text},
        {"map_add_number", (function *)map_add_number},
    };
    (void)s;
    lua_getfield(L, -1, "fast");
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)pointers[i].pointer);
        lua_setfield(L, -2, pointers[i].name);
    }
    lua_pop(L, 1);
}
