// SPDX-License-Identifier: MIT
//
// Maps under load. Each plain key has one writer, which announces what it is about to
// do and what it has done; whoever reads the key must see something between: no value
// from before the last thing that was done when he began, none from after the last
// that was begun when he ended, and nothing older than he has seen himself. A value's
// two words belong together, and its node has not been freed. Counters belong to all.
#include "gc/nodes.h"
#include "load.h"
#include "sync/map.h"

enum {
    WORKERS_MAX = 8,
    KEYS = 96,         // with a writer each
    FIXED = 40,        // that stay
    COUNTERS = 3,      // that all add to
    PASSING_MAX = 300, // keys of one worker that come and go, to let the map grow
    LONG = 3,          // every third key is not inline
    LONG_BYTES = 60,
};

#define FIXED_FIRST 1000
#define COUNTER_FIRST 2000
#define PASSING_FIRST 10000

struct shared {
    lg_runtime *rt;
    lg_map *map;
    lg_type *type;
    int nworkers;
    int rounds;
    lg_waitgroup done;
    _Atomic uint64_t begun[KEYS]; // odd: its value; even: it is taken out
    _Atomic uint64_t over[KEYS];
    _Atomic uint64_t added[COUNTERS];
};

struct worker {
    struct shared *shared;
    uint64_t number;
    struct spec_random random;
    uint64_t seen[KEYS];
    uint64_t written[KEYS];
    uint64_t first_passing;
    uint64_t npassing;
};

struct name {
    unsigned char bytes[LONG_BYTES];
    size_t size;
};

static struct name name_of(uint64_t key)
{
    struct name name = {.size = key % LONG == 0 ? LONG_BYTES : sizeof key};
    memcpy(name.bytes, &key, sizeof key);
    return name;
}

static lg_cell cell_of(struct shared *shared, uint64_t value)
{
    return (lg_cell){value, node_new(shared->type, value)};
}

static void check_cell(const lg_cell *cell)
{
    const struct node_obj *node = cell->ref;
    node_check(node);
    CHECK_INT(node->number, cell->bits);
}

static void change_own(struct worker *w)
{
    struct shared *shared = w->shared;
    uint32_t nown = KEYS / (uint32_t)shared->nworkers;
    uint64_t key = w->number * nown + spec_random_below(&w->random, nown);
    struct name name = name_of(key);
    uint64_t now = w->written[key];
    uint64_t next = now + 1 + (now % 2 ? spec_random_below(&w->random, 2) : 0);
    lg_cell cell = next % 2 ? cell_of(shared, next) : (lg_cell){0};
    lg_cell old = {0};
    atomic_store(&shared->begun[key], next);
    int err =
        lg_map_set(shared->map, name.bytes, name.size, next % 2 ? &cell : NULL, &old);
    atomic_store(&shared->over[key], next);
    CHECK_CODE(err, now % 2 ? LG_OK : LG_ESRCH);
    if (err == LG_OK) {
        check_cell(&old);
        CHECK_INT(old.bits, now);
    }
    w->written[key] = next;
}

static void read_any(struct worker *w)
{
    struct shared *shared = w->shared;
    uint64_t key = spec_random_below(&w->random, KEYS);
    struct name name = name_of(key);
    lg_cell cell = {0};
    uint64_t low = atomic_load(&shared->over[key]);
    int err = lg_map_get(shared->map, name.bytes, name.size, &cell);
    uint64_t high = atomic_load(&shared->begun[key]);
    low = w->seen[key] > low ? w->seen[key] : low;
    if (err == LG_OK) {
        check_cell(&cell);
        CHECK_BETWEEN(cell.bits, low, high);
        w->seen[key] = cell.bits;
    } else {
        CHECK_CODE(err, LG_ESRCH);
        uint64_t out = (low + 1) / 2 * 2; // the first moment at which it was out
        CHECK_BETWEEN(out, low, high);
        w->seen[key] = out;
    }
}

