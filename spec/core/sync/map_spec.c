// SPDX-License-Identifier: MIT
//
// Maps, used by one goroutine at a time. By several: map_stress_spec.c.
#include "sync/map.h"

#include "gc/nodes.h"
#include "os/vm.h"

enum { KEY_MAX = 300 };

static lg_map *map_new(lg_runtime *rt)
{
    lg_map *map = lg_map_new(rt);
    CHECK(map);
    return map;
}

static void verify(lg_map *map)
{
#ifdef LG_CHECK
    lg__map_verify(map);
#else
    (void)map;
#endif
}

static int put(lg_map *map, uint64_t key, uint64_t bits)
{
    lg_cell cell = {bits, NULL};
    return lg_map_set(map, &key, sizeof key, &cell, NULL);
}

static int take(lg_map *map, uint64_t key)
{
    return lg_map_set(map, &key, sizeof key, NULL, NULL);
}

static bool has(lg_map *map, uint64_t key, uint64_t bits)
{
    lg_cell cell;
    return lg_map_get(map, &key, sizeof key, &cell) == LG_OK && cell.bits == bits &&
           !cell.ref;
}

static bool is_absent(lg_map *map, uint64_t key)
{
    lg_cell cell = {77, &cell};
    CHECK_CODE(lg_map_get(map, &key, sizeof key, &cell), LG_ESRCH);
    return cell.bits == 77 && cell.ref == &cell;
}

// ---------------------------------------------------------------------------
// Keys and cells
// ---------------------------------------------------------------------------

it("map.get of what is not there", "says so and touches nothing", .procs = 1)
{
    lg_map *map = map_new(rt);
    CHECK(is_absent(map, 1));
    CHECK_CODE(put(map, 1, 10), LG_ESRCH);
    CHECK(is_absent(map, 2));
}

it("map.set", "stores, replaces, takes out, and tells what was there", .procs = 1)
{
    lg_map *map = map_new(rt);
    struct node_obj *node = node_new(node_type(rt), 5);
    lg_cell old = {99, map};
    lg_cell cell;
    CHECK_CODE(lg_map_set(map, "k", 1, &(lg_cell){1, node}, &old), LG_ESRCH);
    CHECK(old.bits == 99 && old.ref == map);
    CHECK_OK(lg_map_get(map, "k", 1, &cell));
    CHECK(cell.bits == 1 && cell.ref == node);
    CHECK_OK(lg_map_set(map, "k", 1, &(lg_cell){2, NULL}, &old));
    CHECK(old.bits == 1 && old.ref == node);
    CHECK_OK(lg_map_get(map, "k", 1, &cell));
    CHECK(cell.bits == 2 && !cell.ref);
    CHECK_OK(lg_map_set(map, "k", 1, &cell, &cell)); // in and out may be the same
    CHECK(cell.bits == 2 && !cell.ref);
    CHECK_OK(lg_map_set(map, "k", 1, NULL, &old));
    CHECK(old.bits == 2 && !old.ref);
    old.bits = 98;
    CHECK_CODE(lg_map_set(map, "k", 1, NULL, &old), LG_ESRCH);
    CHECK_INT(old.bits, 98);
    CHECK_CODE(lg_map_get(map, "k", 1, &cell), LG_ESRCH);
    CHECK_CODE(lg_map_set(map, "k", 1, &(lg_cell){3, NULL}, NULL), LG_ESRCH);
    CHECK_OK(lg_map_set(map, "k", 1, NULL, NULL));
    CHECK_INT(lg_map_len(map), 0);
}

// Every length, each key a prefix of the next, and another one that differs in a byte.
it("map keys of any bytes", "are told apart to the last one", .procs = 1)
{
    lg_map *map = map_new(rt);
    unsigned char key[KEY_MAX] = {0};
    for (size_t size = 0; size < KEY_MAX; size++) {
        lg_cell cell = {size, NULL};
        CHECK_CODE(lg_map_set(map, key, size, &cell, NULL), LG_ESRCH);
        for (size_t at = 0; at < size; at += size < 40 ? 1 : 37) {
            key[at] = 255;
            cell.bits = 1000 + size * KEY_MAX + at;
            CHECK_CODE(lg_map_set(map, key, size, &cell, NULL), LG_ESRCH);
            key[at] = 0;
        }
    }
    verify(map);
    for (size_t size = 0; size < KEY_MAX; size++) {
        lg_cell cell;
        CHECK_OK(lg_map_get(map, size ? key : NULL, size, &cell));
        CHECK_INT(cell.bits, size);
        for (size_t at = 0; at < size; at += size < 40 ? 1 : 37) {
            key[at] = 255;
            CHECK_OK(lg_map_get(map, key, size, &cell));
            CHECK_INT(cell.bits, 1000 + size * KEY_MAX + at);
            key[at] = 0;
        }
    }
}

