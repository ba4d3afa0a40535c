// SPDX-License-Identifier: MIT
//
// What the goroutines of all states do, as text, by a thread outside of the runtime while
// everything runs on.
//
// Each state is asked by a post to its strand: between two goroutines nobody is inside its
// Lua stacks, and one that computes is interrupted within a slice. A state whose goroutine
// is in C code and does not come back is told of by what the core knows.
#ifndef LAGOON_DUMPALL_H
#define LAGOON_DUMPALL_H

#include <stdatomic.h>
#include <stdbool.h>

struct script;

// An answer is waited for this long: until the whole process has been at rest for some time,
// or, if it is not, for some seconds. Rounds are counted: a machine may be busy with others.
struct patience {
    int nrounds;
    int nquiet; // of the last ones
};

enum { PATIENCE_ROUND_MS = 10 };

// After each round. False: no answer is to be expected.
bool lagoon__patience_lasts(struct patience *patience);

// The text, malloc()ed, which ends with a newline; NULL: no memory. must_hurry: whoever sets
// it wants an end now, with what has been answered. The root is not closed meanwhile.
char *lagoon__dump_all(struct script *root, const _Atomic bool *must_hurry);

#endif // LAGOON_DUMPALL_H
