// SPDX-License-Identifier: MIT
//
// What the scan visits. A goroutine that is watched keeps a word on its stack and
// tells where; the visitor counts how often each such place is visited, and what
// it held then.
#include "sched/scan.h"
#include "sched/world.h"
#include "script.h"

enum { PLACES = 64, HEIRS = 32 };

struct place {
    // -- the goroutine --
    _Atomic(_Atomic uint64_t *) word; // on its stack or in its area; NULL: there is none
    // -- while the world is stopped --
    _Atomic uint64_t *watched; // the word at the cycle's beginning
    uint64_t value;            // in it
    // -- visitors --
    _Atomic int nvisits;
};

static struct place places[PLACES];
static _Atomic bool is_scanning;
static _Atomic bool must_end;
static _Atomic int nended;
static uint64_t sought; // a value that is somewhere
static _Atomic int nfound;

__attribute__((no_sanitize("address", "thread"))) static uint64_t
word_at(const uint64_t *at)
{
    return *(const volatile uint64_t *)at;
}

static void visit(void *ud, const void *lo, const void *hi)
{
    CHECK(ud == places);
    CHECK((uintptr_t)lo % 8 == 0);
    CHECK((uintptr_t)hi % 8 == 0);
    for (int i = 0; i < PLACES; i++) {
        uint64_t *at = (uint64_t *)places[i].watched;
        if (at && (const void *)at >= lo && (const void *)at < hi) {
            CHECK_INT(word_at(at), places[i].value);
            atomic_fetch_add(&places[i].nvisits, 1);
        }
    }
    for (const uint64_t *at = lo; sought && at < (const uint64_t *)hi; at++) {
        if (word_at(at) == sought) {
            atomic_fetch_add(&nfound, 1);
        }
    }
}

// ---------------------------------------------------------------------------
// Cycles
// ---------------------------------------------------------------------------

static void begin(lg_runtime *rt)
{
    lg__world_stop(rt);
    for (int i = 0; i < PLACES; i++) {
        struct place *place = &places[i];
        place->watched = atomic_load(&place->word);
        place->value = place->watched ? word_at((uint64_t *)place->watched) : 0;
        atomic_store(&place->nvisits, 0);
    }
    lg__scan_begin(rt, visit, places);
    atomic_store(&is_scanning, true);
    lg__world_start(rt);
}

static void end(lg_runtime *rt)
{
    SETTLE(lg__scan_is_done(rt));
    lg__world_stop(rt);
    for (int i = 0; i < PLACES; i++) {
        if (places[i].watched) {
            CHECK_INT(atomic_load(&places[i].nvisits), 1);
            places[i].watched = NULL;
        }
    }
    lg__scan_end(rt);
    atomic_store(&is_scanning, false);
    lg__world_start(rt);
}

static void scan_all(lg_runtime *rt)
{
    while (lg__scan_some(rt)) {
    }
}

static void cycle(lg_runtime *rt)
{
    begin(rt);
    scan_all(rt);
    end(rt);
}

// A goroutine that runs has been scanned, if it is older than the cycle.
static void check_scanned(struct place *place, _Atomic uint64_t *word)
{
    if (atomic_load(&is_scanning) && place->watched == word) {
        CHECK_INT(atomic_load(&place->nvisits), 1);
    }
}

// ---------------------------------------------------------------------------
// Goroutines that are watched
// ---------------------------------------------------------------------------

struct watched {
    lg_runtime *rt;
    struct place *place;
    void (*step)(struct watched *w, uint64_t round);
    lg_chan *ch;
    uint64_t nrounds; // 0: until must_end
    bool has_heirs;   // starts another in its place when it ends
};

static void run_watched(void *arg)
{
    struct watched *w = arg;
    _Atomic uint64_t word = 0;
    atomic_store(&w->place->word, &word);
    for (uint64_t i = 0; w->nrounds ? i < w->nrounds : !atomic_load(&must_end); i++) {
        w->step(w, i);
        check_scanned(w->place, &word);
        atomic_fetch_add(&word, 1);
    }
    atomic_store(&w->place->word, NULL);
    if (w->has_heirs && !atomic_load(&must_end)) {
        spec_go(w->rt, run_watched, w);
    } else {
        atomic_fetch_add(&nended, 1);
    }
}

static void by_yield(__attribute__((unused)) struct watched *w,
                     __attribute__((unused)) uint64_t round)
{
    CHECK_OK(lg_yield());
}

static void by_sleep(struct watched *w, uint64_t round)
{
    CHECK_OK(lg_sleep_until(lg_now(w->rt) + (int64_t)(round % 8) * 20000));
}

static void by_checkpoint(__attribute__((unused)) struct watched *w, uint64_t round)
{
    lg_checkpoint();
    if (round % 1000 == 999) {
        CHECK_OK(lg_yield());
    }
}

static void by_select(struct watched *w, uint64_t round)
{
    uint64_t value = round;
    size_t index;
    lg_case cases[2] = {{.ch = w->ch, .elem = &value, .op = LG_SEND},
                        {.ch = w->ch, .elem = &value, .op = LG_RECV}};
    int rc = lg_select(cases, 2, lg_now(w->rt) + 1000000, &index);
    CHECK(rc == LG_OK || rc == LG_ETIMEDOUT);
}

