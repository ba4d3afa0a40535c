// SPDX-License-Identifier: MIT
#include "gc/handle.h"

#include <string.h>

#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/newobject.h"

enum { VISIT_BATCH = LG_SIZED(256, 3) };

void lg__handles_init(struct gc_handles *handles, struct gc *gc,
                      const struct alloc *alloc)
{
    memset(handles, 0, sizeof *handles);
    handles->gc = gc;
    lg__records_init(&handles->records, alloc, sizeof(struct lg_handle));
}

void lg__handles_fini(struct gc_handles *handles)
{
    lg__records_fini(&handles->records);
}

static struct lg_handle *new_locked(struct gc_handles *handles) LG_REQUIRES(handles->lock)
{
    struct lg_handle *handle = lg__records_get(&handles->records);
    if (handle) {
        handle->owner = handles;
        // relaxed: a figure
        atomic_store_explicit(&handles->count, handles->records.nused,
                              memory_order_relaxed);
    }
    return handle;
}

static void free_locked(struct gc_handles *handles, struct lg_handle *handle)
    LG_REQUIRES(handles->lock)
{
    lg__records_put(&handles->records, handle); // its owner is NULL now
    // relaxed: a figure
    atomic_store_explicit(&handles->count, handles->records.nused, memory_order_relaxed);
}

// Old and new value are shaded: the first may have just been read by a goroutine
// whose stack was scanned, the second may stand in no other place that will be.
static void set_locked(struct gc_handles *handles, struct lg_handle *handle, void *obj)
    LG_REQUIRES(handles->lock)
{
    if (lg__gc_is_marking(handles->gc)) {
        // relaxed: written with the lock that we hold
        void *old = atomic_load_explicit(&handle->obj, memory_order_relaxed);
        lg__gc_shade_outside(handles->gc, old);
        lg__gc_shade_outside(handles->gc, obj);
    }
    // release: pairs with the acquire in lg_handle_get(); what was written into
    // the object before is visible
    atomic_store_explicit(&handle->obj, obj, memory_order_release);
}

void *lg_handle_get(const lg_handle *handle)
{
    // acquire: pairs with the release in set_locked()
    return atomic_load_explicit(&handle->obj, memory_order_acquire);
}

void lg_handle_set(lg_handle *handle, void *obj)
{
    struct gc_handles *handles = handle->owner;
    LG_MISUSE_IF(!handles, "lg_handle_set() of a handle that was freed");
    lg__lock(&handles->lock, RANK_HANDLES);
    set_locked(handles, handle, obj);
    lg__unlock(&handles->lock, RANK_HANDLES);
}

int lg_handle_new(lg_runtime *rt, void *obj, lg_handle **out)
{
    struct gc_handles *handles = &lg__gc(rt)->handles;
    lg__lock(&handles->lock, RANK_HANDLES);
    struct lg_handle *handle = new_locked(handles);
    if (handle) {
        set_locked(handles, handle, obj);
    }
    lg__unlock(&handles->lock, RANK_HANDLES);
    if (!handle) {
        return LG_ENOMEM;
    }
    *out = handle;
    return LG_OK;
}

int lg_handle_new_object(lg_runtime *rt, lg_type *type, size_t n, lg_handle **out)
{
    struct gc_handles *handles = &lg__gc(rt)->handles;
    lg__lock(&handles->lock, RANK_HANDLES);
    struct lg_handle *handle = new_locked(handles);
    if (handle) {
        // A thread of the host has no stack that is scanned, but no cycle begins
        // between these lines: we hold the lock.
        void *obj = lg__gc_new_outside(handles->gc, type, n);
        if (obj) {
            set_locked(handles, handle, obj);
        } else {
            free_locked(handles, handle);
            handle = NULL;
        }
    }
    lg__unlock(&handles->lock, RANK_HANDLES);
    if (!handle) {
        return LG_ENOMEM;
    }
    *out = handle;
    return LG_OK;
}

void lg_handle_free(lg_handle *handle)
{
    if (!handle) {
        return;
    }
    struct gc_handles *handles = handle->owner;
    LG_MISUSE_IF(!handles, "lg_handle_free() of a handle that was freed");
    lg__lock(&handles->lock, RANK_HANDLES);
    set_locked(handles, handle, NULL);
    free_locked(handles, handle);
    lg__unlock(&handles->lock, RANK_HANDLES);
}

// Takes down what the next few handles hold. False: those were the last.
static bool take_batch(struct gc_handles *handles, struct records_walk *walk, void **objs,
                       size_t *out_nobjs)
{
    size_t nobjs = 0;
    bool has_more = true;
    lg__lock(&handles->lock, RANK_HANDLES);
    for (int i = 0; i < VISIT_BATCH && has_more; i++) {
        struct lg_handle *handle = lg__records_next(&handles->records, walk);
        has_more = handle != NULL;
        // relaxed: written with the lock that we hold. A free one holds NULL.
        void *obj =
            handle ? atomic_load_explicit(&handle->obj, memory_order_relaxed) : NULL;
        if (obj) {
            objs[nobjs++] = obj;
        }
    }
    lg__unlock(&handles->lock, RANK_HANDLES);
    *out_nobjs = nobjs;
    return has_more;
}

void lg__handles_visit(struct gc_handles *handles, void (*visit)(void *ud, void *obj),
                       void *ud)
{
    struct records_walk walk = {0};
    void *objs[VISIT_BATCH];
    bool has_more;
    do {
        size_t nobjs;
        has_more = take_batch(handles, &walk, objs, &nobjs);
        for (size_t i = 0; i < nobjs; i++) {
            visit(ud, objs[i]);
        }
    } while (has_more);
}

size_t lg__handles_count(struct gc_handles *handles)
{
    // relaxed: a figure
    return atomic_load_explicit(&handles->count, memory_order_relaxed);
}
