// SPDX-License-Identifier: MIT
//
// Memory for encoding, which each state keeps for the next time: the text, and what has
// been mentioned in it. It belongs to a userdata, so that an error loses nothing: it is
// taken with a mark, and one that is still marked when the next one needs it (a hook
// sends, or an error has cut its user short) is left to Lua's collector.
//
//   map: pointer, space -> node     nodes: in order of first mention
#ifndef LAGOON_SCRATCH_H
#define LAGOON_SCRATCH_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script;

enum node_kind {
    NODE_TABLE,
    NODE_FUNCTION,
    NODE_NAMED,
    NODE_REBUILT,
    NODE_MOVED,
    NODE_STRING, // a long one
    NODE_SHARED,
    NODE_CLASS,
    NODE_CODE,
    NODE_CELL, // what closures share: a variable
};

// Something that has been mentioned.
struct node {
    union {
        size_t offset; // in the text, of a table's sizes
        void *shared;  // of classes, codes and functions
    };
    uint32_t parent; // the node in whose body that was
    uint32_t number; // of the object, or of the reference; of a cell: of its function
    uint32_t space;  // the text inside the text that numbers it so; 0: the outer one
    uint16_t kind;   // enum node_kind
    uint16_t which;  // of a cell: the function's upvalue; of a class: see mention.c
};

struct entry {
    const void *key;
    uint32_t generation; // entries of others are free
    uint32_t node;
};

struct scratch {
    struct script *s;
    bool is_taken;
    unsigned char *text;
    size_t text_cap;
    struct node *nodes;
    uint32_t nnodes;
    uint32_t nodes_cap;
    struct entry *map;
    uint32_t map_cap; // a power of two, at least twice nnodes
    uint32_t generation;
    uint32_t *refs; // nodes that are sent by reference
    uint32_t nrefs;
    uint32_t refs_cap;
};

// Takes the state's scratch, empty but for its memory; pushes what keeps it. Raises.
struct scratch *lagoon__scratch_take(lua_State *L, struct script *s);

// Gives it back. What is large is freed.
void lagoon__scratch_put(struct scratch *scratch);

// Makes the text larger, to n bytes or more. False: no memory.
bool lagoon__scratch_grow_text(struct scratch *scratch, size_t n);

// The entry of a key, or where it is to stand: then its generation is another.
struct entry *lagoon__scratch_find(struct scratch *scratch, const void *key,
                                   uint32_t space);

// Adds a node, zeroed, for a key that is not there. NULL: no memory.
struct node *lagoon__scratch_insert(struct scratch *scratch, const void *key,
                                    uint32_t space);

// Notes that a node is sent by reference; sets its number. False: no memory.
bool lagoon__scratch_refer(struct scratch *scratch, struct node *node);

#endif // LAGOON_SCRATCH_H
