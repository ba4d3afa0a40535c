// SPDX-License-Identifier: MIT
//
// A stripe of a map: a hash table with a lock for those who change it. Who reads
// takes no lock:
//
//   who changes it, under the lock        who reads
//   ------------------------------        ---------
//   version: odd                          version: odd? takes the lock instead
//   stores with release                   loads with acquire
//   version: even again, release          version: another one? takes the lock
//
// An acquire that meets a store of the left side sees the odd version, too: what was
// read is a mixture only if the version has changed. What is read until then is
// safe to touch: entries and tables are objects of the collector, which find their
// reader's stack or registers; a table and its size are not used together before
// the version said that they belong together; and in a table each entry refers to
// an older one, so that no chain leads in a circle.
//
// The lock may be held by one who is suspended (os/lock.h): a reader does not wait
// for an even version, he waits for the lock, where he can be suspended himself.
// Nobody allocates under the lock: that may stop the world, and collect.
//
// References are stored with lg_store(). A reader's ref is one that was in the map
// when he looked. If a cycle had begun by then, it finds it: it was reachable when
// the cycle began, or stored since; in either case whoever takes it out shades it
// before it is gone. If not, the reader's stack tells of it.
//
// Growing goes on bit by bit: `old` is the table before, whose buckets move to the
// new one, two with each change. What is new goes to the new table; an entry is in
// one of the two. A bucket of the larger one is a part of one of the smaller: the
// order of places is that of the buckets in both.
#ifndef LG_SYNC_MAPSTRIPE_H
#define LG_SYNC_MAPSTRIPE_H

#include "base/base.h"
#include "lagoon.h"
#include "os/lock.h"
#include "sync/maptable.h"

enum { MAP_INLINE_BITS = 1 };

struct map_stripe {
    // -- lock to write, anyone reads --
    _Atomic uint64_t version;         // odd: something changes
    _Atomic(struct map_head *) heads; // 2^bits of them
    _Atomic(struct map_head *) old;   // 2^old_bits; NULL: it does not grow
    struct lock lock;
    _Atomic uint8_t bits;
    _Atomic uint8_t old_bits;
    // -- lock --
    bool is_growing; // somebody makes a new table
    // -- lock to write, anyone reads --
    _Atomic size_t count; // of entries
    // -- lock --
    size_t nmoved;                                      // buckets of `old` that are empty
    struct map_head inline_heads[1 << MAP_INLINE_BITS]; // the first table
};

enum map_expect { MAP_ANYTHING, MAP_NOTHING, MAP_CELL };

// What shall become of a key.
struct map_change {
    struct map_key key;
    enum map_expect expect; // only if that is there
    lg_cell expected;       // MAP_CELL
    bool has_cell;          // false: the key is taken out
    lg_cell cell;
    // -- results, if it was done --
    bool was_there;
    lg_cell before;
};

extern const lg_type_info lg__map_stripe_info;

// A zeroed stripe becomes an empty table.
void lg__stripe_init(struct map_stripe *stripe);

// LG_OK or LG_ESRCH.
int lg__stripe_get(struct map_stripe *stripe, const struct map_key *key, lg_cell *out);

// LG_OK; LG_EAGAIN, it is not as expected, or LG_ENOMEM: nothing has changed.
int lg__stripe_change(struct map_stripe *stripe, const struct map_types *types,
                      struct map_change *change);

LG_INLINE size_t lg__stripe_count(const struct map_stripe *stripe)
{
    // relaxed: true at some moment
    return atomic_load_explicit(&stripe->count, memory_order_relaxed);
}

// The first entry behind another one, whose bytes decide between equal places;
// NULL as `behind`: the first at *place or higher. NULL: there is none, or there was
// none among the next so many buckets: *place is where to go on, 0 at the end.
struct map_entry *lg__stripe_next(struct map_stripe *stripe,
                                  const struct map_entry *behind, uint64_t *place,
                                  lg_cell *out);

#ifdef LG_CHECK
void lg__stripe_verify(struct map_stripe *stripe);
#endif

#endif // LG_SYNC_MAPSTRIPE_H
