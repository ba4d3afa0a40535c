// SPDX-License-Identifier: MIT
//
// Goroutines of all states that have ended by an error, for who has asked for them to be kept:
// the page of a run. What is kept has room from the start; what comes later is left out.
#ifndef LAGOON_BADEND_H
#define LAGOON_BADEND_H

#include <lua.h>
#include <stdbool.h>

struct script_g;

enum {
    BADENDS_MAX = 1000,
    BADEND_WHY_SIZE = 200, // bytes of the error's words, with the zero
};

// From now on. False: there is no memory.
bool lagoon__badends_keep(void);

// A goroutine ends with the error at an index of L, by which it was cancelled or not. L NULL: it
// was cancelled before it had begun. Raises nothing, and calls nothing of the script's.
void lagoon__badend_note(const struct script_g *sg, lua_State *L, int index,
                         bool is_cancelled);

// Pushes what is kept: a list of {id, why}, without a `why` of what was cancelled.
void lagoon__badends_push(lua_State *L);

#endif // LAGOON_BADEND_H