it("a map key", "is copied", .procs = 1)
{
    lg_map *map = map_new(rt);
    char key[64] = "short";
    lg_cell cell = {1, NULL};
    CHECK_CODE(lg_map_set(map, key, 5, &cell, NULL), LG_ESRCH);
    CHECK_CODE(lg_map_set(map, key, sizeof key, &cell, NULL), LG_ESRCH);
    memset(key, 'x', sizeof key);
    CHECK_OK(lg_map_get(map, "short", 5, &cell));
    CHECK_OK(lg_map_get(map, (char[64]){"short"}, sizeof key, &cell));
}

it("a map key of more than 2^31 - 1 bytes", "is refused unread", .procs = 1)
{
    lg_map *map = map_new(rt);
    lg_cell cell = {1, NULL};
    size_t sizes[] = {(size_t)1 << 31, SIZE_MAX, (size_t)1 << 32};
    for (size_t i = 0; i < 3; i++) {
        CHECK_CODE(lg_map_set(map, "k", sizes[i], &cell, &cell), LG_EINVAL);
        CHECK_CODE(lg_map_set(map, "k", sizes[i], NULL, NULL), LG_EINVAL);
        CHECK_CODE(lg_map_replace(map, "k", sizes[i], NULL, &cell), LG_EINVAL);
        CHECK_CODE(lg_map_replace(map, "k", sizes[i], &cell, NULL), LG_EINVAL);
        CHECK_CODE(lg_map_get(map, "k", sizes[i], &cell), LG_ESRCH);
    }
    CHECK_INT(cell.bits, 1);
    CHECK_INT(lg_map_len(map), 0);
}

it("a large map key", "is a key like any other", .procs = 1)
{
    enum { BIG = 1 << 20 };
    lg_map *map = map_new(rt);
    char *key = calloc(1, BIG);
    lg_cell cell = {1, NULL};
    CHECK_CODE(lg_map_set(map, key, BIG, &cell, NULL), LG_ESRCH);
    key[BIG - 1] = 1;
    CHECK_CODE(lg_map_get(map, key, BIG, &cell), LG_ESRCH);
    key[BIG - 1] = 0;
    CHECK_OK(lg_map_get(map, key, BIG, &cell));
    CHECK_CODE(lg_map_get(map, key, BIG - 1, &cell), LG_ESRCH);
    free(key);
}

it("map.replace", "does it if what is there is as expected, both words of it", .procs = 1)
{
    lg_map *map = map_new(rt);
    struct node_obj *node = node_new(node_type(rt), 5);
    lg_cell none = {0};
    lg_cell first = {1, node};
    lg_cell second = {1, NULL};
    lg_cell cell;
    CHECK_CODE(lg_map_replace(map, "k", 1, &none, &first), LG_EAGAIN); // not there
    CHECK_CODE(lg_map_replace(map, "k", 1, &none, NULL), LG_EAGAIN);
    CHECK_OK(lg_map_replace(map, "k", 1, NULL, NULL));
    CHECK_INT(lg_map_len(map), 0);
    CHECK_OK(lg_map_replace(map, "k", 1, NULL, &first));
    CHECK_CODE(lg_map_replace(map, "k", 1, NULL, &second), LG_EAGAIN);
    CHECK_CODE(lg_map_replace(map, "k", 1, NULL, NULL), LG_EAGAIN);
    CHECK_CODE(lg_map_replace(map, "k", 1, &second, &none), LG_EAGAIN);
    CHECK_CODE(lg_map_replace(map, "k", 1, &(lg_cell){2, node}, &none), LG_EAGAIN);
    CHECK_CODE(lg_map_replace(map, "k", 1, &second, NULL), LG_EAGAIN);
    CHECK_OK(lg_map_get(map, "k", 1, &cell));
    CHECK(cell.bits == 1 && cell.ref == node);
    CHECK_OK(lg_map_replace(map, "k", 1, &first, &second));
    CHECK_OK(lg_map_replace(map, "k", 1, &second, &second));
    CHECK_OK(lg_map_replace(map, "k", 1, &second, NULL));
    CHECK_CODE(lg_map_get(map, "k", 1, &cell), LG_ESRCH);
    verify(map);
}

