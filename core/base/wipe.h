// SPDX-License-Identifier: MIT
//
// Forgetting what former calls have left on the C stack. It is read conservatively,
// and new frames have holes in which old words shine through: a goroutine that is
// about to wait, perhaps for ever, would keep alive what it has long forgotten.
#ifndef LG_BASE_WIPE_H
#define LG_BASE_WIPE_H

#include <string.h>

#include "base/base.h"

enum { WIPE_BYTES = 2048 }; // the smallest stacks have 16 KB

// Zeroes the stack below the caller's frame. Without the sanitizer's red zones,
// which would be holes in what is zeroed.
static LG_NOINLINE __attribute__((unused, no_sanitize("address"))) void
lg__wipe_below(void)
{
    char bytes[WIPE_BYTES];
    memset(bytes, 0, sizeof bytes);
    __asm__ volatile("" : : "r"(bytes) : "memory"); // as if somebody looked at them
}

#endif // LG_BASE_WIPE_H
