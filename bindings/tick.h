// SPDX-License-Identifier: MIT
//
// A tick after so many seconds of real time, for pictures that are drawn again and again: the
// runtime's clock may stand, or go as it likes.
#ifndef LAGOON_TICK_H
#define LAGOON_TICK_H

#include <lauxlib.h>

// tick_open(), tick_set(); ends with NULLs.
extern const struct luaL_Reg lagoon__tick_functions[];

#endif // LAGOON_TICK_H
