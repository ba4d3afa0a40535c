// SPDX-License-Identifier: MIT
//
// A moment as a descriptor, for those who wait for descriptors: it is readable from then on,
// until it is set anew. On the system's clock.
#ifndef LG_OS_MOMENT_H
#define LG_OS_MOMENT_H

#include "base/base.h"

// Opens one that is not set. Returns the negative errno of the system if that fails.
int lg__moment_open(void);

// Sets it so many nanoseconds from now, or at once if there are none; and takes it back.
void lg__moment_set(int fd, int64_t delay_ns);
void lg__moment_unset(int fd);

#endif // LG_OS_MOMENT_H
