// SPDX-License-Identifier: MIT
//
// Included first into LuaJIT's lj_dispatch.c: errno is looked up anew each time. A hook
// may come back on another thread, and LuaJIT saves errno before it and restores it
// after, by an address that the C library promises not to change.
#ifndef LAGOON_LUAJIT_ERRNO_PLACE_H
#define LAGOON_LUAJIT_ERRNO_PLACE_H

#include <sys/cdefs.h>

#undef __attribute_const__
#define __attribute_const__

#endif // LAGOON_LUAJIT_ERRNO_PLACE_H
