// SPDX-License-Identifier: MIT
#include "blobs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CAP_MIN = 64 };

// FNV-1a.
static uint32_t hash_of(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * 16777619U;
    }
    return hash;
}

// The slot where a piece stands, or would.
static uint32_t *find(const struct blobs *blobs, const struct blob *like)
{
    uint32_t mask = blobs->nslots - 1;
    for (uint32_t i = like->hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &blobs->slots[i];
        const struct blob *blob = *slot ? &blobs->items[*slot - 1] : NULL;
        if (blob == NULL ||
            (blob->hash == like->hash && blob->size == like->size &&
             (like->size == 0 || memcmp(blob->bytes, like->bytes, like->size) == 0))) {
            return slot;
        }
    }
}

static bool grow(struct blobs *blobs)
{
    uint32_t cap = blobs->cap ? blobs->cap * 2 : CAP_MIN;
    struct blob *items = realloc(blobs->items, cap * sizeof *items);
    if (items == NULL) {
        return false;
    }
    blobs->items = items;
    uint32_t *slots = calloc((size_t)cap * 2, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    free(blobs->slots);
    blobs->slots = slots;
    blobs->nslots = cap * 2;
    blobs->cap = cap;
    for (uint32_t i = 0; i < blobs->n; i++) {
        *find(blobs, &items[i]) = i + 1;
    }
    return true;
}

uint32_t lagoon__blobs_intern(struct blobs *blobs, const void *bytes, size_t size)
{
    struct blob blob = {bytes, (uint32_t)size, hash_of(bytes, size)};
    if (blobs->n == blobs->cap && !grow(blobs)) {
        return NO_BLOB;
    }
    uint32_t *slot = find(blobs, &blob);
    if (*slot == 0) {
        void *copy = malloc(size ? size : 1);
        if (copy == NULL) {
            return NO_BLOB;
        }
        if (size > 0) {
            memcpy(copy, bytes, size);
        }
        blob.bytes = copy;
        blobs->items[blobs->n++] = blob;
        *slot = blobs->n;
    }
    return *slot - 1;
}

void lagoon__blobs_fini(struct blobs *blobs)
{
    for (uint32_t i = 0; i < blobs->n; i++) {
        free((void *)blobs->items[i].bytes);
    }
    free(blobs->items);
    free(blobs->slots);
    memset(blobs, 0, sizeof *blobs);
}
