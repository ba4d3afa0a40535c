// SPDX-License-Identifier: MIT
//
// Holes: where a P makes its next objects.
#ifndef LG_GC_NEWOBJECT_H
#define LG_GC_NEWOBJECT_H

#include "base/base.h"

struct gc;
struct gc_p;
struct lg_type;
struct span;

// A cycle begins, the world is stopped: what a P has claimed and not used yet is
// black.
void lg__holes_blacken(struct gc_p *gp);

// Marking has ended, the world is stopped: what a P has not used is free again,
// its spans are in their families' lists.
void lg__holes_give_up(struct gc_p *gp);

// Calls fn for each span that a P has a hole in. The world is stopped.
void lg__holes_each_span(struct gc_p *gp, void (*fn)(void *ud, struct span *s), void *ud);

// An array, or a value of a large type; NULL: no memory.
void *lg__new_value(struct lg_type *type, size_t n);

// The same for a thread without a P, which holds the handles' lock.
void *lg__gc_new_outside(struct gc *gc, struct lg_type *type, size_t n);

#endif // LG_GC_NEWOBJECT_H
