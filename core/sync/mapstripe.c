// SPDX-License-Identifier: MIT
#include "sync/mapstripe.h"

enum {
    BITS_MIN = LG_SIZED(3, 2), // of a table that is an object of its own
    BITS_MAX = 36,
    // Of the old table, with each change. Done before the next growth, and those of a
    // table that shrinks are empty for the most part.
    MOVES_PER_CHANGE = 2,
    LOOKS_PER_CHANGE = 16,
    SHRINK_AT = 8,                      // times more buckets than entries
    WALK_BUCKETS_MAX = LG_SIZED(64, 2), // that a walk looks at under the lock
    NEEDS_ENTRY = 1,
};

static const lg_field stripe_fields[] = {
    LG_FIELD(struct map_stripe, heads, LG_FIELD_REF),
    LG_FIELD(struct map_stripe, old, LG_FIELD_REF),
    LG_FIELD(struct map_stripe, count, LG_FIELD_UINT),
    LG_FIELD_ARRAY(struct map_stripe, inline_heads, LG_FIELD_REF),
};
const lg_type_info lg__map_stripe_info = LG_TYPE_INFO(struct map_stripe, stripe_fields);

// ---------------------------------------------------------------------------
// Words of a stripe
// ---------------------------------------------------------------------------

static uint64_t version_again(const struct map_stripe *stripe)
{
    // relaxed: comes after what was loaded with acquire
    return atomic_load_explicit(&stripe->version, memory_order_relaxed);
}

static void step_version_locked(struct map_stripe *stripe) LG_REQUIRES(stripe->lock)
{
    // release: pairs with the acquire in peek(). To odd it would not need to be, all
    // stores that follow are.
    atomic_store_explicit(&stripe->version, version_again(stripe) + 1,
                          memory_order_release);
}

static void set_bits_locked(_Atomic uint8_t *bits, uint8_t value)
{
    atomic_store_explicit(bits, value, memory_order_release);
}

static void add_count_locked(struct map_stripe *stripe, size_t change)
    LG_REQUIRES(stripe->lock)
{
    // relaxed: a figure for others, ours under the lock
    atomic_store_explicit(&stripe->count, lg__stripe_count(stripe) + change,
                          memory_order_relaxed);
}

void lg__stripe_init(struct map_stripe *stripe)
{
    lg_store(&stripe->heads, stripe->inline_heads);
    set_bits_locked(&stripe->bits, MAP_INLINE_BITS);
}

// ---------------------------------------------------------------------------
// Looking up
// ---------------------------------------------------------------------------

// Looks without the lock. False: somebody changed the stripe meanwhile.
LG_INLINE bool peek(struct map_stripe *stripe, const struct map_key *key, lg_cell *out,
                    bool *out_found)
{
    // acquire: pairs with the release in step_version_locked()
    uint64_t version = MAP_LOAD(&stripe->version);
    struct map_head *heads = MAP_LOAD(&stripe->heads);
    struct map_head *old = MAP_LOAD(&stripe->old);
    uint8_t bits = MAP_LOAD(&stripe->bits);
    uint8_t old_bits = MAP_LOAD(&stripe->old_bits);
    if (LG_UNLIKELY((version & 1) || version_again(stripe) != version)) {
        return false;
    }
    struct map_entry *entry = lg__map_find(heads, bits, key);
    if (LG_UNLIKELY(!entry && old)) {
        entry = lg__map_find(old, old_bits, key);
    }
    lg_cell cell = {0};
    if (entry) {
        lg__map_cell_load(entry, &cell);
    }
    if (LG_UNLIKELY(version_again(stripe) != version)) {
        return false;
    }
    *out = cell;
    *out_found = entry;
    return true;
}

static map_link *find_link_locked(struct map_stripe *stripe, const struct map_key *key)
    LG_REQUIRES(stripe->lock)
{
    map_link *link =
        lg__map_find_link(MAP_LOAD(&stripe->heads), MAP_LOAD(&stripe->bits), key);
    struct map_head *old = MAP_LOAD(&stripe->old);
    return link || !old ? link : lg__map_find_link(old, MAP_LOAD(&stripe->old_bits), key);
}

static LG_NOINLINE bool look_with_lock(struct map_stripe *stripe,
                                       const struct map_key *key, lg_cell *out)
{
    lg__lock(&stripe->lock, RANK_SYNC);
    map_link *link = find_link_locked(stripe, key);
    if (link) {
        lg__map_cell_load(MAP_LOAD(link), out);
    }
    lg__unlock(&stripe->lock, RANK_SYNC);
    return link;
}

int lg__stripe_get(struct map_stripe *stripe, const struct map_key *key, lg_cell *out)
{
    lg_cell cell;
    bool is_found;
    if (LG_UNLIKELY(!peek(stripe, key, &cell, &is_found))) {
        is_found = look_with_lock(stripe, key, &cell);
    }
    if (!is_found) {
        return LG_ESRCH;
    }
    *out = cell;
    return LG_OK;
}

