// SPDX-License-Identifier: MIT
//
// The classes that a state knows: refs.class_tables has the metatables by name,
// refs.class_objects, which is weak, by metatable the userdata that holds the shared
// object.
#ifndef LAGOON_CLASSTAB_H
#define LAGOON_CLASSTAB_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "object.h"
#include "share.h"

struct script;

// The userdata by which a state knows a class.
struct class
{
    struct object object;
    bool is_received; // the sender's metatable, until there is one of ours
    bool is_making;   // its contents are being encoded
};

struct shared *lagoon__class_shared(struct class *class);

// Alive as long as the shared object.
const char *lagoon__class_name(struct shared *shared, size_t *out_length);

// Keeps a text in an object of the collector, with a zero behind it. Raises.
void lagoon__class_keep(lua_State *L, struct script *s, void **slot, const char *text,
                        size_t length);

// Pushes the metatable of a name, or nil.
void lagoon__class_push_table(lua_State *L, struct script *s, const char *name,
                              size_t length);

// Pushes the userdata of the class of the table at an absolute index, or nil.
struct class *lagoon__class_push(lua_State *L, struct script *s, int index);

// Makes the table at an absolute index, or nil, what the name of a class stands for.
// Raises.
void lagoon__class_set_table(lua_State *L, struct script *s, struct class *class,
                             int index);

// Makes the table at an absolute index the metatable of the class whose userdata is on
// top. Raises.
void lagoon__class_enter(lua_State *L, struct script *s, int index);

#endif // LAGOON_CLASSTAB_H
