// SPDX-License-Identifier: MIT
//
// Hand-overs in a timeline: who has sent what is received, also through a buffer.
#ifndef LG_RT_LANECHANS_H
#define LG_RT_LANECHANS_H

#include "rt/lanes.h"

// A send, a receive or a close that has not waited.
void lg__lane_operate(struct lanes *l, int p, unsigned kind,
                      const struct timeline_event *event, uint64_t when);

#endif // LG_RT_LANECHANS_H
