// SPDX-License-Identifier: MIT
//
// What becomes of a goroutine whose hook is called.
#ifndef LAGOON_DECISION_H
#define LAGOON_DECISION_H

#include <lua.h>

struct script;

enum decision {
    GO_ON,     // nothing can or need be done here
    TRY_AGAIN, // at the next instruction
    MAKE_ROOM, // for others
    BE_TOLD,   // that it is cancelled
};

// L stands in our hook, between two of its instructions.
enum decision lagoon__decide(lua_State *L, struct script *s);

#endif // LAGOON_DECISION_H