static void add(struct worker *w)
{
    struct shared *shared = w->shared;
    uint32_t which = spec_random_below(&w->random, COUNTERS);
    struct name name = name_of(COUNTER_FIRST + which);
    for (;;) {
        lg_cell old;
        CHECK_OK(lg_map_get(shared->map, name.bytes, name.size, &old));
        check_cell(&old);
        lg_cell sum = cell_of(shared, old.bits + 1);
        int err = lg_map_replace(shared->map, name.bytes, name.size, &old, &sum);
        if (err == LG_OK) {
            break;
        }
        CHECK_CODE(err, LG_EAGAIN);
    }
    atomic_fetch_add(&shared->added[which], 1);
}

static void pass(struct worker *w)
{
    bool is_out = w->npassing == PASSING_MAX ||
                  (w->npassing > 0 && spec_random_below(&w->random, 3) == 0);
    uint64_t key = PASSING_FIRST * (w->number + 1) + w->first_passing;
    key += is_out ? 0 : w->npassing;
    struct name name = name_of(key);
    lg_cell cell = cell_of(w->shared, key);
    CHECK_CODE(
        lg_map_set(w->shared->map, name.bytes, name.size, is_out ? NULL : &cell, NULL),
        is_out ? LG_OK : LG_ESRCH);
    w->npassing += is_out ? (uint64_t)-1 : 1;
    w->first_passing += is_out;
}

// What stays is met once, the rest at most once.
static void walk(struct worker *w)
{
    lg_map_cursor cursor = {0};
    const void *bytes;
    size_t size;
    lg_cell cell;
    int nfixed = 0;
    int ncounters = 0;
    bool is_met[KEYS] = {false};
    while (lg_map_next(w->shared->map, &cursor, &bytes, &size, &cell) == LG_OK) {
        uint64_t key;
        memcpy(&key, bytes, sizeof key);
        CHECK_INT(size, name_of(key).size);
        check_cell(&cell);
        if (key < KEYS) {
            CHECK(!is_met[key]);
            is_met[key] = true;
        }
        nfixed += key >= FIXED_FIRST && key < FIXED_FIRST + FIXED;
        ncounters += key >= COUNTER_FIRST && key < COUNTER_FIRST + COUNTERS;
    }
    CHECK_INT(nfixed, FIXED);
    CHECK_INT(ncounters, COUNTERS);
}

static void work(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < w->shared->rounds; i++) {
        uint32_t what = spec_random_below(&w->random, 20);
        if (what < 5) {
            change_own(w);
        } else if (what < 13) {
            read_any(w);
        } else if (what < 15) {
            add(w);
        } else {
            pass(w);
        }
        if (i % 64 == 0) {
            CHECK_OK(lg_yield());
        }
        if (i % 256 == 0) {
            walk(w);
        }
        if (i % 1024 == 0) {
            CHECK_OK(lg_gc(w->shared->rt));
        }
    }
    CHECK_OK(lg_waitgroup_add(&w->shared->done, -1));
}

static void fill(struct shared *shared)
{
    for (uint64_t i = 0; i < FIXED + COUNTERS; i++) {
        bool is_fixed = i < FIXED;
        struct name name =
            name_of(is_fixed ? FIXED_FIRST + i : COUNTER_FIRST + i - FIXED);
        lg_cell cell = cell_of(shared, 0);
        CHECK_OK(lg_map_replace(shared->map, name.bytes, name.size, NULL, &cell));
    }
}

static void check_counters(struct shared *shared)
{
    for (uint64_t i = 0; i < COUNTERS; i++) {
        struct name name = name_of(COUNTER_FIRST + i);
        lg_cell cell;
        CHECK_OK(lg_map_get(shared->map, name.bytes, name.size, &cell));
        CHECK_INT(cell.bits, atomic_load(&shared->added[i]));
    }
}

