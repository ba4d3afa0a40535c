// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sched.h>

#include "load.h"
#include "sched/world.h"
#include "script.h"

it("world.stop with one P", "lets nobody move", .procs = 1)
{
    stop_under_load(rt, spec_rounds(1000));
}

it("world.stop with two Ps", "lets nobody move", .procs = 2)
{
    stop_under_load(rt, spec_rounds(1000));
}

it("world.stop with four Ps", "lets nobody move", .procs = 4)
{
    stop_under_load(rt, spec_rounds(1000));
}

// ---------------------------------------------------------------------------
// Others who do not run
// ---------------------------------------------------------------------------

static _Atomic int nran;

static void count_run(__attribute__((unused)) void *arg)
{
    atomic_fetch_add(&nran, 1);
}

static void count_on_timer(__attribute__((unused)) void *arg)
{
    atomic_fetch_add(&nran, 1);
}

static void wait_on_host(int64_t ms)
{
    int64_t end_ns = spec_host_now_ns() + ms * 1000000;
    while (spec_host_now_ns() < end_ns) {
        sched_yield();
    }
}

it("world.stop with all other Ps asleep", "holds back what would wake them", .procs = 3)
{
    lg_timer timer = {0};
    lg_timer_init(&timer, rt, NULL, count_on_timer, NULL);
    CHECK_OK(lg_sleep_until(spec_ms(rt, 2)));
    CHECK_OK(lg_timer_start(&timer, spec_ms(rt, 1), 0));
    lg__world_stop(rt);
    for (int i = 0; i < 10; i++) {
        spec_go(rt, count_run, NULL);
    }
    wait_on_host(3);
    CHECK_INT(atomic_load(&nran), 0);
    lg__world_start(rt);
    SETTLE(atomic_load(&nran) == 11);
}

static void *start_from_outside(void *arg)
{
    for (int i = 0; i < 10; i++) {
        spec_go(arg, count_run, NULL);
    }
    return NULL;
}

it("world.stop with a thread of the host that starts goroutines", "holds them back",
   .procs = 3)
{
    pthread_t thread;
    lg__world_stop(rt);
    CHECK_INT(pthread_create(&thread, NULL, start_from_outside, rt), 0);
    pthread_join(thread, NULL);
    wait_on_host(1);
    CHECK_INT(atomic_load(&nran), 0);
    lg__world_start(rt);
    SETTLE(atomic_load(&nran) == 10);
}

// ---------------------------------------------------------------------------
// Several stoppers, Ps that come and go
// ---------------------------------------------------------------------------

struct stopper {
    lg_runtime *rt;
    struct loads *loads;
    int rounds;
    _Atomic int *nended;
};

static void run_stopper(void *arg)
{
    struct stopper *s = arg;
    stop_rounds(s->rt, s->loads, s->rounds);
    atomic_fetch_add(s->nended, 1);
}

static void contend(lg_runtime *rt, int rounds)
{
    static struct loads loads;
    static _Atomic int nended;
    struct stopper stopper = {rt, &loads, rounds, &nended};
    loads_add(&loads, rt, load_yield, NULL);
    loads_add(&loads, rt, load_sleep, NULL);
    for (int i = 0; i < 3; i++) {
        spec_go(rt, run_stopper, &stopper);
    }
    SETTLE(atomic_load(&nended) == 3);
    loads_end(&loads);
    SETTLE(lg_num_goroutine(rt) == 1);
}

it("world.stop by three goroutines on one P", "gives each its turn", .procs = 1)
{
    contend(rt, spec_rounds(1000));
}

it("world.stop by three goroutines on three Ps", "gives each its turn", .procs = 3)
{
    contend(rt, spec_rounds(1000));
}

static void load_resize(struct load *load, uint64_t round)
{
    CHECK_OK(lg_set_procs(load->rt, 1 + (int)(round % 4)));
    CHECK_OK(lg_sleep_until(lg_now(load->rt) + 30000));
}

