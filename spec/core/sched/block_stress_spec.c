// SPDX-License-Identifier: MIT
//
// Everything at once: goroutines that block, that stand aside, that wire themselves, that
// compute without a word, in strands too, while the number of Ps changes, the collector
// runs, and each reaches its end with what it had.
#include "load.h"
#include "script.h"

enum { WORKERS = 12, SCRIPTS = 4 };

static lg_runtime *host;
static lg_type *type;
static lg_chan *ch;
static struct interpreter interpreters[2];
static _Atomic int n_done;

struct box {
    uint64_t value;
};

static void compute_for(int64_t ns)
{
    int64_t end_ns = spec_host_now_ns() + ns;
    while (spec_host_now_ns() < end_ns) {
    }
}

// Not inlined: what it has in registers and on its stack is all that keeps the boxes.
static __attribute__((noinline)) void block_with_objects(struct spec_random *random)
{
    uint64_t value = spec_random_next(random);
    struct box *a = lg_new(type);
    struct box *b = lg_new(type);
    CHECK(a && b);
    a->value = value;
    b->value = ~value;
    lg_block_enter();
    if (spec_random_below(random, 4) == 0) {
        load_block(spec_random_below(random, 200));
    }
    lg_block_leave();
    CHECK_INT(a->value, value);
    CHECK_INT(b->value, ~value);
}

static void step_plainly(struct spec_random *random)
{
    uint64_t v = 1;
    switch (spec_random_below(random, 9)) {
    case 0: CHECK_OK(lg_yield()); break;
    case 1: lg_chan_send(ch, &v, lg_now(host) + 20000); break;
    case 2: lg_chan_recv(ch, &v, lg_now(host) + 20000); break;
    case 3: compute_for(spec_random_below(random, 300) * 1000); break;
    case 4: load_block(spec_random_below(random, 300)); break;
    case 5: lg_checkpoint(); break;
    case 6:
        lg_stand_aside();
        load_block(spec_random_below(random, 100));
        break;
    default: block_with_objects(random); break;
    }
}

static void work(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(intptr_t)arg);
    for (int i = 0; i < spec_rounds(200); i++) {
        bool is_wired = spec_random_below(&random, 8) == 0;
        if (is_wired) {
            lg_lock_thread();
        }
        step_plainly(&random);
        if (is_wired && spec_random_below(&random, 2)) {
            step_plainly(&random);
        }
        if (is_wired) {
            CHECK_OK(lg_unlock_thread());
        }
    }
    n_done++;
}

static int work_scripted(struct script *script, int result)
{
    struct spec_random random;
    SCRIPT_BEGIN
    script->words[0] = (uint64_t)(uintptr_t)script->arg;
    for (script->round = 0; script->round < spec_rounds(200); script->round++) {
        random.state = script->words[0];
        block_with_objects(&random);
        if (spec_random_below(&random, 3) == 0) {
            compute_for(100 * 1000);
        }
        script->words[0] = spec_random_next(&random);
        SCRIPT_AWAIT(lg_yield())
        SCRIPT_KEEP(lg_sleep_until(lg_now(host) + 1000))
    }
    n_done++;
    SCRIPT_END
}

static void run(__attribute__((unused)) void *arg)
{
    struct spec_random random = spec_random_new(1000);
    ch = spec_chan(host, sizeof(uint64_t), 1);
    for (int i = 0; i < WORKERS; i++) {
        spec_go(host, work, (void *)(intptr_t)i);
    }
    while (n_done < WORKERS + SCRIPTS) {
        CHECK_OK(lg_sleep_until(lg_now(host) + 500000));
        if (spec_random_below(&random, 4) == 0) {
            CHECK_OK(lg_set_procs(host, 1 + (int)spec_random_below(&random, 4)));
        }
        if (spec_random_below(&random, 4) == 0) {
            CHECK_OK(lg_gc(host));
        }
    }
    lg_chan_free(ch);
}

// A slice of 200 us: everything that takes longer is asked, signalled and replaced.
static void stress(int procs, bool has_signals)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = procs;
    opts.signals = has_signals;
    opts.slice_ns = 200 * 1000;
    host = spec_open_with(&opts);
    lg_type_info info = {.size = sizeof(struct box), .name = "box"};
    CHECK_OK(lg_type_register(host, &info, &type));
    for (int i = 0; i < 2; i++) {
        lg_strand *strand = script_strand(host, &interpreters[i]);
        script_go(strand, work_scripted, (void *)(intptr_t)(50 + 2 * i));
        script_go(strand, work_scripted, (void *)(intptr_t)(51 + 2 * i));
    }
    spec_main(host, run, NULL);
}

it("blocking, hogging and wired goroutines", "all come to their end, from one P on",
   .limit_s = 120)
{
    stress(1, true);
}

it("blocking, hogging and wired goroutines", "do so from two Ps on", .limit_s = 120)
{
    stress(2, true);
}

it("blocking, hogging and wired goroutines", "do so without signals", .limit_s = 120)
{
    stress(3, false);
}
