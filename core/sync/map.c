// SPDX-License-Identifier: MIT
#include "sync/map.h"

#include "sched/runtime.h"

enum {
    // Writers of one stripe wait for each other: four for each that may run.
    STRIPES_PER_PROC = LG_SIZED(4, 1),
    STRIPE_BITS_MAX = 6,
    STRIPE_BITS_MIN = LG_SIZED(3, 1),
};

static const lg_field map_fields[] = {
    {LG_FIELD_REF, offsetof(struct lg_map, stripes), sizeof(void *), 1, "stripes"}};
static const lg_type_info map_info = LG_TYPE_INFO(struct lg_map, map_fields);

// What is read stands on a stack that the collector looks at.
LG_INLINE struct m *check_caller(struct lg_runtime *rt)
{
    struct m *m = lg__m();
    LG_MISUSE_OF_IF(rt, !m || !m->p || m->rt != rt, "a map is used outside a goroutine");
    return m;
}

static uint32_t choose_stripe_bits(struct lg_runtime *rt)
{
    uint32_t bits = STRIPE_BITS_MIN;
    while (bits < STRIPE_BITS_MAX && 1U << bits < STRIPES_PER_PROC * lg__nprocs(rt)) {
        bits++;
    }
    return bits;
}

static struct map_stripe *stripes_new(lg_type *type, size_t n)
{
    struct map_stripe *stripes = lg_new_array(type, n);
    for (size_t i = 0; stripes && i < n; i++) {
        lg__stripe_init(&stripes[i]);
    }
    return stripes;
}

static uint64_t random_word(struct rand *rand)
{
    uint64_t high = lg__rand(rand);
    return high << 32 | lg__rand(rand);
}

lg_map *lg_map_new(lg_runtime *rt)
{
    check_caller(rt);
    struct map_types types;
    lg_type *map_type;
    lg_type *stripe_type;
    if (lg__map_types_open(rt, &types) || lg_type_register(rt, &map_info, &map_type) ||
        lg_type_register(rt, &lg__map_stripe_info, &stripe_type)) {
        return NULL;
    }
    struct lg_map *map = lg_new(map_type);
    uint32_t stripe_bits = choose_stripe_bits(rt);
    struct map_stripe *stripes =
        map ? stripes_new(stripe_type, (size_t)1 << stripe_bits) : NULL;
    if (!stripes) {
        return NULL;
    }
    lg_store(&map->stripes, stripes);
    map->stripe_bits = stripe_bits;
    map->types = types;
    // Of this P, which a goroutine may lose in a call only.
    struct rand *rand = &lg__m()->p->rand;
    map->seed = (struct hash_seed){{random_word(rand), random_word(rand)}};
    return map;
}

LG_INLINE struct map_stripe *stripe_of(const struct lg_map *map, const void *bytes,
                                       size_t size_bytes, struct map_key *out)
{
    uint64_t hash = lg__hash(bytes, size_bytes, &map->seed);
    out->bytes = size_bytes > 0 ? bytes : "";
    out->size_bytes = size_bytes;
    out->place = hash << map->stripe_bits;
    return &map->stripes[hash >> (64 - map->stripe_bits)];
}

int lg_map_get(lg_map *map, const void *key, size_t key_size, lg_cell *out)
{
    check_caller(map->types.rt);
    if (LG_UNLIKELY(key_size > MAP_KEY_BYTES_MAX)) {
        return LG_ESRCH;
    }
    struct map_key mine;
    struct map_stripe *stripe = stripe_of(map, key, key_size, &mine);
    return lg__stripe_get(stripe, &mine, out);
}

static int change_key(struct lg_map *map, const void *bytes, size_t size_bytes,
                      const lg_cell *cell, struct map_change *change)
{
    check_caller(map->types.rt);
    if (size_bytes > MAP_KEY_BYTES_MAX) {
        return LG_EINVAL;
    }
    struct map_stripe *stripe = stripe_of(map, bytes, size_bytes, &change->key);
    change->has_cell = cell;
    if (cell) {
        change->cell = *cell;
    }
    return lg__stripe_change(stripe, &map->types, change);
}

int lg_map_set(lg_map *map, const void *key, size_t key_size, const lg_cell *cell,
               lg_cell *out_old)
{
    struct map_change change = {.expect = MAP_ANYTHING};
    int err = change_key(map, key, key_size, cell, &change);
    if (err) {
        return err;
    }
    if (!change.was_there) {
        return LG_ESRCH;
    }
    if (out_old) {
        *out_old = change.before;
    }
    return LG_OK;
}

int lg_map_replace(lg_map *map, const void *key, size_t key_size, const lg_cell *expected,
                   const lg_cell *cell)
{
    struct map_change change = {.expect = expected ? MAP_CELL : MAP_NOTHING};
    if (expected) {
        change.expected = *expected;
    }
    return change_key(map, key, key_size, cell, &change);
}

size_t lg_map_len(const lg_map *map)
{
    size_t len = 0;
    for (size_t i = 0; i < (size_t)1 << map->stripe_bits; i++) {
        len += lg__stripe_count(&map->stripes[i]);
    }
    return len;
}

// ---------------------------------------------------------------------------
// Walking. A cursor has the entry that was met last in refs[0], the number of its
// stripe in opaque[0], and in opaque[1] the place from which on to look.
// ---------------------------------------------------------------------------

// The next entry in the cursor's stripe; NULL: there is none.
static struct map_entry *next_in_stripe(lg_map *map, lg_map_cursor *cursor, lg_cell *out)
{
    struct map_stripe *stripe = &map->stripes[cursor->opaque[0]];
    uint64_t place = cursor->opaque[1];
    struct map_entry *entry = NULL;
    if (lg__stripe_count(stripe) > 0) {
        do {
            entry = lg__stripe_next(stripe, cursor->refs[0], &place, out);
        } while (!entry && place != 0);
    }
    lg_store(&cursor->refs[0], entry);
    cursor->opaque[1] = entry ? place : 0;
    return entry;
}

int lg_map_next(lg_map *map, lg_map_cursor *cursor, const void **out_key,
                size_t *out_key_size, lg_cell *out)
{
    check_caller(map->types.rt);
    for (; cursor->opaque[0] < (uint64_t)1 << map->stripe_bits; cursor->opaque[0]++) {
        struct map_entry *entry = next_in_stripe(map, cursor, out);
        if (entry) {
            *out_key = entry->key;
            *out_key_size = entry->key_size_bytes;
            return LG_OK;
        }
    }
    return LG_ESRCH;
}

#ifdef LG_CHECK
void lg__map_verify(struct lg_map *map)
{
    for (size_t i = 0; i < (size_t)1 << map->stripe_bits; i++) {
        lg__stripe_verify(&map->stripes[i]);
    }
}
#endif