it("world.stop while Ps come and go", "lets nobody move", .procs = 2)
{
    static struct loads loads;
    loads_add(&loads, rt, load_yield, NULL);
    loads_add(&loads, rt, load_spawn, NULL);
    loads_add(&loads, rt, load_resize, NULL);
    stop_rounds(rt, &loads, spec_rounds(1000));
    loads_end(&loads);
    SETTLE(lg_num_goroutine(rt) == 1);
    CHECK_OK(lg_set_procs(rt, 2));
}

// ---------------------------------------------------------------------------
// Strands
// ---------------------------------------------------------------------------

static struct loads scripted_loads;

static int script_load(struct script *script, int result)
{
    struct load *load = script->arg;
    SCRIPT_BEGIN
    while (!atomic_load(load->must_end)) {
        script->round++;
        atomic_fetch_add_explicit(&load->count, 1, memory_order_relaxed);
        if (script->round % 3 == 0) {
            SCRIPT_KEEP(lg_sleep_until(lg_now(load->rt) + 20000));
            CHECK_OK(result);
        } else {
            SCRIPT_AWAIT(lg_yield());
        }
    }
    atomic_fetch_add(load->nended, 1);
    SCRIPT_END
}

static void stop_strands(void *arg)
{
    stop_rounds(arg, &scripted_loads, spec_rounds(1000));
    loads_end(&scripted_loads);
}

it("world.stop with strands", "lets no script move")
{
    static struct interpreter interpreters[2];
    lg_runtime *rt2 = spec_open(3);
    lg_strand *opened[2];
    for (int i = 0; i < 2; i++) {
        opened[i] = script_strand(rt2, &interpreters[i]);
    }
    for (int i = 0; i < 4; i++) {
        struct load *load = &scripted_loads.all[scripted_loads.n++];
        *load = (struct load){.rt = rt2,
                              .must_end = &scripted_loads.must_end,
                              .nended = &scripted_loads.nended};
        script_go(opened[i / 2], script_load, load);
    }
    spec_main(rt2, stop_strands, rt2);
    lg_strand_close(opened[0]);
    lg_strand_close(opened[1]);
}

// ---------------------------------------------------------------------------
// The end
// ---------------------------------------------------------------------------

static void stop_and_wait_for_ever(void *arg)
{
    static struct loads none;
    stop_rounds(arg, &none, 50);
    lg_chan *ch = spec_chan(arg, 0, 0);
    lg_chan_recv(ch, NULL, LG_NEVER);
}

it("world.stop before a deadlock", "leaves it to be seen")
{
    for (int procs = 1; procs <= 3; procs++) {
        lg_runtime *rt2 = spec_open(procs);
        CHECK_CODE(lg_run(rt2, stop_and_wait_for_ever, rt2), LG_EDEADLOCK);
        spec_leave(rt2);
        spec_close(rt2);
    }
}

static void stop_for_ever(void *arg)
{
    for (;;) {
        lg__world_stop(arg);
        lg__world_start(arg);
        CHECK_OK(lg_yield());
    }
}

static void start_stoppers(void *arg)
{
    spec_go(arg, stop_for_ever, arg);
    spec_go(arg, stop_for_ever, arg);
    CHECK_OK(lg_sleep_until(lg_now(arg) + 200000));
}

it("world.stop while the runtime is closed", "lets it close")
{
    for (int i = 0; i < spec_rounds(100); i++) {
        lg_runtime *rt2 = spec_open(1 + i % 4);
        spec_main(rt2, start_stoppers, rt2);
        spec_leave(rt2);
        spec_close(rt2);
    }
}

it("world.stop with nobody else", "stops and starts at once", .procs = 1)
{
    for (int i = 0; i < 1000; i++) {
        lg__world_stop(rt);
        lg_checkpoint(); // of the stopper: it runs on
        lg__world_start(rt);
    }
}
