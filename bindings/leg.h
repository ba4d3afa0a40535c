// SPDX-License-Identifier: MIT
//
// The legs of a path in a message: ".conf", "[3]". Of a path with many legs the first
// few and the last few are told.
#ifndef LAGOON_LEG_H
#define LAGOON_LEG_H

#include <lua.h>

enum {
    LEG_SIZE = 48,
    LEG_NAME_MAX = 36, // bytes of a name that are told
    LEGS_FIRST = 3,    // legs that are told, where there are many
    LEGS_LAST = 5,     //
    LEGS_SIZE = 400,   // of a whole path
};

struct leg {
    char text[LEG_SIZE];
};

// The leg to what stands in a table under the key at an index.
void lagoon__leg_of_key(lua_State *L, int key, struct leg *out);

#endif // LAGOON_LEG_H
