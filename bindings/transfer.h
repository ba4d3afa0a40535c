// SPDX-License-Identifier: MIT
//
// What specs and our own modules ask of transfer: messages to oneself.
#ifndef LAGOON_TRANSFER_H
#define LAGOON_TRANSFER_H

#include <lua.h>

struct script;

// Adds transfer_copy() and transfer_send() to the table on top; in check builds also
// transfer_spoil(), with which specs send broken messages.
void lagoon__open_transfer(lua_State *L, struct script *s);

#endif // LAGOON_TRANSFER_H
