// SPDX-License-Identifier: MIT
//
// Objects, as others than the marker see them: found from a pointer, with their type.
#ifndef LG_GC_OBJECT_H
#define LG_GC_OBJECT_H

#include "base/base.h"
#include "gc/gc.h"

// An object, found from any pointer to it or into it.
struct object {
    char *start;
    size_t size_bytes;
    struct lg_type *type; // NULL: bytes
    struct span *span;
};

// False: the pointer leads to no object.
bool lg__object_find(struct gc *gc, const void *ptr, struct object *out);

// Whether the object that starts here was found alive, or made, in this cycle or
// (between cycles) in the last.
LG_INLINE bool lg__object_is_marked(struct gc *gc, const void *start)
{
    // acquire: pairs with the release in newobject.c
    return (atomic_load_explicit(lg__mark_of(start), memory_order_acquire) &
            lg__gc_epoch(gc)) != 0;
}

// Calls visit with the address of every reference in an object.
void lg__object_each_ref(const struct object *object,
                         void (*visit)(void *ud, void **slot), void *ud);

#endif // LG_GC_OBJECT_H