static void by_recv(struct watched *w, __attribute__((unused)) uint64_t round)
{
    CHECK_OK(lg_chan_recv(w->ch, NULL, LG_NEVER));
}

static struct watched all[PLACES];

static void watch(lg_runtime *rt, int i, void (*step)(struct watched *, uint64_t),
                  lg_chan *ch, uint64_t nrounds)
{
    all[i] = (struct watched){rt, &places[i], step, ch, nrounds, i >= HEIRS};
    spec_go(rt, run_watched, &all[i]);
}

static void end_all(lg_runtime *rt, int n)
{
    atomic_store(&must_end, true);
    SETTLE(atomic_load(&nended) == n);
    SETTLE(lg_num_goroutine(rt) == 1);
}

// ---------------------------------------------------------------------------

it("scan", "visits the stack of a goroutine that waits, once", .procs = 2)
{
    lg_chan *ch = spec_chan(rt, 0, 0);
    watch(rt, 0, by_recv, ch, 1);
    SETTLE(spec_waiting(rt, "chan receive") == 1);
    cycle(rt);
    cycle(rt);
    CHECK_OK(lg_chan_send(ch, NULL, LG_NEVER));
    end_all(rt, 1);
    lg_chan_free(ch);
}

it("scan with a runnable goroutine", "visits it once", .procs = 1)
{
    watch(rt, 0, by_yield, NULL, 0);
    watch(rt, 1, by_yield, NULL, 0);
    SETTLE(atomic_load(&places[1].word));
    cycle(rt);
    end_all(rt, 2);
}

it("scan with a goroutine that is readied before a marker comes",
   "visits it before it runs on", .procs = 2)
{
    lg_chan *ch = spec_chan(rt, 0, 0);
    watch(rt, 0, by_recv, ch, 1);
    SETTLE(spec_waiting(rt, "chan receive") == 1);
    begin(rt);
    CHECK_OK(lg_chan_send(ch, NULL, LG_NEVER));
    SETTLE(atomic_load(&nended) == 1); // it has checked that it was visited
    scan_all(rt);
    end(rt);
    lg_chan_free(ch);
}

it("scan with a goroutine that runs", "visits it as the cycle begins", .procs = 2)
{
    watch(rt, 0, by_checkpoint, NULL, 0);
    SETTLE(atomic_load(&places[0].word));
    lg__world_stop(rt);
    places[0].watched = atomic_load(&places[0].word);
    places[0].value = word_at((uint64_t *)places[0].watched);
    lg__scan_begin(rt, visit, places);
    // Wherever it was: running, or about to be.
    CHECK_BETWEEN(atomic_load(&places[0].nvisits), 0, 1);
    lg__world_start(rt);
    scan_all(rt);
    end(rt);
    end_all(rt, 1);
}

it("scan of the goroutine that stops the world", "visits its own stack", .procs = 1)
{
    _Atomic uint64_t word = 17;
    atomic_store(&places[0].word, &word);
    begin(rt);
    CHECK_INT(atomic_load(&places[0].nvisits), 1);
    scan_all(rt);
    atomic_store(&places[0].word, NULL);
    end(rt);
    CHECK(lg__scan_bytes(rt) > sizeof word);
    CHECK_BETWEEN(lg__scan_bytes(rt), 64, 64 * 1024 + 2 * 1024 * 1024);
}

static void take_arg(void *arg)
{
    atomic_fetch_add(&nended, arg != NULL);
}

it("scan with a goroutine that has never run", "visits what it is passed", .procs = 1)
{
    static int target;
    sought = (uint64_t)(uintptr_t)&target ^ 0x5555;
    // On no stack, and in no register: only it is passed.
    void *arg = (void *)((uintptr_t)&target ^ 0x5555);
    spec_go(rt, take_arg, arg);
    arg = NULL;
    begin(rt);
    int found = atomic_load(&nfound);
    scan_all(rt);
    CHECK(atomic_load(&nfound) > found);
    end(rt);
    SETTLE(atomic_load(&nended) == 1);
}

it("scan with a goroutine that is started meanwhile", "visits what it is passed",
   .procs = 1)
{
    // The second time, of a record that counts as scanned.
    for (int i = 1; i <= 2; i++) {
        static int target;
        sought = 0;
        begin(rt);
        spec_go(rt, take_arg, &target);
        SETTLE(atomic_load(&nended) == 2 * i - 1);
        sought = (uint64_t)(uintptr_t)&target;
        spec_go(rt, take_arg, &target);
        CHECK_INT(atomic_load(&nfound), i - 1);
        SETTLE(atomic_load(&nended) == 2 * i);
        CHECK_INT(atomic_load(&nfound), i);
        scan_all(rt);
        end(rt);
    }
}

// ---------------------------------------------------------------------------
// Load
// ---------------------------------------------------------------------------

static lg_runtime *loaded;

static void mark(void *arg)
{
    scan_all(loaded);
    atomic_fetch_sub((_Atomic int *)arg, 1);
}

