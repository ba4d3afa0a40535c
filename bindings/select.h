// SPDX-License-Identifier: MIT
#ifndef LAGOON_SELECT_H
#define LAGOON_SELECT_H

#include <lua.h>
#include <stddef.h>

struct chan;
struct script;
struct script_g;

// Adds select() and sending() to the table on top.
void lagoon__open_select(lua_State *L, struct script *s);

// The channels that a goroutine waits for in a select.
size_t lagoon__select_ncases(const struct script_g *sg);
struct chan *lagoon__select_chan(const struct script_g *sg, size_t i);

// Frees what selects keep for reuse.
void lagoon__select_fini(struct script *s);

#endif // LAGOON_SELECT_H