static void run(lg_runtime *rt, int nworkers, int rounds)
{
    static struct shared shared;
    static struct worker workers[WORKERS_MAX];
    shared = (struct shared){.rt = rt, .nworkers = nworkers, .rounds = rounds};
    shared.map = lg_map_new(rt);
    shared.type = node_type(rt);
    lg_map *keep = shared.map; // on this stack, where the collector looks
    fill(&shared);
    CHECK_OK(lg_waitgroup_add(&shared.done, nworkers));
    for (int i = 0; i < nworkers; i++) {
        workers[i] = (struct worker){.shared = &shared, .number = (uint64_t)i};
        workers[i].random = spec_random_new((uint64_t)i);
        spec_go(rt, work, &workers[i]);
    }
    CHECK_OK(lg_waitgroup_wait(&shared.done, LG_NEVER));
    check_counters(&shared);
    size_t len = FIXED + COUNTERS;
    for (int i = 0; i < nworkers; i++) {
        len += workers[i].npassing;
    }
    for (int i = 0; i < KEYS; i++) {
        len += atomic_load(&shared.over[i]) % 2;
    }
    CHECK_INT(lg_map_len(keep), len);
#ifdef LG_CHECK
    lg__map_verify(keep);
#endif
    lg_keep_alive(keep);
}

it("a map that all use at once, on one P", "is linear for each key", .procs = 1,
   .limit_s = 120)
{
    run(rt, 4, spec_rounds(20000));
}

it("a map that all use at once, on two Ps", "is linear for each key", .procs = 2,
   .limit_s = 120)
{
    run(rt, 4, spec_rounds(20000));
}

it("a map that all use at once, on four Ps", "is linear for each key", .procs = 4,
   .limit_s = 120)
{
    run(rt, 8, spec_rounds(20000));
}

static void run_stopped(void *arg)
{
    run(arg, 4, spec_rounds(20000));
}

// A writer is stopped with the lock in his hands, a reader between two words.
it("a map whose users are stopped by signals", "is linear for each key", .limit_s = 120)
{
    if (load_has_signals()) {
        lg_runtime *rt2 = load_open(4);
        spec_main(rt2, run_stopped, rt2);
    }
}

// ---------------------------------------------------------------------------
// Only reading and writing, nothing that gives way
// ---------------------------------------------------------------------------

static lg_map *spun;
static _Atomic bool must_end;
static _Atomic int nspinning;

static void spin_writing(void *arg)
{
    nspinning++;
    for (uint64_t i = 1; !must_end; i++) {
        uint64_t key = (uintptr_t)arg + i % 4;
        lg_cell cell = {i, (void *)(uintptr_t)(i * 16)};
        lg_map_set(spun, &key, sizeof key, i % 64 == 63 ? NULL : &cell, NULL);
    }
    nspinning--;
}

static void spin_reading(__attribute__((unused)) void *arg)
{
    nspinning++;
    for (uint64_t i = 0; !must_end; i++) {
        uint64_t key = i % 4;
        lg_cell cell;
        if (lg_map_get(spun, &key, sizeof key, &cell) == LG_OK) {
            CHECK_INT((uintptr_t)cell.ref, cell.bits * 16);
        }
    }
    nspinning--;
}

static void stop_spinners(void *arg)
{
    spun = lg_map_new(arg);
    lg_map *keep = spun;
    must_end = false;
    spec_go(arg, spin_writing, NULL);
    spec_go(arg, spin_writing, NULL);
    spec_go(arg, spin_reading, NULL);
    SETTLE(nspinning == 3);
    for (int i = 0; i < spec_rounds(200); i++) {
        CHECK_OK(lg_gc(arg));
    }
    must_end = true;
    SETTLE(nspinning == 0);
    lg_keep_alive(keep);
}

it("a map whose users never give way", "lets the world stop", .limit_s = 120)
{
    if (load_has_signals()) {
        lg_runtime *rt2 = load_open(4);
        spec_main(rt2, stop_spinners, rt2);
    }
}
