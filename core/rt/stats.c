// SPDX-License-Identifier: MIT
#include <string.h>

#include "gc/gc.h"
#include "lagoon.h"
#include "mem/memstat.h"
#include "os/vm.h"

// What hosts did not ask for: goroutines of the runtime's own.
static void subtract_system(struct lg_runtime *rt, lg_stats *s)
{
    // relaxed: a figure
    size_t nsystem = atomic_load_explicit(&rt->nsystem_stacks, memory_order_relaxed);
    s->stacks -= nsystem < s->stacks ? nsystem : s->stacks;
    bool is_resting = atomic_load_explicit(&rt->gc->is_resting, memory_order_relaxed);
    s->timers -= is_resting && s->timers > 0;
}

static void add_p(struct p *p, lg_stats *s)
{
    // relaxed: figures of a runtime that goes on
    s->spawned += atomic_load_explicit(&p->nstarted, memory_order_relaxed);
    s->switches += atomic_load_explicit(&p->shown_tick, memory_order_relaxed);
    s->steals += atomic_load_explicit(&p->nsteals, memory_order_relaxed);
    s->donations += atomic_load_explicit(&p->ndonations, memory_order_relaxed);
    s->timers += atomic_load_explicit(&p->timers.ncount, memory_order_relaxed);
    size_t cached = atomic_load_explicit(&p->stacks.count, memory_order_relaxed);
    s->stacks -= cached;
    s->stacks_cached += cached;
}

static void count_memory(lg_runtime *rt, struct memstat *out)
{
    lg__memstat_begin(out, &rt->heap);
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        lg__memstat_add(out, &lg__p_at(rt, i)->mcache);
    }
}

// Of the collector's spans only what objects have is in use, and each of them has
// mark bytes beside.
static void tell_collected(lg_runtime *rt, lg_stats *s)
{
    size_t spans = s->mem_collected;
    size_t objects = lg__families_sum(rt->gc, FAMILIES_ALL).bytes;
    objects = objects < spans ? objects : spans;
    s->mem_collected = objects;
    s->mem_objects -= spans - objects;
    s->mem_unused += spans - objects;
    s->mem_meta += spans / GRANULE_BYTES;
}

static void tell_memory(lg_runtime *rt, lg_stats *s)
{
    struct memstat memstat;
    count_memory(rt, &memstat);
    lg__memstat_tell(&memstat, s);
    s->mem_meta += lg__vm_page_bytes() * (1 + sizeof *rt / lg__vm_page_bytes());
    tell_collected(rt, s);
    s->mem_stacks = lg__stack_pool_bytes(&rt->stacks);
}

int lg_get_class_stats(lg_runtime *rt, size_t index, lg_class_stats *out)
{
    if (index >= NCLASSES) {
        return LG_EINVAL;
    }
    struct memstat memstat;
    count_memory(rt, &memstat);
    uint32_t class = (uint32_t)index;
    *out = (lg_class_stats){
        .block_bytes = lg__class_bytes(class),
        .span_bytes = lg__mcentral_npages(class) << PAGE_SHIFT,
        .spans = memstat.classes[class].nspans,
        .blocks = lg__memstat_blocks(&memstat, class),
        .cached_blocks = memstat.classes[class].ncached,
    };
    struct family_sums collected = lg__families_sum(rt->gc, class);
    out->collected_spans = collected.nspans;
    out->collected_blocks = collected.nobjects;
    if (class == 0) {
        out->spans = out->blocks;
    }
    return LG_OK;
}

// Ms that schedule, each of them on a stack: not those on their way in or out.
static int count_threads(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    // relaxed: changed under the lock, or where the stack is there already
    uint32_t nstarting = atomic_load_explicit(&rt->nstarting, memory_order_relaxed);
    uint32_t n = rt->nlive - rt->nleaving - nstarting + (rt->driver != NULL);
    lg__unlock(&rt->lock, RANK_SCHED);
    return (int)n;
}

// Who looks for what was left behind subtracts the threads from the stacks: both are of
// one moment.
static void count_stacks(struct lg_runtime *rt, lg_stats *s)
{
    do {
        s->threads = count_threads(rt);
        lg__stack_pool_counts(&rt->stacks, &s->stacks, &s->stacks_cached);
    } while (count_threads(rt) != s->threads);
}

void lg_get_stats(lg_runtime *rt, lg_stats *out)
{
    lg_stats s;
    memset(&s, 0, sizeof s);
    s.size_bytes = out->size_bytes;
    s.procs = lg_procs(rt);
    s.goroutines = lg_num_goroutine(rt);
    // relaxed: figures
    s.spawned = atomic_load_explicit(&rt->nstarted, memory_order_relaxed);
    s.channels = atomic_load_explicit(&rt->nchans, memory_order_relaxed);
    s.procs_idle = (int)atomic_load_explicit(&rt->nidle, memory_order_relaxed);
    s.global_queued = atomic_load_explicit(&rt->nglobal, memory_order_relaxed);
    count_stacks(rt, &s);
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        add_p(lg__p_at(rt, i), &s);
    }
    subtract_system(rt, &s);
    lg__lock(&rt->lock, RANK_SCHED);
    s.threads_idle = (int)rt->nidle_ms;
    s.wakeups = rt->nwakeups;
    lg__unlock(&rt->lock, RANK_SCHED);
    lg__lock(&rt->gs.lock, RANK_GPOOL);
    s.goroutines_cached = rt->gs.nmade > s.goroutines ? rt->gs.nmade - s.goroutines : 0;
    lg__unlock(&rt->gs.lock, RANK_GPOOL);
    tell_memory(rt, &s);
    size_t size_bytes = out->size_bytes < sizeof s ? out->size_bytes : sizeof s;
    memcpy(out, &s, size_bytes);
}
