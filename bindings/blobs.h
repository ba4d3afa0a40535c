// SPDX-License-Identifier: MIT
//
// Interned pieces of memory: equal ones have one number, from 0 on in the order in which
// they came. One thread at a time.
#ifndef LAGOON_BLOBS_H
#define LAGOON_BLOBS_H

#include <stddef.h>
#include <stdint.h>

enum { NO_BLOB = UINT32_MAX };

struct blob {
    const void *bytes; // aligned as malloc() does
    uint32_t size;
    uint32_t hash;
};

struct blobs {
    struct blob *items;
    uint32_t n;
    uint32_t cap;
    uint32_t *slots; // open addressing: number + 1; 0: free
    uint32_t nslots; // a power of two, at least twice as many as items
};

// The number of a piece, which is copied if it is new; NO_BLOB: no memory.
uint32_t lagoon__blobs_intern(struct blobs *blobs, const void *bytes, size_t size);

void lagoon__blobs_fini(struct blobs *blobs);

#endif // LAGOON_BLOBS_H
