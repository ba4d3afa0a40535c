// SPDX-License-Identifier: MIT
#include "gc/verify.h"

#ifdef LG_CHECK

#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/sweep.h"

static const char *name_of(const struct object *object)
{
    return object->type ? object->type->info->name : "bytes";
}

struct proof {
    struct gc *gc;
    struct object owner;
};

static void check_ref(void *ud, void **slot)
{
    struct proof *proof = ud;
    struct object target;
    if (!lg__object_find(proof->gc, *slot, &target) ||
        lg__object_is_marked(proof->gc, target.start)) {
        return;
    }
    lg__panic("the collector lost an object: %s %p, marked, refers by word %zu to %s %p, "
              "which is not",
              name_of(&proof->owner), (void *)proof->owner.start,
              (size_t)((char *)slot - proof->owner.start) / sizeof *slot,
              name_of(&target), (void *)target.start);
}

static void prove_span(void *ud, struct span *s)
{
    struct gc *gc = ud;
    if (lg__span_kind(s) != SPAN_COLLECTED) {
        return;
    }
    for (uint32_t i = 0; i < s->nelems; i++) {
        struct proof proof = {.gc = gc};
        char *start = s->start + i * s->elem_bytes;
        if (lg__object_is_marked(gc, start) && lg__object_find(gc, start, &proof.owner)) {
            lg__object_each_ref(&proof.owner, check_ref, &proof);
        }
    }
}

// Mark bytes stand where objects start and nowhere else.
static void check_bytes(void *ud, struct span *s)
{
    struct gc *gc = ud;
    if (lg__span_kind(s) != SPAN_COLLECTED) {
        return;
    }
    uint8_t epoch = lg__gc_epoch(gc);
    for (uint32_t i = 0; i < s->nelems; i++) {
        char *start = s->start + i * s->elem_bytes;
        uint8_t byte = atomic_load_explicit(lg__mark_of(start), memory_order_relaxed);
        if (byte != 0 && byte != lg__mark_byte(epoch, start)) {
            lg__panic("object %p has mark byte %u after its span was swept",
                      (void *)start, byte);
        }
    }
}

void lg__gc_verify(struct gc *gc, enum verify_when when)
{
    switch (when) {
    case VERIFY_SWEPT: lg__heap_each_span(gc->heap, check_bytes, gc); break;
    case VERIFY_MARKED: lg__heap_each_span(gc->heap, prove_span, gc); break;
    }
}

#endif // LG_CHECK
