// SPDX-License-Identifier: MIT
//
// Numbers for the entries of a Lua table that C code fills and empties: dense,
// from 1 on, reused last in, first out.
#ifndef LAGOON_SLOTS_H
#define LAGOON_SLOTS_H

#include <stdint.h>

struct script;

// Zero bytes are an empty one.
struct slots {
    int32_t *free; // given back, nfree of them
    int32_t nfree;
    int32_t cap;  // of free; at least `last`, so that giving back cannot fail
    int32_t last; // the highest number ever taken
};

// A free number; 0: out of memory.
int32_t lagoon__slots_get(struct slots *slots, struct script *s);

void lagoon__slots_put(struct slots *slots, int32_t slot);

void lagoon__slots_fini(struct slots *slots, struct script *s);

#endif // LAGOON_SLOTS_H
