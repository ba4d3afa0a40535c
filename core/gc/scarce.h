// SPDX-License-Identifier: MIT
#ifndef LG_GC_SCARCE_H
#define LG_GC_SCARCE_H

#include "base/base.h"

struct gc;

// Memory was refused: collects, on the caller's own stack, if there is a cap, the caller may
// do that where it is, and the last time was not a moment ago. True: it is worth
// asking again. The caller holds no lock.
bool lg__gc_scarce(struct gc *gc);

// Collects on the caller's own stack until this stage, without waiting for anybody. True:
// it is reached. The caller holds no lock.
bool lg__gc_alone(struct gc *gc, uint64_t stage);

#endif // LG_GC_SCARCE_H
