// SPDX-License-Identifier: MIT
#include "gc/family.h"

#include "gc/gc.h"
#include "gc/sweep.h"
#include "mem/mheap.h"

static void family_init(struct gc *gc, struct gc_family *f, uint8_t size_class,
                        enum family_kind kind)
{
    f->gc = gc;
    f->kind = kind;
    f->size_class = size_class;
    f->elem_bytes = size_class ? lg__class_bytes(size_class) : 0;
    f->npages = size_class ? (uint32_t)lg__class_npages(size_class) : 0;
    lg__list_push_back(&gc->families.all, &f->node);
}

void lg__families_init(struct gc *gc)
{
    for (int size_class = 0; size_class < NCLASSES; size_class++) {
        for (int kind = 0; kind < NFAMILY_KINDS; kind++) {
            family_init(gc, &gc->families.sized[size_class][kind], (uint8_t)size_class,
                        (enum family_kind)kind);
        }
    }
}

// Spans go with the heap; families of types are in the runtime's memory.
void lg__families_fini(struct gc *gc)
{
    for (struct node *node; (node = lg__list_pop_front(&gc->families.all));) {
        struct gc_family *f = LG_CONTAINER_OF(node, struct gc_family, node);
        if (f->type) {
            lg__alloc_free(&gc->rt->alloc, f, sizeof *f);
        }
    }
}

struct gc_family *lg__family_of_type(struct gc *gc, struct lg_type *type)
{
    // acquire: pairs with the release below
    struct gc_family *f = __atomic_load_n(&type->family, __ATOMIC_ACQUIRE);
    if (f) {
        return f;
    }
    struct gc_family *fresh = lg__alloc_new(&gc->rt->alloc, sizeof *fresh);
    if (!fresh) {
        return NULL;
    }
    lg__lock(&gc->families.lock, RANK_FAMILIES);
    f = type->family;
    if (!f) {
        family_init(gc, fresh, (uint8_t)lg__class_of(type->typed_elem_bytes),
                    type->has_refs ? FAMILY_REFS : FAMILY_PLAIN);
        fresh->type = type;
        f = fresh;
        fresh = NULL;
        // release: pairs with the acquire above
        __atomic_store_n(&type->family, f, __ATOMIC_RELEASE);
    }
    lg__unlock(&gc->families.lock, RANK_FAMILIES);
    lg__alloc_free(&gc->rt->alloc, fresh, sizeof *fresh);
    return f;
}

static struct span *pop_locked(struct list *list)
{
    struct node *node = lg__list_pop_front(list);
    return node ? LG_CONTAINER_OF(node, struct span, node) : NULL;
}

static struct span *new_span(struct gc_family *f, size_t npages, struct lg_type *type)
{
    struct span *s;
    if (lg__span_new(f->gc->heap, npages, SPAN_COLLECTED, &s) != LG_OK) {
        return NULL;
    }
    lg__span_cut(s, f->elem_bytes ? f->elem_bytes : npages * PAGE_BYTES);
    s->family = f;
    s->type = type;
    s->has_refs = f->kind == FAMILY_REFS;
    lg__span_publish(s);
    // relaxed: a figure
    atomic_fetch_add_explicit(&f->nspans, 1, memory_order_relaxed);
    return s;
}

struct span *lg__family_new_large(struct gc_family *f, size_t npages,
                                  struct lg_type *type)
{
    return new_span(f, npages, type);
}

// A swept span: to where it belongs, or back to the heap.
static void place_swept(struct gc_family *f, struct span *s, enum swept swept)
{
    if (swept == SWEPT_EMPTY) {
        // relaxed: a figure
        atomic_fetch_sub_explicit(&f->nspans, 1, memory_order_relaxed);
        lg__span_free(f->gc->heap, s);
        return;
    }
    lg__family_put(f, s, swept == SWEPT_PARTIAL);
}

struct span *lg__family_take(struct gc_family *f)
{
    for (;;) {
        lg__lock(&f->lock, RANK_FAMILY);
        struct span *partial = pop_locked(&f->partial);
        struct span *unswept = partial ? NULL : pop_locked(&f->unswept);
        lg__unlock(&f->lock, RANK_FAMILY);
        if (partial) {
            return partial;
        }
        if (!unswept) {
            return new_span(f, f->npages, f->type);
        }
        enum swept swept = lg__span_sweep(f->gc, unswept);
        if (swept != SWEPT_FULL) {
            return unswept; // an empty one too: it is wanted here
        }
        lg__family_put(f, unswept, false);
    }
}

void lg__family_put(struct gc_family *f, struct span *s, bool may_have_free)
{
    lg__lock(&f->lock, RANK_FAMILY);
    lg__list_push_front(may_have_free ? &f->partial : &f->full, &s->node);
    lg__unlock(&f->lock, RANK_FAMILY);
}

static void append(struct list *to, struct list *from)
{
    if (from->first) {
        from->first->prev = to->last;
        *(to->last ? &to->last->next : &to->first) = from->first;
        to->last = from->last;
        *from = (struct list){0};
    }
}

void lg__family_unsweep(struct gc_family *f)
{
    lg__lock(&f->lock, RANK_FAMILY);
    append(&f->unswept, &f->partial);
    append(&f->unswept, &f->full);
    lg__unlock(&f->lock, RANK_FAMILY);
}

bool lg__family_sweep_one(struct gc_family *f)
{
    lg__lock(&f->lock, RANK_FAMILY);
    struct span *s = pop_locked(&f->unswept);
    lg__unlock(&f->lock, RANK_FAMILY);
    if (!s) {
        return false;
    }
    place_swept(f, s, lg__span_sweep(f->gc, s));
    return true;
}

void lg__family_each_span(struct gc_family *f, void (*fn)(void *ud, struct span *s),
                          void *ud)
{
    struct list *lists[] = {&f->unswept, &f->partial, &f->full};
    lg__lock(&f->lock, RANK_FAMILY);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (struct node *node = lists[i]->first; node; node = node->next) {
            fn(ud, LG_CONTAINER_OF(node, struct span, node));
        }
    }
    lg__unlock(&f->lock, RANK_FAMILY);
}

struct family_sums lg__families_sum(struct gc *gc, uint32_t size_class)
{
    struct family_sums sums = {0};
    lg__lock(&gc->families.lock, RANK_FAMILIES);
    for (struct node *node = gc->families.all.first; node; node = node->next) {
        struct gc_family *f = LG_CONTAINER_OF(node, struct gc_family, node);
        if (size_class == FAMILIES_ALL || f->size_class == size_class) {
            // relaxed: figures
            sums.nspans += atomic_load_explicit(&f->nspans, memory_order_relaxed);
            sums.nobjects += atomic_load_explicit(&f->nobjects, memory_order_relaxed);
            sums.bytes += atomic_load_explicit(&f->bytes, memory_order_relaxed);
        }
    }
    lg__unlock(&gc->families.lock, RANK_FAMILIES);
    return sums;
}
