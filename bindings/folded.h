// SPDX-License-Identifier: MIT
//
// Collapsed stacks: a line for each, the outermost function first, as flamegraph.pl and
// speedscope read them.
#ifndef LAGOON_FOLDED_H
#define LAGOON_FOLDED_H

#include <stdbool.h>
#include <stdio.h>

#include "samples.h"

// Writes one column; times in microseconds. What a goroutine waits for stands as its
// innermost function, in brackets. False: no memory; the rest is told by ferror().
bool lagoon__folded_write(FILE *file, const struct samples *samples,
                          enum column_kind column);

#endif // LAGOON_FOLDED_H