// ---------------------------------------------------------------------------
// Growing, and shrinking, which is the same
// ---------------------------------------------------------------------------

static void push_locked(struct map_stripe *stripe, struct map_entry *entry)
    LG_REQUIRES(stripe->lock)
{
    struct map_head *head =
        lg__map_head(MAP_LOAD(&stripe->heads), MAP_LOAD(&stripe->bits), entry->place);
    lg_store(&entry->next, MAP_LOAD(&head->first));
    lg_store(&head->first, entry);
}

// False: it was empty.
static bool move_bucket_locked(struct map_stripe *stripe, struct map_head *from)
    LG_REQUIRES(stripe->lock)
{
    struct map_entry *entry = MAP_LOAD(&from->first);
    if (!entry) {
        return false;
    }
    do {
        struct map_entry *next = MAP_LOAD(&entry->next);
        push_locked(stripe, entry);
        entry = next;
    } while (entry);
    lg_store(&from->first, NULL);
    return true;
}

static void move_some_locked(struct map_stripe *stripe) LG_REQUIRES(stripe->lock)
{
    struct map_head *old = MAP_LOAD(&stripe->old);
    if (LG_LIKELY(!old)) {
        return;
    }
    size_t nold = (size_t)1 << MAP_LOAD(&stripe->old_bits);
    step_version_locked(stripe);
    size_t end = nold - stripe->nmoved < LOOKS_PER_CHANGE
                     ? nold
                     : stripe->nmoved + LOOKS_PER_CHANGE;
    for (int moves = 0; moves < MOVES_PER_CHANGE && stripe->nmoved < end;) {
        moves += move_bucket_locked(stripe, &old[stripe->nmoved++]);
    }
    if (stripe->nmoved == nold) {
        lg_store(&stripe->old, NULL);
    }
    step_version_locked(stripe);
}

// The size that a table should have: the same, or another one.
static uint8_t fitting_bits(uint8_t bits, size_t count)
{
    size_t nheads = (size_t)1 << bits;
    if (count > nheads && bits < BITS_MAX) {
        return bits + 1 < BITS_MIN ? BITS_MIN : (uint8_t)(bits + 1);
    }
    if (count < nheads / SHRINK_AT && bits > BITS_MIN) {
        return bits - 2 < BITS_MIN ? BITS_MIN : (uint8_t)(bits - 2);
    }
    return bits;
}

// The bits of the table that the caller shall make; 0: none.
static uint8_t choose_bits_locked(struct map_stripe *stripe) LG_REQUIRES(stripe->lock)
{
    uint8_t bits = MAP_LOAD(&stripe->bits);
    uint8_t wanted = fitting_bits(bits, lg__stripe_count(stripe));
    if (LG_LIKELY(wanted == bits) || stripe->is_growing || MAP_LOAD(&stripe->old)) {
        return 0;
    }
    stripe->is_growing = true;
    return wanted;
}

static void install_locked(struct map_stripe *stripe, struct map_head *heads,
                           uint8_t bits) LG_REQUIRES(stripe->lock)
{
    step_version_locked(stripe);
    lg_store(&stripe->old, MAP_LOAD(&stripe->heads));
    set_bits_locked(&stripe->old_bits, MAP_LOAD(&stripe->bits));
    lg_store(&stripe->heads, heads);
    set_bits_locked(&stripe->bits, bits);
    stripe->nmoved = 0;
    step_version_locked(stripe);
}

// Without memory the table stays as it is, and the next change tries again.
static LG_NOINLINE void resize(struct map_stripe *stripe, const struct map_types *types,
                               uint8_t bits)
{
    struct map_head *heads = lg_new_array(types->heads, (size_t)1 << bits);
    lg__lock(&stripe->lock, RANK_SYNC);
    if (heads) {
        install_locked(stripe, heads, bits);
    }
    stripe->is_growing = false;
    lg__unlock(&stripe->lock, RANK_SYNC);
}

// ---------------------------------------------------------------------------
// Changing
// ---------------------------------------------------------------------------

static bool is_expected(const struct map_change *change, const struct map_entry *entry,
                        const lg_cell *now)
{
    switch (change->expect) {
    case MAP_NOTHING: return !entry;
    case MAP_CELL:
        return entry && now->bits == change->expected.bits &&
               now->ref == change->expected.ref;
    default: return true;
    }
}

// An entry that is taken out refers to nothing any more: whoever still has it (a
// walk) keeps its key alive and no more.
static void take_out_locked(struct map_stripe *stripe, map_link *link)
    LG_REQUIRES(stripe->lock)
{
    struct map_entry *entry = MAP_LOAD(link);
    lg_store(link, MAP_LOAD(&entry->next));
    lg_store(&entry->next, NULL);
    lg__map_cell_store(entry, &(lg_cell){0});
    add_count_locked(stripe, (size_t)-1);
}