static lg_map *left_map;

static void leave_map(void *arg)
{
    left_map = map_new(*(lg_runtime **)arg);
    for (uint64_t key = 0; key < 100; key++) {
        CHECK_CODE(put(left_map, key, key), LG_ESRCH);
    }
}

it("map.len", "may be asked by a thread of the host")
{
    lg_runtime *rt2 = spec_open(1);
    spec_main(rt2, leave_map, &rt2);
    CHECK_INT(lg_map_len(left_map), 100);
}

it("map.get outside a goroutine", "is a clear fatal error",
   .dies = "a map is used outside a goroutine")
{
    lg_runtime *rt2 = spec_open(1);
    spec_main(rt2, leave_map, &rt2);
    CHECK(has(left_map, 1, 1));
}

it("map.new outside a goroutine", "is a clear fatal error",
   .dies = "a map is used outside a goroutine")
{
    lg_map_new(spec_open(1));
}

// ---------------------------------------------------------------------------
// Growing
// ---------------------------------------------------------------------------

it("a map", "finds all that it has, at every size, up and down", .procs = 1)
{
    lg_map *map = map_new(rt);
    uint64_t n = (uint64_t)spec_rounds(20000);
    for (uint64_t key = 0; key < n; key++) {
        CHECK_CODE(put(map, key * key, key), LG_ESRCH);
        CHECK(has(map, key * key, key));
        CHECK(has(map, key / 2 * (key / 2), key / 2));
        if ((key & (key - 1)) == 0) {
            verify(map);
            CHECK(is_absent(map, key * key + 2 * key + 2));
        }
    }
    CHECK_INT(lg_map_len(map), n);
    for (uint64_t key = 0; key < n; key++) {
        CHECK(has(map, key * key, key));
        CHECK_OK(take(map, key * key));
        CHECK(is_absent(map, key * key));
        if ((key & (key - 1)) == 0) {
            verify(map);
        }
    }
    CHECK_INT(lg_map_len(map), 0);
    for (size_t i = 0; i < (size_t)1 << map->stripe_bits; i++) {
        CHECK_BETWEEN(map->stripes[i].bits, 0, 6); // it has shrunk
    }
}

// As an array does it.
static void play(lg_runtime *rt, int rounds, uint32_t nkeys)
{
    lg_map *map = map_new(rt);
    struct spec_random random = spec_random_new(7);
    uint64_t *model = calloc(nkeys, sizeof *model); // 0: not there
    size_t len = 0;
    for (int i = 0; i < rounds; i++) {
        // for a while it grows, for a while it shrinks
        bool is_growing = i / 512 % 2 == 0;
        uint64_t key = spec_random_below(&random, nkeys);
        lg_cell now = {model[key], NULL};
        lg_cell next = {spec_random_next(&random) | 1, NULL};
        bool is_out = spec_random_below(&random, 4) < (is_growing ? 1 : 3);
        if (spec_random_below(&random, 2)) {
            CHECK_CODE(lg_map_set(map, &key, sizeof key, is_out ? NULL : &next, NULL),
                       now.bits ? LG_OK : LG_ESRCH);
        } else {
            CHECK_OK(lg_map_replace(map, &key, sizeof key, now.bits ? &now : NULL,
                                    is_out ? NULL : &next));
        }
        model[key] = is_out ? 0 : next.bits;
        len += (size_t)(model[key] != 0) - (size_t)(now.bits != 0);
        CHECK_INT(lg_map_len(map), len);
        key = spec_random_below(&random, nkeys);
        CHECK(model[key] ? has(map, key, model[key]) : is_absent(map, key));
    }
    verify(map);
    free(model);
}

it("a map under random operations", "is what an array would be", .procs = 1)
{
    play(rt, spec_rounds(200000), 600);
    play(rt, spec_rounds(20000), 20);
}

static void play_under_stress(void *arg)
{
    play(*(lg_runtime **)arg, 600, 100);
}

