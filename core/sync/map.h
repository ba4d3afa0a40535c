// SPDX-License-Identifier: MIT
//
// Maps: hash tables in stripes. The hash of a key is a place between 0 and 2^64: its
// first bits are the number of the stripe, the next ones that of the bucket, and a
// walk goes from low places to high ones (sync/mapstripe.h).
//
//   hash   | stripe | bucket of a table of 2^bits | the rest            |
//   place           | 64 bits, of which a stripe's entries know         | 0
//
// All of it are objects of the collector, references between them are fields:
//
//   lg_map -> stripes[] -> heads[] -> entry -> entry -> ...
//                                       |-> key, ref
#ifndef LG_SYNC_MAP_H
#define LG_SYNC_MAP_H

#include "base/hash.h"
#include "lagoon.h"
#include "sync/mapstripe.h"

struct lg_map {
    // -- fixed --
    struct map_stripe *stripes; // 2^stripe_bits of them
    uint32_t stripe_bits;       // 1 or more
    struct hash_seed seed;
    struct map_types types;
};

#ifdef LG_CHECK
// Asserts what the headers say of it, for specs. Nobody changes the map meanwhile.
void lg__map_verify(struct lg_map *map);
#endif

#endif // LG_SYNC_MAP_H
