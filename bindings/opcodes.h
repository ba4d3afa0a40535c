// SPDX-License-Identifier: MIT
//
// What instructions in a dump do, as far as sending functions asks: which assign
// captured variables, and which read globals. Their numbers are LuaJIT's own business
// and differ between versions, so they are learnt from the dump of a lesson.
#ifndef LAGOON_OPCODES_H
#define LAGOON_OPCODES_H

#include <stdbool.h>
#include <stdint.h>

#include "bytecode.h"

enum { OPCODES_OF_USET = 4 };

struct opcodes {
    uint8_t uset[OPCODES_OF_USET]; // assign a captured variable: from a variable, a
                                   // string, a number, or what else is constant
    uint8_t gget;                  // reads a global
};

// The text to compile, and to dump for lagoon__opcodes_learn().
extern const char lagoon__opcodes_lesson[];

// False: the instructions are not what was expected.
bool lagoon__opcodes_learn(struct bytecode *lesson, struct opcodes *out);

struct assignment {
    struct bytes name; // size 0: not known
    uint32_t line;     // 0: not known
};

// Finds the first assignment, in the order of lines, to a variable that the dumped
// function has captured, by itself or by a function inside. False: there is none.
bool lagoon__opcodes_assigns(struct bytecode *bytecode, const struct opcodes *opcodes,
                             struct assignment *out);

// Calls visit with the name of each global that is read; each is told once by each
// prototype that reads it.
typedef void opcodes_visit(void *ud, struct bytes name);
void lagoon__opcodes_globals(struct bytecode *bytecode, const struct opcodes *opcodes,
                             opcodes_visit *visit, void *ud);

#endif // LAGOON_OPCODES_H