it("a map under random operations", "is what an array would be, with gc_stress",
   .limit_s = 120)
{
    lg_options options;
    lg_options_init(&options);
    options.procs = 2;
    options.gc_stress = true;
    lg_runtime *rt2 = spec_open_with(&options);
    spec_main(rt2, play_under_stress, &rt2);
    CHECK(gc_stats(rt2).cycles > 20);
}

// ---------------------------------------------------------------------------
// Walking
// ---------------------------------------------------------------------------

enum { WALKED = 2000 };

static int met[WALKED];

// Meets the next one; false: that was the last.
static bool step(lg_map *map, lg_map_cursor *cursor, uint64_t *out_key)
{
    const void *key;
    size_t size;
    lg_cell cell;
    int err = lg_map_next(map, cursor, &key, &size, &cell);
    if (err) {
        CHECK_CODE(err, LG_ESRCH);
        CHECK_CODE(lg_map_next(map, cursor, &key, &size, &cell), LG_ESRCH);
        return false;
    }
    CHECK_INT(size, sizeof *out_key);
    memcpy(out_key, key, size);
    CHECK_INT(cell.bits, *out_key + 1);
    CHECK(*out_key < WALKED);
    met[*out_key]++;
    return true;
}

it("a walk through an empty map", "meets nothing", .procs = 1)
{
    lg_map *map = map_new(rt);
    lg_map_cursor cursor = {0};
    uint64_t key;
    CHECK(!step(map, &cursor, &key));
    CHECK_CODE(put(map, 1, 2), LG_ESRCH);
    CHECK_OK(take(map, 1));
    cursor = (lg_map_cursor){0};
    CHECK(!step(map, &cursor, &key));
}

it("a walk through a map", "meets each key once, at every size", .procs = 1)
{
    lg_map *map = map_new(rt);
    for (uint64_t n = 0; n < WALKED; n++) {
        CHECK_CODE(put(map, n, n + 1), LG_ESRCH);
        if (n > 40 && n % 61 != 0) {
            continue;
        }
        memset(met, 0, sizeof met);
        lg_map_cursor cursor = {0};
        uint64_t key;
        while (step(map, &cursor, &key)) {
        }
        for (uint64_t i = 0; i < WALKED; i++) {
            CHECK_INT(met[i], i <= n);
        }
    }
}

// Keys below `nfixed` stay; the others come and go while it is walked.
static void walk_while_changing(lg_runtime *rt, uint64_t nfixed, uint64_t nstart,
                                bool is_growing, uint64_t salt)
{
    struct spec_random random = spec_random_new(salt);
    lg_map *map = map_new(rt);
    for (uint64_t key = 0; key < nfixed + nstart; key++) {
        CHECK_CODE(put(map, key, key + 1), LG_ESRCH);
    }
    memset(met, 0, sizeof met);
    lg_map_cursor *cursor = &(lg_map_cursor){0};
    uint64_t key;
    while (step(map, cursor, &key)) {
        for (int i = 0; i < 5; i++) {
            uint64_t other =
                nfixed + spec_random_below(&random, WALKED - (uint32_t)nfixed);
            if (is_growing || spec_random_below(&random, 4) == 0) {
                put(map, other, other + 1);
            } else {
                take(map, other);
            }
        }
        if (spec_random_below(&random, 3) == 0) {
            take(map, key < nfixed ? nfixed : key); // the one that the cursor has
        }
    }
    verify(map);
    for (uint64_t i = 0; i < WALKED; i++) {
        CHECK_BETWEEN(met[i], i < nfixed, 1);
    }
}

it("a walk through a map that grows or shrinks",
   "meets once what stays, and nothing twice", .procs = 1)
{
    for (uint64_t salt = 0; salt < (uint64_t)spec_rounds(20); salt++) {
        walk_while_changing(rt, 100, 0, true, salt);
        walk_while_changing(rt, 10, 100, true, salt);
        walk_while_changing(rt, 100, WALKED - 100, false, salt);
        walk_while_changing(rt, 20, WALKED - 20, false, salt);
    }
}

