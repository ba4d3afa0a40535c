// SPDX-License-Identifier: MIT
//
// The goroutines that a timeline knows.
#ifndef LG_RT_LANEGS_H
#define LG_RT_LANEGS_H

#include "rt/lanes.h"

// A goroutine by its number; NULL: unknown.
struct lane_g *lg__lane_find(struct lanes *l, uint64_t id);

// Finds it, or begins to know it; NULL: there are too many, or it has no number. Sets
// *out_has_forgotten where others had to go for it.
struct lane_g *lg__lane_meet(struct lanes *l, uint64_t id, bool *out_has_forgotten);

// It has ended.
void lg__lane_forget(struct lanes *l, struct lane_g *g);

// Its state from then on.
void lg__lane_set(struct lanes *l, struct lane_g *g, enum lane_state state,
                  uint64_t when);

#endif // LG_RT_LANEGS_H
