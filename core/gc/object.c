// SPDX-License-Identifier: MIT
#include "gc/object.h"

#include "gc/gc.h"

enum { TYPE_WORD = sizeof(struct lg_type *) };

static struct lg_type *type_of(const struct span *s, const char *start)
{
    if (!lg__span_has_type_words(s)) {
        return s->type;
    }
    // acquire: pairs with the release in newobject.c:new_sized()
    return __atomic_load_n(
        (struct lg_type *const *)(const void *)(start + s->elem_bytes - TYPE_WORD),
        __ATOMIC_ACQUIRE);
}

bool lg__object_find(struct gc *gc, const void *ptr, struct object *out)
{
    struct span *s = lg__heap_find(gc->heap, ptr);
    if (!s || lg__span_kind(s) != SPAN_COLLECTED) {
        return false;
    }
    uint32_t index = lg__span_index(s, ptr);
    if (index >= s->nelems) {
        return false;
    }
    char *start = s->start + index * s->elem_bytes;
    // acquire: pairs with the release in newobject.c:set_marks()
    if (atomic_load_explicit(lg__mark_of(start), memory_order_acquire) == 0) {
        return false;
    }
    size_t word = lg__span_has_type_words(s) ? TYPE_WORD : 0;
    *out = (struct object){.start = start,
                           .size_bytes = s->elem_bytes - word,
                           .type = type_of(s, start),
                           .span = s};
    return true;
}

void lg__object_each_ref(const struct object *object,
                         void (*visit)(void *ud, void **slot), void *ud)
{
    const struct lg_type *type = object->type;
    if (!type || !type->has_refs) {
        return;
    }
    char *end = object->start + object->size_bytes;
    for (char *at = object->start; at + type->size_bytes <= end; at += type->size_bytes) {
        for (uint32_t i = 0; i < type->nruns; i++) {
            void **slot = (void **)(void *)(at + type->runs[i].offset);
            for (uint32_t n = 0; n < type->runs[i].count; n++) {
                visit(ud, slot + n);
            }
        }
    }
}
