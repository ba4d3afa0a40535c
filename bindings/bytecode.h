// SPDX-License-Identifier: MIT
//
// What stands in a dump of LuaJIT's (lua_dump(), nothing stripped), version 2 of its
// format. No Lua state is needed for it, and whatever the bytes are, reading them ends
// well: every step is checked.
//
//   dump    ESC "LJ" version, flags, name of the chunk; prototypes, children before
//           their parents; 0
//   proto   length; counts; instructions; descriptors of upvalues; constants; lines
//           and names
#ifndef LAGOON_BYTECODE_H
#define LAGOON_BYTECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BYTECODE_UPVALUES = 256, BYTECODE_CONSTANTS = 0x10000 };

struct bytes {
    const uint8_t *at;
    size_t size;
};

// A prototype in a dump, with where its parts are.
struct bytecode_proto {
    struct bytes whole; // with its length in front
    const uint8_t *code;
    const uint8_t *upvalues; // descriptors
    struct bytes constants;  // of the collector's: strings, tables, prototypes
    struct bytes debug;
    uint32_t ncode;
    uint32_t nconstants;
    uint32_t nupvalues;
    uint32_t first_line;
    uint32_t nlines;
    uint32_t parent; // its index; the last prototype is its own
    uint32_t below;  // while the dump is being read: the next without a parent
    uint64_t outer[BYTECODE_UPVALUES / 64]; // scratch: which upvalues are the last's
};

// A dump that has been read, and to which this refers.
struct bytecode {
    struct bytes dump;
    struct bytes head;                      // all before the first prototype
    uint64_t used[BYTECODE_CONSTANTS / 64]; // scratch: what a prototype reads
    size_t nprotos;
    struct bytecode_proto protos[]; // the last one is what was dumped
};

// How many bytes its struct bytecode needs; 0: the dump is not understood.
size_t lagoon__bytecode_size(struct bytes dump);

// Reads a dump of that size. False: it is not understood.
bool lagoon__bytecode_read(struct bytes dump, struct bytecode *out);

static inline const struct bytecode_proto *
lagoon__bytecode_last(const struct bytecode *bytecode)
{
    return &bytecode->protos[bytecode->nprotos - 1];
}

// An instruction.
struct bytecode_op {
    uint8_t op;
    uint8_t a;
    uint16_t d;
};

static inline struct bytecode_op lagoon__bytecode_op(const struct bytecode_proto *proto,
                                                     uint32_t i)
{
    const uint8_t *at = proto->code + (size_t)i * 4;
    return (struct bytecode_op){at[0], at[1], (uint16_t)(at[2] | at[3] << 8)};
}

// The line of the i-th instruction; 0: not known.
uint32_t lagoon__bytecode_line(const struct bytecode_proto *proto, uint32_t i);

// The name of an upvalue; empty: not known.
struct bytes lagoon__bytecode_upvalue_name(const struct bytecode_proto *proto,
                                           uint32_t i);

// Whether the i-th upvalue is one of its parent's; which, is in *out.
bool lagoon__bytecode_upvalue_is_parents(const struct bytecode_proto *proto, uint32_t i,
                                         uint32_t *out);

// Calls visit for each constant that is a string; d is how instructions name it.
typedef void bytecode_string(void *ud, uint32_t d, struct bytes string);
void lagoon__bytecode_strings(const struct bytecode_proto *proto, bytecode_string *visit,
                              void *ud);

// Writes the dump of a function that makes, at each call, a closure of what `user`
// is a dump of, with fresh upvalues. `maker` is the dump of
//
//     local u1, ..., uN
//     return function() return u1, ..., uN end
//
// with as many upvalues as that has: the function that it makes is replaced. `out`
// has room for both dumps. Returns the size; 0: they do not match.
size_t lagoon__bytecode_splice(const struct bytecode *user, const struct bytecode *maker,
                               uint8_t *out);

#endif // LAGOON_BYTECODE_H
