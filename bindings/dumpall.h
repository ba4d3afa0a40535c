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
#include <stddef.h>

struct script;

// For how many rounds of 10 ms an answer is waited for. They are counted, not timed: on a
// machine that is busy with others both sides are late.
enum { DUMP_ROUNDS = 100 };

// The text, malloc()ed, which ends with a newline; NULL: no memory. nrounds: DUMP_ROUNDS, or
// less for a state that has not answered before; must_hurry: whoever sets it wants an end now,
// with what has been answered. The root is not closed meanwhile.
char *lagoon__dump_all(struct script *root, int nrounds, const _Atomic bool *must_hurry);

#endif // LAGOON_DUMPALL_H
