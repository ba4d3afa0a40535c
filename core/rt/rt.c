// SPDX-License-Identifier: MIT
//
// Puts a runtime together, in the order of the layers, and takes it apart in
// the reverse.
#include <string.h>

#include "gc/gc.h"
#include "io/ioloop.h"
#include "mem/poison.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/fault.h"
#include "os/vm.h"
#include "sched/drive.h"
#include "sched/idle.h"
#include "sched/order.h"
#include "sched/runtime.h"
#include "sched/strand.h"
#include "sched/sysmon.h"
#include "sched/world.h"
#include "sync/chan.h"
#include "sync/select.h"

int64_t lg_now(lg_runtime *rt)
{
    return lg__now(rt);
}

int lg_num_cpu(void)
{
    return lg__cpu_count();
}

lg_runtime *lg_current(void)
{
    struct m *m = lg__m();
    return m ? m->rt : NULL;
}

// In a signal handler, on the alternate stack.
static void on_fault(void *addr)
{
    struct m *m = lg__m();
    if (!m) {
        return;
    }
    struct lg_g *g = m->g;
    struct stack *stack = g && !g->strand ? g->stack : m->loop_stack;
    if (!stack || !lg__stack_is_overflow(stack, addr)) {
        return;
    }
    char name[LG_NAME_SIZE] = "";
    if (g) {
        lg__g_name(g, name);
    }
    lg__panic(
        "stack overflow: goroutine %llu%s%s%s needs more than its %zu KB of C stack",
        (unsigned long long)(g ? lg__g_id(g) : 0), *name ? " [" : "", name,
        *name ? "]" : "", lg__stack_size_bytes(stack) / 1024);
}

static bool are_options_sane(const lg_options *o)
{
    return o->size_bytes >= sizeof o->size_bytes && o->size_bytes <= sizeof *o &&
           o->procs >= 0 && o->procs <= LG_PROCS_MAX &&
           (!o->deterministic || o->procs <= 1) && o->stack_size_bytes <= LG_STACK_MAX &&
           o->gc_percent >= LG_GC_OFF && o->mem_limit_bytes >= 0 && o->mem_cap_bytes >= 0;
}

static void fill_defaults(lg_options *o)
{
    if (o->deterministic) {
        o->procs = 1;
        o->slice_ns = -1;
        o->seed = o->seed ? o->seed : 1;
    }
    if (o->procs == 0) {
        int ncpus = lg__cpu_count();
        o->procs = ncpus < LG_PROCS_MAX ? ncpus : LG_PROCS_MAX;
    }
    if (o->stack_size_bytes == 0) {
        o->stack_size_bytes = LG_STACK_DEFAULT;
    }
    if (o->clock) {
        o->slice_ns = -1; // time that is driven must not depend on time that is not
    } else if (o->slice_ns == 0) {
        o->slice_ns = LG_SLICE_NS;
    }
    if (o->seed == 0) {
        o->seed = (uint64_t)lg__clock_now() * 0x9e3779b97f4a7c15ULL | 1;
    }
}

static void record_free(struct lg_runtime *rt)
{
    lg__refers_remove(rt, sizeof *rt);
    lg__vm_free(rt, sizeof *rt);
}

static void runtime_free(struct lg_runtime *rt)
{
    struct alloc alloc = rt->alloc;
    lg_profile_stop(rt);
    lg_timeline_stop(rt);
    lg__timeline_free_rings(rt);
    lg__trace_fini(rt);
    lg__io_close(rt);
    lg__gc_close(rt);
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct p *p = lg__p_at(rt, i);
        lg__wait_blocks_free(rt, p);
        lg__timers_fini(&p->timers, &alloc);
        lg__p_free(rt, p);
    }
    lg__clocks_fini(rt);
    lg__selects_free(rt);
    lg__chans_free(rt);
    lg__strands_free(rt);
    lg__inputs_fini(rt);
    lg__order_fini(rt);
    lg__g_pool_fini(&rt->gs, &alloc);
    lg__globq_fini(&rt->global, &alloc);
    lg__stack_pool_fini(&rt->stacks);
    lg__heap_fini(&rt->heap);
    record_free(rt);
}

// The record comes from the system: what allocates stands in it.
static int runtime_new(const lg_options *options, struct lg_runtime **out)
{
    void *mem;
    int err = lg__vm_reserve(sizeof(struct lg_runtime), &mem);
    if (err) {
        return err;
    }
    struct lg_runtime *rt = mem;
    lg__refers_add(rt, sizeof *rt);
    err = lg__heap_init(&rt->heap);
    if (err) {
        record_free(rt);
        return err;
    }
    lg__alloc_init(&rt->alloc, &rt->heap, options->alloc, options->alloc_ud);
    rt->options = *options;
    lg__thread_mask(&rt->signal_mask);
    rt->panic_hook = (struct panic_hook){.say = options->on_fatal, .ud = options->ud};
    *out = rt;
    return LG_OK;
}

int lg_open(const lg_options *opts, lg_runtime **out)
{
    lg_options options;
    lg_options_init(&options);
    if (opts) {
        if (opts->size_bytes > sizeof options) {
            return LG_EINVAL; // a newer host, which may want what we cannot do
        }
        // An older host does not know the last fields: they stay default.
        memcpy(&options, opts, opts->size_bytes);
    }
    if (!are_options_sane(&options)) {
        return LG_EINVAL;
    }
    fill_defaults(&options);
    struct lg_runtime *rt;
    int err = runtime_new(&options, &rt);
    if (err) {
        return err;
    }
    lg__stack_pool_init(&rt->stacks, &rt->heap, &rt->alloc, options.stack_size_bytes);
    lg__g_pool_init(&rt->gs);
    lg__order_init(rt);
    lg__clocks_init(rt);
    lg__now(rt);
    err = lg__io_open(rt);
    if (!err) {
        err = lg__gc_open(rt);
    }
    if (!err) {
        rt->gc->visit_chans = lg__chans_visit;
        err = lg_set_procs(rt, options.procs);
    }
    if (!err && options.watchdog_ns > 0) {
        err = lg_watchdog(rt, options.watchdog_ns);
    }
    if (err) {
        lg__ms_stop(rt, LG_NEVER);
        runtime_free(rt);
        return err;
    }
    if (options.signals) {
        lg__fault_install(on_fault);
        lg__world_use_signals();
    }
    *out = rt;
    return LG_OK;
}

int lg_stop_until(lg_runtime *rt, int64_t deadline_ns)
{
    LG_MISUSE_OF_IF(rt, lg__m() && lg__m()->rt == rt, "lg_close() from a goroutine");
    LG_MISUSE_OF_IF(rt, rt->driver, "lg_close() while a thread drives the runtime");
    return lg__ms_stop(rt, deadline_ns); // at last there is nobody left to stop
}

void lg_stop(lg_runtime *rt)
{
    lg_stop_until(rt, LG_NEVER);
}

void lg_close(lg_runtime *rt)
{
    if (!rt) {
        return;
    }
    lg_stop(rt);
    runtime_free(rt);
}
