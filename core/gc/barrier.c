// SPDX-License-Identifier: MIT
//
// The write barrier, hybrid as Go's: while marking, a store shades the value that
// it overwrites (Yuasa: what was reachable when the cycle began is found) and the
// one that it writes (Dijkstra: what a stack that was not scanned yet hands over
// is found). So a stack is scanned once, and no store to a stack needs a barrier.
//
// Whether a cycle marks must not change between the look at it and the store: both
// stand in lg_nostop, where no signal stops the thread (os/suspend.h).
#include <string.h>

#include "gc/gc.h"
#include "gc/mark.h"
#include "os/suspend.h"
#include "sched/world.h"

LG_INLINE void *load(const void *slot)
{
    // relaxed: the goroutine's own store, or a race of its program
    return __atomic_load_n((void *const *)slot, __ATOMIC_RELAXED);
}

LG_INLINE void store(void *slot, void *value)
{
    // release: pairs with the acquire in mark.c:load_ref(); who follows the
    // reference sees the object as it was made
    __atomic_store_n((void **)slot, value, __ATOMIC_RELEASE);
}

static void shade(struct gc *gc, struct gc_p *gp, const void *ptr)
{
    if (!ptr) {
        return;
    }
    if (gp) {
        lg__gc_shade(gc, &gp->work, ptr);
    } else {
        lg__gc_shade_outside(gc, ptr); // no memory for this P's share
    }
}

// From the flag on no signal stops the thread; what was decided before is decided
// again here.
static LG_NOINLINE void store_slow(struct m *m, void *slot, void *value)
{
    lg__nostop_enter();
    struct gc *gc = lg__gc(m->rt);
    if (lg__gc_is_marking(gc)) {
        struct gc_p *gp = lg__gc_p(m);
        shade(gc, gp, load(slot));
        shade(gc, gp, value);
    }
    store(slot, value);
    lg__nostop_leave();
}

LG_NOSTOP void lg_store(void *slot, void *value)
{
    struct m *m = lg__m();
    if (LG_LIKELY(m && m->p)) {
        struct gc_p *gp = m->p->gc;
        if (LG_LIKELY(gp && !gp->is_marking)) {
            store(slot, value);
            return;
        }
    }
    LG_MISUSE_IF(!m || !m->p, "lg_store() outside a goroutine");
    store_slow(m, slot, value);
}

static void move_words(void **dst, void *const *src, size_t n)
{
    if ((uintptr_t)dst <= (uintptr_t)src) {
        for (size_t i = 0; i < n; i++) {
            store(dst + i, load(src + i));
        }
    } else {
        for (size_t i = n; i > 0; i--) {
            store(dst + i - 1, load(src + i - 1));
        }
    }
}

void lg_store_n(void *dst, const void *src, size_t n)
{
    struct m *m = lg__m();
    LG_MISUSE_IF(!m || !m->p, "lg_store_n() outside a goroutine");
    lg__nostop_enter();
    struct gc *gc = lg__gc(m->rt);
    if (lg__gc_is_marking(gc)) {
        struct gc_p *gp = lg__gc_p(m);
        for (size_t i = 0; i < n; i++) {
            shade(gc, gp, load((void **)dst + i));
            shade(gc, gp, load((void *const *)src + i));
        }
    }
    move_words(dst, src, n);
    lg__nostop_leave();
}
