// SPDX-License-Identifier: MIT
//
// A deterministic runtime: random programs, drawn from a seed, whose traces are compared
// byte by byte.
#include "spec.h"

enum { NCHANS = 4, NWORKERS = 5, NSTEPS = 6, NSEEDS = 1000 };

// ---------------------------------------------------------------------------
// Traces as text
// ---------------------------------------------------------------------------

struct text {
    char *bytes;
    size_t size;
    size_t cap;
};

static void append(void *ud, const lg_trace_event *events, size_t nevents)
{
    struct text *text = ud;
    for (size_t i = 0; i < nevents; i++) {
        if (text->cap - text->size < 256) {
            text->cap = text->cap * 2 + 4096;
            text->bytes = realloc(text->bytes, text->cap);
            CHECK(text->bytes);
        }
        text->size += lg_trace_line(&events[i], text->bytes + text->size, 255);
        text->bytes[text->size++] = '\n';
    }
}

static void check_same(const struct text *a, const struct text *b, uint64_t seed)
{
    if (a->size != b->size || memcmp(a->bytes, b->bytes, a->size) != 0) {
        size_t at = 0;
        while (at < a->size && at < b->size && a->bytes[at] == b->bytes[at]) {
            at++;
        }
        spec_fail(SPEC_HERE, "seed %" PRIu64 ": traces differ at byte %zu of %zu and %zu",
                  seed, at, a->size, b->size);
    }
}

// ---------------------------------------------------------------------------
// Random programs
// ---------------------------------------------------------------------------

static uint64_t ncycles; // of the collector, in all runs

struct program {
    lg_runtime *rt;
    lg_type *type;
    lg_chan *chans[NCHANS];
    lg_mutex mutex;
    lg_waitgroup group;
    uint64_t seed;
    bool has_gc;
    _Atomic uint64_t nworkers;
};

// A choice of a program's: from its seed, not the runtime's.
static struct spec_random choices(const struct program *program, uint64_t who)
{
    return (struct spec_random){.state = program->seed * 0x9e3779b97f4a7c15ULL + who + 1};
}

static int64_t soon(struct program *program, struct spec_random *r)
{
    return lg_now(program->rt) + 1000 * (1 + (int64_t)spec_random_below(r, 20));
}

// NOLINTNEXTLINE(readability-non-const-parameter): received into
static void select_any(struct program *program, struct spec_random *r, uint64_t *value)
{
    lg_case cases[NCHANS];
    size_t which;
    uint32_t ncases = 1 + spec_random_below(r, NCHANS);
    for (uint32_t i = 0; i < ncases; i++) {
        cases[i] = (lg_case){.ch = program->chans[i],
                             .op = spec_random_below(r, 2) ? LG_SEND : LG_RECV,
                             .elem = value};
    }
    lg_select(cases, ncases, soon(program, r), &which);
}

static void work(void *arg);

static void start_worker(struct program *program)
{
    lg_waitgroup_add(&program->group, 1);
    CHECK_OK(lg_go(program->rt, work, program, NULL, NULL));
}

// More than a cycle of the collector's worth, now and then: what it does must not show.
static void allocate(struct program *program)
{
    for (int i = 0; i < 20; i++) {
        CHECK(lg_new(program->type));
    }
}

static void take_step(struct program *program, struct spec_random *r, uint64_t *value)
{
    lg_chan *ch = program->chans[spec_random_below(r, NCHANS)];
    switch (spec_random_below(r, 8)) {
    case 0: lg_chan_send(ch, value, soon(program, r)); break;
    case 1: lg_chan_recv(ch, value, soon(program, r)); break;
    case 2: select_any(program, r, value); break;
    case 3: lg_sleep_until(soon(program, r)); break;
    case 4: lg_yield(); break;
    case 5:
        lg_mutex_lock(&program->mutex, LG_NEVER);
        lg_yield();
        lg_mutex_unlock(&program->mutex);
        break;
    case 6:
        if (program->nworkers < 3 * NWORKERS) {
            start_worker(program);
        }
        break;
    default:
        if (program->has_gc) {
            allocate(program);
        }
        break;
    }
}

static void work(void *arg)
{
    struct program *program = arg;
    uint64_t number = ++program->nworkers;
    struct spec_random r = choices(program, number);
    uint64_t value = number;
    for (int i = 0; i < NSTEPS; i++) {
        take_step(program, &r, &value);
    }
    lg_waitgroup_add(&program->group, -1);
}

static void run_all(void *arg)
{
    struct program *program = arg;
    for (int i = 0; i < NWORKERS; i++) {
        start_worker(program);
    }
    CHECK_OK(lg_waitgroup_wait(&program->group, LG_NEVER));
}

