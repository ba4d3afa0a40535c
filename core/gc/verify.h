// SPDX-License-Identifier: MIT
//
// The heap, walked by the check build whenever the phase is about to change, and by
// specs. It proves that no marked object refers to one that is not (no black object
// points to a white one without a grey path: there is no grey one left then).
#ifndef LG_GC_VERIFY_H
#define LG_GC_VERIFY_H

struct gc;

enum verify_when {
    VERIFY_SWEPT,  // before a cycle: every mark byte is 0 or of the last epoch
    VERIFY_MARKED, // marking is over, nothing is swept: the proof above
};

#ifdef LG_CHECK
// The world is stopped. Panics with the first object that breaks the rule.
void lg__gc_verify(struct gc *gc, enum verify_when when);
#else
static inline void lg__gc_verify(struct gc *gc, enum verify_when when)
{
    (void)gc;
    (void)when;
}
#endif

#endif // LG_GC_VERIFY_H