it("a walk with its cursor in an object", "goes on after collections", .procs = 2)
{
    static const lg_field fields[] = {
        LG_FIELD_ARRAY(struct lg_map_cursor, refs, LG_FIELD_REF)};
    static const lg_type_info info = LG_TYPE_INFO(struct lg_map_cursor, fields);
    lg_type *type;
    CHECK_OK(lg_type_register(rt, &info, &type));
    lg_map_cursor *cursor = lg_new(type);
    lg_map *map = map_new(rt);
    for (uint64_t key = 0; key < 100; key++) {
        CHECK_CODE(put(map, key, key + 1), LG_ESRCH);
    }
    memset(met, 0, sizeof met);
    uint64_t key;
    while (step(map, cursor, &key)) {
        CHECK_OK(take(map, key));
        CHECK_OK(lg_gc(rt));
    }
    CHECK_INT(lg_map_len(map), 0);
    for (uint64_t i = 0; i < 100; i++) {
        CHECK_INT(met[i], 1);
    }
}

// Keys whose hash is the same, which nobody can find from outside.
it("entries in the same place", "are found, met once each, and taken out", .procs = 1)
{
    enum { SAME = 50 };
    struct map_types types;
    lg_type *type;
    CHECK_OK(lg__map_types_open(rt, &types));
    CHECK_OK(lg_type_register(rt, &lg__map_stripe_info, &type));
    struct map_stripe *stripe = lg_new(type);
    lg__stripe_init(stripe);
    uint32_t words[2] = {0, 0};
    for (uint32_t i = 0; i < SAME; i++) {
        words[0] = i / 2;
        struct map_change change = {.key = {words, 4 + i % 2 * 4, UINT64_MAX - 1},
                                    .has_cell = true,
                                    .cell = {i, 0}};
        CHECK_OK(lg__stripe_change(stripe, &types, &change));
        CHECK(!change.was_there);
    }
    bool is_met[SAME] = {false};
    struct map_entry *entry = NULL;
    uint64_t place = 0;
    lg_cell cell;
    for (int n = 0; n < SAME;) {
        entry = lg__stripe_next(stripe, entry, &place, &cell);
        if (entry) {
            CHECK(!is_met[cell.bits]);
            is_met[cell.bits] = true;
            n++;
        }
    }
    while (place != 0) {
        CHECK(!lg__stripe_next(stripe, entry, &place, &cell));
    }
    for (uint32_t i = 0; i < SAME; i++) {
        words[0] = i / 2;
        struct map_change change = {.key = {words, 4 + i % 2 * 4, UINT64_MAX - 1}};
        CHECK_OK(lg__stripe_get(stripe, &change.key, &cell));
        CHECK_INT(cell.bits, i);
        CHECK_OK(lg__stripe_change(stripe, &types, &change));
        CHECK(change.was_there);
        CHECK_CODE(lg__stripe_get(stripe, &change.key, &cell), LG_ESRCH);
    }
    CHECK_INT(lg__stripe_count(stripe), 0);
}

// ---------------------------------------------------------------------------
// Collection
// ---------------------------------------------------------------------------

enum { HELD = 200 };

static lg_handle *map_handle;
static lg_weak *weaks[HELD];
static lg_map_cursor parked; // zero but for the spec that parks one

static void fill_weak(void *arg)
{
    lg_runtime *rt = arg;
    lg_map *map = map_new(rt);
    CHECK_OK(lg_handle_new(rt, map, &map_handle));
    for (uint64_t key = 0; key < HELD; key++) {
        lg_cell cell = {key, node_new(node_type(rt), key)};
        CHECK_OK(lg_weak_new(rt, cell.ref, &weaks[key]));
        CHECK_CODE(lg_map_set(map, &key, sizeof key, &cell, NULL), LG_ESRCH);
    }
    node_scrub();
}

static void take_odd(__attribute__((unused)) void *arg)
{
    lg_map *map = lg_handle_get(map_handle);
    for (uint64_t key = 1; key < HELD; key += 2) {
        lg_cell cell = {key, NULL};
        CHECK_OK(lg_map_set(map, &key, sizeof key, key % 4 == 1 ? NULL : &cell, NULL));
    }
    node_scrub();
}

static void check_even(__attribute__((unused)) void *arg)
{
    lg_map *map = lg_handle_get(map_handle);
    for (uint64_t key = 0; key < HELD; key += 2) {
        lg_cell cell;
        CHECK_OK(lg_map_get(map, &key, sizeof key, &cell));
        node_check(cell.ref);
        CHECK_INT(((struct node_obj *)cell.ref)->number, key);
    }
    node_scrub();
}

