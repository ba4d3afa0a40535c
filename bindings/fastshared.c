// SPDX-License-Identifier: MIT
//
// Each does its whole job, or nothing and says so: with a NaN where it returns a number,
// with 0 or NULL elsewhere. The caller then takes the long way.
#include "fastshared.h"

#include <math.h>
#include <stddef.h>

#include "atomic.h"
#include "buffer.h"
#include "state.h"

enum { CAS_DEAD = -1 };

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
    return is_alive(atomic) ? lagoon__atomic_cas(atomic, expected, number) : CAS_DEAD;
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
    };
    (void)s;
    lua_getfield(L, -1, "fast");
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)pointers[i].pointer);
        lua_setfield(L, -2, pointers[i].name);
    }
    lua_pop(L, 1);
}