// `fresh` is for a key that is not there; NULL: there may be none yet.
static int change_locked(struct map_stripe *stripe, struct map_change *change,
                         struct map_entry *fresh) LG_REQUIRES(stripe->lock)
{
    map_link *link = find_link_locked(stripe, &change->key);
    struct map_entry *entry = link ? MAP_LOAD(link) : NULL;
    if (entry) {
        lg__map_cell_load(entry, &change->before);
    }
    if (!is_expected(change, entry, &change->before)) {
        return LG_EAGAIN;
    }
    if (!entry && change->has_cell && !fresh) {
        return NEEDS_ENTRY;
    }
    change->was_there = entry;
    step_version_locked(stripe);
    if (entry && change->has_cell) {
        lg__map_cell_store(entry, &change->cell);
    } else if (entry) {
        take_out_locked(stripe, link);
    } else if (change->has_cell) {
        lg__map_cell_store(fresh, &change->cell);
        push_locked(stripe, fresh);
        add_count_locked(stripe, 1);
    }
    step_version_locked(stripe);
    return LG_OK;
}

int lg__stripe_change(struct map_stripe *stripe, const struct map_types *types,
                      struct map_change *change)
{
    struct map_entry *fresh = NULL;
    for (;;) {
        lg__lock(&stripe->lock, RANK_SYNC);
        move_some_locked(stripe);
        int err = change_locked(stripe, change, fresh);
        uint8_t new_bits = err ? 0 : choose_bits_locked(stripe);
        lg__unlock(&stripe->lock, RANK_SYNC);
        if (LG_UNLIKELY(new_bits)) {
            resize(stripe, types, new_bits);
        }
        if (LG_LIKELY(err != NEEDS_ENTRY)) {
            return err;
        }
        fresh = lg__map_entry_new(types, &change->key);
        if (!fresh) {
            return LG_ENOMEM;
        }
    }
}

// ---------------------------------------------------------------------------
// Walking
// ---------------------------------------------------------------------------

static struct map_entry *next_locked(struct map_stripe *stripe,
                                     const struct map_entry *behind, uint64_t *place)
    LG_REQUIRES(stripe->lock)
{
    struct map_head *heads = MAP_LOAD(&stripe->heads);
    struct map_head *old = MAP_LOAD(&stripe->old);
    uint8_t bits = MAP_LOAD(&stripe->bits);
    uint8_t old_bits = MAP_LOAD(&stripe->old_bits);
    uint64_t inside = UINT64_MAX >> (old && old_bits > bits ? old_bits : bits);
    for (int i = 0; i < WALK_BUCKETS_MAX; i++) {
        struct map_part part = {*place, *place | inside, behind};
        struct map_entry *entry = lg__map_first(heads, bits, &part, NULL);
        entry = old ? lg__map_first(old, old_bits, &part, entry) : entry;
        *place = entry ? entry->place : part.last + 1;
        if (entry || *place == 0) {
            return entry;
        }
    }
    return NULL;
}

struct map_entry *lg__stripe_next(struct map_stripe *stripe,
                                  const struct map_entry *behind, uint64_t *place,
                                  lg_cell *out)
{
    lg__lock(&stripe->lock, RANK_SYNC);
    struct map_entry *entry = next_locked(stripe, behind, place);
    if (entry) {
        lg__map_cell_load(entry, out);
    }
    lg__unlock(&stripe->lock, RANK_SYNC);
    return entry;
}

#ifdef LG_CHECK
// ---------------------------------------------------------------------------
// Proof
// ---------------------------------------------------------------------------

void lg__stripe_verify(struct map_stripe *stripe)
{
    lg__lock(&stripe->lock, RANK_SYNC);
    size_t count = 0;
    struct map_head *heads = MAP_LOAD(&stripe->heads);
    for (size_t i = 0; i < (size_t)1 << MAP_LOAD(&stripe->bits); i++) {
        count += lg__map_bucket_verify(heads, MAP_LOAD(&stripe->bits), i);
    }
    struct map_head *old = MAP_LOAD(&stripe->old);
    for (size_t i = 0; old && i < (size_t)1 << MAP_LOAD(&stripe->old_bits); i++) {
        LG_ASSERT(i >= stripe->nmoved || !MAP_LOAD(&old[i].first));
        count += lg__map_bucket_verify(old, MAP_LOAD(&stripe->old_bits), i);
    }
    LG_ASSERT(count == lg__stripe_count(stripe));
    LG_ASSERT((MAP_LOAD(&stripe->version) & 1) == 0);
    lg__unlock(&stripe->lock, RANK_SYNC);
}
#endif