// Two markers besides, and the others go on.
static void cycles(lg_runtime *rt, int rounds)
{
    int64_t end_ns = spec_host_now_ns() + 3000000000 * (spec_is_stress() ? 10 : 1);
    for (int i = 0; i < rounds && spec_host_now_ns() < end_ns; i++) {
        begin(rt);
        _Atomic int nmarkers = 2;
        spec_go(rt, mark, (void *)&nmarkers);
        CHECK_OK(lg_yield());
        spec_go(rt, mark, (void *)&nmarkers);
        scan_all(rt);
        SETTLE(atomic_load(&nmarkers) == 0);
        end(rt);
        CHECK_OK(lg_yield());
    }
}

static void load(lg_runtime *rt, int rounds)
{
    static void (*const steps[])(struct watched *, uint64_t) = {by_yield, by_sleep,
                                                                by_checkpoint, by_select};
    lg_chan *ch = spec_chan(rt, sizeof(uint64_t), 0);
    loaded = rt;
    for (int i = 0; i < 12; i++) {
        watch(rt, i, steps[i % 4], ch, 0);
        watch(rt, HEIRS + i, steps[i % 4], ch, (uint64_t)i);
    }
    cycles(rt, rounds);
    end_all(rt, 24);
    lg_chan_free(ch);
}

it("scan under load on one P", "visits every stack once", .procs = 1)
{
    load(rt, spec_rounds(400));
}

it("scan under load on two Ps", "visits every stack once", .procs = 2)
{
    load(rt, spec_rounds(400));
}

it("scan under load on four Ps", "visits every stack once", .procs = 4)
{
    load(rt, spec_rounds(400));
}

// ---------------------------------------------------------------------------
// Scripted goroutines
// ---------------------------------------------------------------------------

struct scripted {
    struct place *area;  // the goroutine's area
    struct place *stack; // its C stack, while it keeps one
    lg_chan *ch;
};

static _Atomic uint64_t *area_word(struct script *script)
{
    return (_Atomic uint64_t *)&script->words[7];
}

static int keep_and_await(struct script *script, int result)
{
    struct scripted *s = script->arg;
    _Atomic uint64_t word = 1;
    SCRIPT_BEGIN
    atomic_store(area_word(script), 100);
    atomic_store(&s->area->word, area_word(script));
    while (!atomic_load(&must_end)) {
        SCRIPT_AWAIT(lg_chan_recv(s->ch, NULL, LG_NEVER));
        if (result == LG_ECLOSED) {
            break;
        }
        check_scanned(s->area, area_word(script));
        atomic_fetch_add(area_word(script), 1);
        atomic_store(&word, 1);
        atomic_store(&s->stack->word, &word);
        SCRIPT_KEEP(lg_chan_recv(s->ch, NULL, LG_NEVER));
        check_scanned(s->stack, &word);
        atomic_fetch_add(&word, 1);
        atomic_store(&s->stack->word, NULL);
        if (result == LG_ECLOSED) {
            break;
        }
    }
    atomic_store(&s->area->word, NULL);
    atomic_fetch_add(&nended, 1);
    SCRIPT_END
}

// Two strands, driven through two channels, scanned at every moment.
static void feed(lg_runtime *rt, lg_chan **chs, int rounds)
{
    struct spec_random random = spec_random_new(3);
    for (int i = 0; i < rounds; i++) {
        begin(rt);
        for (uint32_t n = spec_random_below(&random, 4); n > 0; n--) {
            CHECK_OK(lg_chan_send(chs[n % 2], NULL, LG_NEVER));
        }
        scan_all(rt);
        CHECK_OK(lg_chan_send(chs[0], NULL, LG_NEVER));
        end(rt);
    }
}

struct strands_of {
    lg_runtime *rt;
    struct interpreter interpreters[2];
    struct scripted scripted[4];
    lg_chan *chs[2];
};

static void feed_main(void *arg)
{
    struct strands_of *s = arg;
    feed(s->rt, s->chs, spec_rounds(800));
    CHECK_OK(lg_chan_close(s->chs[0]));
    CHECK_OK(lg_chan_close(s->chs[1]));
    SETTLE(atomic_load(&nended) == 4);
}

static void strands(int procs)
{
    static struct strands_of s;
    s.rt = spec_open(procs);
    lg_strand *opened[2];
    for (int i = 0; i < 2; i++) {
        s.chs[i] = spec_chan(s.rt, 0, 0);
        opened[i] = script_strand(s.rt, &s.interpreters[i]);
    }
    for (int i = 0; i < 4; i++) {
        s.scripted[i] =
            (struct scripted){&places[2 * i], &places[2 * i + 1], s.chs[i % 2]};
        script_go(opened[i / 2], keep_and_await, &s.scripted[i]);
    }
    spec_main(s.rt, feed_main, &s);
    for (int i = 0; i < 2; i++) {
        lg_strand_close(opened[i]);
        lg_chan_free(s.chs[i]);
    }
}

it("scan with strands on one P", "visits areas and stacks that were kept, once")
{
    strands(1);
}

it("scan with strands on three Ps", "visits areas and stacks that were kept, once")
{
    strands(3);
}
