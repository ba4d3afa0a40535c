// SPDX-License-Identifier: MIT
#include "load.h"

#include <sys/select.h>

#include "sched/world.h"

#define LIMIT_NS (3000000000 * (spec_is_stress() ? 10 : 1))

static void run_load(void *arg)
{
    struct load *load = arg;
    for (uint64_t i = 0; !atomic_load(load->must_end); i++) {
        load->step(load, i);
        atomic_fetch_add_explicit(&load->count, 1, memory_order_relaxed);
    }
    atomic_fetch_add(load->nended, 1);
}

static void nothing(__attribute__((unused)) void *arg)
{
}

void load_yield(__attribute__((unused)) struct load *load,
                __attribute__((unused)) uint64_t round)
{
    CHECK_OK(lg_yield());
}

void load_spawn(struct load *load, uint64_t round)
{
    CHECK_OK(lg_go(load->rt, nothing, NULL, NULL, NULL));
    if (round % 8 == 7) {
        CHECK_OK(lg_yield());
    }
}

void load_sleep(struct load *load, __attribute__((unused)) uint64_t round)
{
    CHECK_OK(lg_sleep_until(lg_now(load->rt) + 20000));
}

void load_select(struct load *load, uint64_t round)
{
    // Four of these on one channel: whoever can go on does.
    uint64_t value = round;
    lg_case cases[2] = {{.ch = load->ch, .elem = &value, .op = LG_SEND},
                        {.ch = load->ch, .elem = &value, .op = LG_RECV}};
    size_t index;
    int rc = lg_select(cases, 2, lg_now(load->rt) + 1000000, &index);
    CHECK(rc == LG_OK || rc == LG_ETIMEDOUT);
}

void load_checkpoint(__attribute__((unused)) struct load *load, uint64_t round)
{
    lg_checkpoint();
    if (round % 1000 == 999) {
        CHECK_OK(lg_yield());
    }
}

void loads_add(struct loads *loads, lg_runtime *rt,
               void (*step)(struct load *load, uint64_t round), lg_chan *ch)
{
    struct load *load = &loads->all[loads->n++];
    *load = (struct load){.rt = rt, .step = step, .ch = ch};
    load->must_end = &loads->must_end;
    load->nended = &loads->nended;
    spec_go(rt, run_load, load);
}

uint64_t loads_sum(struct loads *loads)
{
    uint64_t sum = 0;
    for (int i = 0; i < loads->n; i++) {
        sum += atomic_load_explicit(&loads->all[i].count, memory_order_relaxed);
    }
    return sum;
}

void loads_end(struct loads *loads)
{
    atomic_store(&loads->must_end, true);
    SETTLE(atomic_load(&loads->nended) == loads->n);
}

static void dawdle(uint32_t n)
{
    for (volatile uint32_t i = 0; i < n; i++) {
    }
}

// Stops the world again and again; while it is stopped nothing moves.
void stop_rounds(lg_runtime *rt, struct loads *loads, int rounds)
{
    struct spec_random random = spec_random_new(1);
    // A thread that has lost its CPU stops when it has got it back: with more
    // threads than CPUs a round may take tens of milliseconds.
    int64_t end_ns = spec_host_now_ns() + LIMIT_NS;
    for (int i = 0; i < rounds && spec_host_now_ns() < end_ns; i++) {
        lg__world_stop(rt);
        CHECK(lg__world_is_stopped(rt));
        uint64_t before = loads_sum(loads);
        dawdle(spec_random_below(&random, 20000));
        CHECK_INT(loads_sum(loads), before);
        lg__world_start(rt);
        CHECK(!lg__world_is_stopped(rt));
        if (spec_random_below(&random, 2)) {
            CHECK_OK(lg_yield());
        }
        if (spec_random_below(&random, 64) == 0) {
            CHECK_OK(lg_sleep_until(lg_now(rt) + 100000));
        }
    }
}

void stop_under_load(lg_runtime *rt, int rounds)
{
    static struct loads loads;
    size_t nothers = lg_num_goroutine(rt);
    lg_chan *ch = spec_chan(rt, sizeof(uint64_t), 0);
    loads_add(&loads, rt, load_yield, NULL);
    loads_add(&loads, rt, load_spawn, NULL);
    loads_add(&loads, rt, load_sleep, NULL);
    loads_add(&loads, rt, load_select, ch);
    loads_add(&loads, rt, load_select, ch);
    loads_add(&loads, rt, load_checkpoint, NULL);
    stop_rounds(rt, &loads, rounds);
    loads_end(&loads);
    SETTLE(lg_num_goroutine(rt) == nothers);
    lg_chan_free(ch);
}

lg_runtime *load_open(int procs)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = procs;
    opts.signals = true;
    return spec_open_with(&opts);
}

void load_block(uint32_t us)
{
    struct timeval left = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
    select(0, NULL, NULL, NULL, &left);
}

bool load_has_signals(void)
{
    return !spec_has_tsan() && !spec_is_emulated();
}

// Runs main beside a goroutine that never enters the runtime.
void load_beside(void (*hog)(void *arg), void (*fn)(void *arg))
{
    if (!load_has_signals()) {
        return;
    }
    lg_runtime *rt = load_open(2);
    spec_go(rt, hog, rt);
    spec_main(rt, fn, rt);
    if (lg_num_goroutine(rt) > 0) {
        spec_leave(rt); // the hog, on its last way
    }
}
