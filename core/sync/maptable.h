// SPDX-License-Identifier: MIT
//
// One table of a map's stripe: buckets, which are chains of entries. A bucket is told
// by the first bits of a place. Loads are the same with the stripe's lock and without:
// acquire, which pairs with the release of lg_store() and of lg__map_cell_store().
#ifndef LG_SYNC_MAPTABLE_H
#define LG_SYNC_MAPTABLE_H

#include <string.h>

#include "base/base.h"
#include "base/hash.h"
#include "lagoon.h"

enum { MAP_INLINE_KEY_BYTES = 20 }; // an entry with such a key is a cache line

#define MAP_KEY_BYTES_MAX ((size_t)INT32_MAX)

struct map_key {
    const void *bytes; // not NULL
    size_t size_bytes;
    uint64_t place;
};

struct map_entry {
    // -- fixed --
    uint64_t place;           // of its key
    const unsigned char *key; // inline_key, or bytes of the collector
    // -- the stripe's lock to write, anyone reads --
    _Atomic(struct map_entry *) next; // NULL if it was taken out
    _Atomic(void *) ref;              // the same
    _Atomic uint64_t bits;
    // -- fixed --
    uint32_t key_size_bytes;
    unsigned char inline_key[MAP_INLINE_KEY_BYTES];
};

// A field that refers to an entry.
typedef _Atomic(struct map_entry *) map_link;

// A bucket. Tables are arrays of 2^bits of them.
struct map_head {
    map_link first;
};

// What maps make objects of.
struct map_types {
    lg_runtime *rt;
    lg_type *heads;
    lg_type *entries;
};

#define MAP_LOAD(field) atomic_load_explicit(field, memory_order_acquire)

// Registers the types. LG_OK or LG_ENOMEM.
int lg__map_types_open(lg_runtime *rt, struct map_types *out);

// An entry in no table, with an empty cell; NULL: no memory.
struct map_entry *lg__map_entry_new(const struct map_types *types,
                                    const struct map_key *key);

LG_INLINE void lg__map_cell_load(struct map_entry *entry, lg_cell *out)
{
    out->bits = MAP_LOAD(&entry->bits);
    out->ref = MAP_LOAD(&entry->ref);
}

LG_INLINE void lg__map_cell_store(struct map_entry *entry, const lg_cell *cell)
{
    // release: pairs with the acquire in lg__map_cell_load(); who meets it sees the
    // stripe's odd version
    atomic_store_explicit(&entry->bits, cell->bits, memory_order_release);
    if (MAP_LOAD(&entry->ref) != cell->ref) {
        lg_store(&entry->ref, cell->ref);
    }
}

LG_INLINE struct map_head *lg__map_head(struct map_head *heads, uint8_t bits,
                                        uint64_t place)
{
    return &heads[place >> (64 - bits)];
}

// The usual sizes without a call.
LG_INLINE bool lg__map_is_same(const unsigned char *a, const unsigned char *b,
                               size_t size_bytes)
{
    if (size_bytes >= 8 && size_bytes <= 16) {
        size_t last = size_bytes - 8;
        return lg__hash_word(a) == lg__hash_word(b) &&
               lg__hash_word(a + last) == lg__hash_word(b + last);
    }
    return memcmp(a, b, size_bytes) == 0;
}

LG_INLINE bool lg__map_has_key(const struct map_entry *entry, const struct map_key *key)
{
    return entry->place == key->place && entry->key_size_bytes == key->size_bytes &&
           lg__map_is_same(entry->key, key->bytes, key->size_bytes);
}

LG_INLINE struct map_entry *lg__map_find(struct map_head *heads, uint8_t bits,
                                         const struct map_key *key)
{
    struct map_entry *entry = MAP_LOAD(&lg__map_head(heads, bits, key->place)->first);
    while (entry && !lg__map_has_key(entry, key)) {
        entry = MAP_LOAD(&entry->next);
    }
    return entry;
}

// -- with the stripe's lock --

// The field that refers to the key's entry; NULL: it is not there.
map_link *lg__map_find_link(struct map_head *heads, uint8_t bits,
                            const struct map_key *key);

// A part of a bucket.
struct map_part {
    uint64_t first; // place
    uint64_t last;
    const struct map_entry *behind; // only what comes after it; NULL: all
};

// The first entry of a part, or `best` if that comes before. Entries stand in the
// order of their places; of those with the same place, in some order.
struct map_entry *lg__map_first(struct map_head *heads, uint8_t bits,
                                const struct map_part *part, struct map_entry *best);

#ifdef LG_CHECK
// Asserts that a bucket has only what belongs there, each once; how many.
size_t lg__map_bucket_verify(struct map_head *heads, uint8_t bits, size_t index);
#endif

#endif // LG_SYNC_MAPTABLE_H