// Runs the program of a seed, with the runtime's seed beside. What happened is in *out.
static void trace_program(uint64_t program_seed, uint64_t seed, bool has_gc,
                          struct text *out)
{
    lg_options options;
    lg_options_init(&options);
    options.deterministic = true;
    options.seed = seed;
    options.gc_percent = has_gc ? 1 : 0;
    lg_runtime *rt;
    CHECK_OK(lg_open(&options, &rt));
    struct program program = {.rt = rt, .seed = program_seed, .has_gc = has_gc};
    for (size_t i = 0; i < NCHANS; i++) {
        CHECK_OK(lg_chan_new(rt, NULL, sizeof(uint64_t), i, &program.chans[i]));
    }
    const lg_type_info info = {"page", 4096, NULL, 0};
    CHECK_OK(lg_type_register(rt, &info, &program.type));
    out->size = 0;
    CHECK_OK(lg_trace_start(rt, append, out));
    CHECK_OK(lg_run(rt, run_all, &program));
    lg_trace_stop(rt);
    lg_gc_stats gc = {.size_bytes = sizeof gc};
    lg_get_gc_stats(rt, &gc);
    ncycles += gc.cycles;
    lg_close(rt);
}

static void check_seeds(uint64_t first, int nseeds, bool has_gc)
{
    struct text once = {0};
    struct text again = {0};
    for (uint64_t seed = first; seed < first + (uint64_t)nseeds; seed++) {
        trace_program(seed, seed, has_gc, &once);
        trace_program(seed, seed, has_gc, &again);
        CHECK(once.size > 1000);
        check_same(&once, &again, seed);
    }
    free(once.bytes);
    free(again.bytes);
}

it("a deterministic run", "is the same twice, for 1,000 seeds", .limit_s = 120)
{
    check_seeds(1, NSEEDS, false);
}

it("a deterministic run that allocates", "is the same twice", .limit_s = 120)
{
    check_seeds(5000, spec_rounds(100), true);
    CHECK(ncycles > 0);
}

it("deterministic runs", "are the same for many seeds", .is_stress = true, .limit_s = 600)
{
    check_seeds(spec_random_next(&(struct spec_random){.state = 1}) >> 16, 20000, true);
}

it("a deterministic run with another seed", "is another one")
{
    struct text one = {0};
    struct text other = {0};
    int ndifferent = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        trace_program(7, 1, false, &one);
        trace_program(7, seed, false, &other);
        ndifferent +=
            one.size != other.size || memcmp(one.bytes, other.bytes, one.size) != 0;
    }
    CHECK_BETWEEN(ndifferent, 1, 49);
    free(one.bytes);
    free(other.bytes);
}

// ---------------------------------------------------------------------------
// Its clock
// ---------------------------------------------------------------------------

static lg_runtime *open_deterministic(void)
{
    lg_options options;
    lg_options_init(&options);
    options.deterministic = true;
    return spec_open_with(&options);
}

enum { DAYS = 86400 };

static void sleep_for_days(void *arg)
{
    lg_runtime *rt = arg;
    int64_t begin_ns = lg_now(rt);
    for (int64_t day = 1; day <= 1000; day++) {
        CHECK_OK(lg_sleep_until(begin_ns + day * DAYS * 1000000000));
        CHECK_INT(lg_now(rt), begin_ns + day * DAYS * 1000000000);
    }
}

it("the clock of a deterministic runtime", "moves when everything waits")
{
    rt = open_deterministic();
    int64_t begin_ns = lg_now(rt);
    spec_main(rt, sleep_for_days, rt);
    CHECK_INT(lg_now(rt), begin_ns + (int64_t)1000 * DAYS * 1000000000);
}

static void yield_long(void *arg)
{
    lg_runtime *rt = arg;
    int64_t begin_ns = lg_now(rt);
    for (int i = 0; i < 10000; i++) {
        CHECK_OK(lg_yield());
        CHECK_INT(lg_now(rt), begin_ns);
    }
}

it("the clock of a deterministic runtime", "stands still while anything runs")
{
    rt = open_deterministic();
    spec_main(rt, yield_long, rt);
}

static void wait_for_ever(void *arg)
{
    uint64_t value;
    lg_chan_recv(arg, &value, LG_NEVER);
}

it("a deterministic runtime", "finds deadlocks")
{
    rt = open_deterministic();
    lg_chan *ch = spec_chan(rt, sizeof(uint64_t), 0);
    CHECK_CODE(lg_run(rt, wait_for_ever, ch), LG_EDEADLOCK);
    spec_leave(rt);
}

it("a deterministic runtime", "has one P")
{
    lg_options options;
    lg_options_init(&options);
    options.deterministic = true;
    options.procs = 2;
    CHECK_CODE(lg_open(&options, &rt), LG_EINVAL);
    rt = open_deterministic();
    CHECK_INT(lg_procs(rt), 1);
    CHECK_CODE(lg_set_procs(rt, 2), LG_EINVAL);
    CHECK_OK(lg_set_procs(rt, 1));
}