static void apart(lg_runtime *rt, void (*fn)(void *arg))
{
    spec_go(rt, fn, rt);
    SETTLE(lg_num_goroutine(rt) == 1);
}

static int count_weaks(lg_runtime *rt, int first)
{
    int n = 0;
    CHECK_OK(lg_gc(rt));
    for (int i = first; i < HELD; i += 2) {
        n += lg_weak_get(weaks[i]) != NULL;
    }
    node_scrub();
    return n;
}

static void free_weaks(void)
{
    for (int i = 0; i < HELD; i++) {
        lg_weak_free(weaks[i]);
    }
}

it("what a map holds", "is alive; what was taken out or replaced is collected",
   .procs = 2)
{
    apart(rt, fill_weak);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(count_weaks(rt, 0) + count_weaks(rt, 1), HELD);
    }
    apart(rt, check_even);
    apart(rt, take_odd);
    CHECK_BETWEEN(count_weaks(rt, 1), 0, 3); // stray words on some stack
    CHECK_INT(count_weaks(rt, 0), HELD / 2);
    apart(rt, check_even);
    lg_handle_free(map_handle);
    CHECK_BETWEEN(count_weaks(rt, 0), 0, 3);
    free_weaks();
}

static void park_cursor(void *arg)
{
    const void *key;
    size_t size;
    lg_cell cell;
    lg_map *map = lg_handle_get(map_handle);
    CHECK_OK(lg_root_add(arg, "parked", parked.refs, 2));
    CHECK_OK(lg_map_next(map, &parked, &key, &size, &cell));
    CHECK_OK(lg_map_set(map, key, size, NULL, NULL));
    CHECK_OK(lg_weak_new(arg, cell.ref, &weaks[0]));
    cell = (lg_cell){0};
    node_scrub();
}

it("a cursor", "keeps the key of an entry that was taken out, not its value", .procs = 2)
{
    apart(rt, fill_weak);
    free_weaks();
    apart(rt, park_cursor);
    SETTLE((CHECK_OK(lg_gc(rt)), !lg_weak_get(weaks[0])));
    CHECK(parked.refs[0]);
    size_t n = 0;
    const void *key;
    size_t size;
    lg_cell cell;
    while (lg_map_next(lg_handle_get(map_handle), &parked, &key, &size, &cell) == LG_OK) {
        n++;
    }
    CHECK_INT(n, HELD - 1);
    CHECK_OK(lg_root_remove(rt, parked.refs));
    lg_weak_free(weaks[0]);
    lg_handle_free(map_handle);
}

static void make_circle(void *arg)
{
    lg_map *outer = map_new(arg);
    lg_map *inner = map_new(arg);
    CHECK_CODE(lg_map_set(outer, "self", 4, &(lg_cell){1, outer}, NULL), LG_ESRCH);
    CHECK_CODE(lg_map_set(outer, "inner", 5, &(lg_cell){1, inner}, NULL), LG_ESRCH);
    CHECK_CODE(lg_map_set(inner, "outer", 5, &(lg_cell){1, outer}, NULL), LG_ESRCH);
    for (uint64_t key = 0; key < 100; key++) {
        lg_cell cell = {key, outer};
        CHECK_CODE(lg_map_set(inner, &key, sizeof key, &cell, NULL), LG_ESRCH);
    }
    CHECK_OK(lg_weak_new(arg, outer, &weaks[0]));
    CHECK_OK(lg_weak_new(arg, inner, &weaks[1]));
    node_scrub();
}

it("a map that contains itself", "is collected", .procs = 2)
{
    apart(rt, make_circle);
    SETTLE((CHECK_OK(lg_gc(rt)), !lg_weak_get(weaks[0])));
    SETTLE((CHECK_OK(lg_gc(rt)), !lg_weak_get(weaks[1])));
    lg_weak_free(weaks[0]);
    lg_weak_free(weaks[1]);
}

static void churn(void *arg)
{
    lg_map *map = map_new(arg);
    for (uint64_t key = 0; key < (uint64_t)spec_rounds(100000); key++) {
        CHECK_CODE(put(map, key, key), LG_ESRCH);
        if (key >= 100) {
            CHECK_OK(take(map, key - 100));
        }
    }
    CHECK_INT(lg_map_len(map), 100);
    verify(map);
    // entries, and tables in a power of two
    CHECK_BETWEEN(live_objects(arg), 100, 1000);
}

