// SPDX-License-Identifier: MIT
//
// Values that say themselves how they travel: `__transfer(self)` in their metatable
// returns a function and arguments, and the receiver has what that function returns.
// They are a text inside the text, with numbers of its own: what they share with the
// rest of the message becomes two.
#ifndef LAGOON_REBUILD_H
#define LAGOON_REBUILD_H

#include <stdbool.h>

struct decoder;
struct encoder;

// Writes the first mention of the value under the metatable on top, if that has the
// hook; both stay. Raises.
bool lagoon__rebuild_encode(struct encoder *e, const void *key);

// Pushes what was rebuilt. Raises.
void lagoon__rebuild_decode(struct decoder *d);

#endif // LAGOON_REBUILD_H
