// SPDX-License-Identifier: MIT
#include "decision.h"

#include <lagoon.h>

#include "fail.h"
#include "interruptible.h"
#include "luajit/door.h"
#include "refusal.h"
#include "scope.h"
#include "state.h"

// How many instructions of our own modules are waited out: all but walks over long
// lists are shorter. Whoever has that many is asked again a slice later.
enum { PATIENCE = 1000 };

// Our modules are left by a call or a return, never between two instructions: a value
// that was received is not lost, and what they note in tables needs no locks.
static bool is_in_ours(lua_State *L)
{
    lua_Debug ar;
    if (!lua_getstack(L, 0, &ar)) {
        return false;
    }
    lua_getinfo(L, "S", &ar);
    return lagoon__is_ours(ar.source);
}

enum decision lagoon__decide(lua_State *L, struct script *s)
{
    const struct luajit_door *door = lagoon__door();
    if (door != NULL && door->is_recording(L)) {
        return TRY_AGAIN;
    }
    struct script_g *sg = lg_extra_self();
    if (sg == NULL || sg->script != s || s->is_ending || s->is_over) {
        return GO_ON;
    }
    if (is_in_ours(L)) {
        return ++s->armed.ntries < PATIENCE ? TRY_AGAIN : GO_ON;
    }
    if ((L != sg->co || !lua_isyieldable(L)) && lagoon__is_in_ffi(L, sg)) {
        return GO_ON;
    }
    bool is_due = lg_is_canceled() || sg->is_told;
    return is_due && !lagoon__scope_is_killed(sg) ? BE_TOLD : MAKE_ROOM;
}
