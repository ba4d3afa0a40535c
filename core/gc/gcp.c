// SPDX-License-Identifier: MIT
#include "gc/gcp.h"

#include "gc/gc.h"

struct gc_p *lg__gc_p(struct m *m)
{
    struct gc_p *gp = m->p->gc;
    if (LG_LIKELY(gp)) {
        return gp;
    }
    // Beyond the cap, too: nothing is marked without it, and so nothing freed.
    lg__heap_grace_begin(&m->rt->heap);
    gp = lg__alloc_new(&m->rt->alloc, sizeof *gp);
    lg__heap_grace_end(&m->rt->heap);
    if (gp) {
        gp->gc = lg__gc(m->rt);
        // The world is not stopped while we are here, so this does not change.
        gp->is_marking = lg__gc_is_marking(gp->gc);
        // release: pairs with the acquire in lg__gc_of()
        __atomic_store_n(&m->p->gc, gp, __ATOMIC_RELEASE);
    }
    return gp;
}

void lg__gcp_free(struct gc *gc, struct gc_p *gp)
{
    lg__work_flush(gc, &gp->work);
    lg__alloc_free(&gc->rt->alloc, gp->more_typed,
                   gp->nmore_typed * sizeof *gp->more_typed);
    lg__alloc_free(&gc->rt->alloc, gp, sizeof *gp);
}