it("a map whose keys come and go", "stays small", .procs = 1)
{
    churn(rt);
}

// ---------------------------------------------------------------------------
// Memory that runs out
// ---------------------------------------------------------------------------

static struct spec_memory memory;
static lg_runtime *small;
static int nrefused;

static void check_all(lg_map *map, const bool *is_there, uint64_t n)
{
    size_t len = 0;
    char key[64] = {0};
    for (uint64_t i = 0; i < n; i++) {
        lg_cell cell;
        memcpy(key, &i, sizeof i);
        int err = lg_map_get(map, key, 8 + i % 50, &cell);
        CHECK_CODE(err, is_there[i] ? LG_OK : LG_ESRCH);
        CHECK(err || cell.bits == i);
        len += is_there[i];
    }
    CHECK_INT(lg_map_len(map), len);
    lg_map_cursor cursor = {0};
    const void *bytes;
    size_t size;
    lg_cell cell;
    while (lg_map_next(map, &cursor, &bytes, &size, &cell) == LG_OK) {
        len--;
    }
    CHECK_INT(len, 0);
    verify(map);
}

static void use(__attribute__((unused)) void *arg)
{
    enum { N = 200 };
    bool is_there[N] = {false};
    char key[64] = {0};
    lg_map *map = lg_map_new(small);
    if (!map) {
        nrefused++;
        return;
    }
    for (uint64_t i = 0; i < N; i++) {
        lg_cell cell = {i, map};
        memcpy(key, &i, sizeof i);
        size_t size = 8 + i % 50;
        int err = i % 2 ? lg_map_set(map, key, size, &cell, NULL)
                        : lg_map_replace(map, key, size, NULL, &cell);
        CHECK(err == (i % 2 ? LG_ESRCH : LG_OK) || err == LG_ENOMEM);
        is_there[i] = err != LG_ENOMEM;
        nrefused += err == LG_ENOMEM;
    }
    check_all(map, is_there, N);
    for (uint64_t i = 0; i < N; i += 3) {
        memcpy(key, &i, sizeof i);
        CHECK_CODE(lg_map_set(map, key, 8 + i % 50, NULL, NULL),
                   is_there[i] ? LG_OK : LG_ESRCH);
        is_there[i] = false;
    }
    check_all(map, is_there, N);
}

static void open_small(void)
{
    lg_options options;
    lg_options_init(&options);
    options.procs = 1;
    options.alloc = spec_realloc;
    options.alloc_ud = &memory;
    CHECK_OK(lg_open(&options, &small));
}

static void use_and_close(void)
{
    spec_main(small, use, NULL);
    lg_close(small);
    CHECK_INT(atomic_load(&memory.blocks), 0);
}

it("a map when the hook fails at the n-th request", "has what it said it has",
   .limit_s = 120)
{
    for (int for_good = 0; for_good < 2; for_good++) {
        for (int n = 1, is_last = 0; !is_last; n++) {
            CHECK(n < 1000);
            open_small();
            atomic_store(&memory.is_fail_after, for_good);
            atomic_store(&memory.fail_at, n);
            int err = lg_run(small, use, NULL);
            CHECK(err == LG_OK || err == LG_ENOMEM);
            is_last = atomic_load(&memory.fail_at) > for_good;
            atomic_store(&memory.fail_at, 0);
            atomic_store(&memory.is_fail_after, false);
            use_and_close();
        }
    }
    CHECK(nrefused > 0);
}

it("a map when the n-th request for pages fails", "has what it said it has",
   .limit_s = 120)
{
#ifdef LG_CHECK
    int before = -1;
    for (int for_good = 0; for_good < 2; for_good++) {
        for (int n = 1; nrefused != before; n++) {
            CHECK(n < 1000);
            open_small();
            before = nrefused;
            lg__vm_fail_after(n, for_good);
            int err = lg_run(small, use, NULL);
            CHECK(err == LG_OK || err == LG_ENOMEM);
            nrefused += err == LG_ENOMEM;
            lg__vm_fail_after(0, false);
            use_and_close();
        }
        before = -1;
    }
    CHECK(nrefused > 0);
#endif
}
