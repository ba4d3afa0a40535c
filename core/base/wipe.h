// SPDX-License-Identifier: MIT
//
// Forgetting what former calls have left on the C stack. It is read conservatively,
// and new frames have holes in which old words shine through: a goroutine that is
// about to wait, perhaps for ever, would keep alive what it has long forgotten.
#ifndef LG_BASE_WIPE_H
#define LG_BASE_WIPE_H

#include "base/base.h"

enum { WIPE_BYTES = 2048 }; // the smallest stacks have 16 KB

// Zeroes the stack below the caller's frame.
static LG_NOINLINE __attribute__((unused)) void lg__wipe_below(void)
{
    volatile uintptr_t words[WIPE_BYTES / sizeof(uintptr_t)];
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        words[i] = 0;
    }
}

#endif // LG_BASE_WIPE_H
