// SPDX-License-Identifier: MIT
//
// Marking: from what is known to be alive to what that refers to.
//
// On a large heap nearly every step is a cache miss, so each is asked for ahead:
// a reference that was found waits in a short queue while its mark byte comes, a
// grey object in another while its span's record and its first line come (Cher,
// Hosking and Vitek, "Software prefetching for mark-sweep garbage collection",
// ASPLOS 2004).
#ifndef LG_GC_MARK_H
#define LG_GC_MARK_H

#include "base/base.h"
#include "gc/gc.h"
#include "gc/object.h"

// Marks what is grey, on the calling M, for about budget_bytes of objects, as long
// as there is some and nobody else wants the M. Returns the bytes done. What is
// left is in the pool.
size_t lg__mark_some(struct gc *gc, struct gc_p *gp, size_t budget_bytes);

// Greys what a pointer leads to, if that is a white object. Any pointer.
void lg__gc_shade(struct gc *gc, struct gc_work *work, const void *ptr);

// The same on any thread, with or without a P.
void lg__gc_shade_outside(struct gc *gc, const void *ptr);

// Lets markers have what was greyed so. False: there was nothing.
bool lg__gc_flush_outside(struct gc *gc);

// Shades every word of [lo, hi).
void lg__gc_shade_range(struct gc *gc, struct gc_work *work, const void *lo,
                        const void *hi);

// The same for words that have left a place where they were found, on any thread,
// while the collector marks. No signal may stop the caller.
void lg__gc_shade_words(struct lg_runtime *rt, const void *lo, size_t size_bytes);

// Shades what an object refers to, not the object.
void lg__gc_shade_children(struct gc *gc, struct gc_work *work, void *object);

// Greys all marked objects again, since some grey one may have been forgotten. The
// world is stopped.
void lg__mark_again(struct gc *gc, struct gc_work *work);

#endif // LG_GC_MARK_H
