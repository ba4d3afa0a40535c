// SPDX-License-Identifier: MIT
#include "frozennode.h"

#include <stdbool.h>
#include <string.h>

static const uint64_t SPREAD = UINT64_C(0x9e3779b97f4a7c15);

// -- words --

static uint64_t word_of(struct value value)
{
    uint64_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

// The word of an index at which a key's search begins, before the mask.
static uint32_t place_of(uint64_t word)
{
    return (uint32_t)(((word ^ (word >> 29)) * SPREAD) >> 32);
}

static uint64_t mix(uint64_t hash, uint64_t bits)
{
    hash = (hash ^ bits) * SPREAD;
    return hash ^ (hash >> 32);
}

static uint64_t load64(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint64_t load32(const char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

// All bytes count; those in the middle of short texts twice.
static uint32_t hash_text(const char *bytes, size_t length)
{
    uint64_t hash = length;
    if (length >= 8) {
        const char *last = bytes + length - 8;
        for (; bytes < last; bytes += 8) {
            hash = mix(hash, load64(bytes));
        }
        hash = mix(hash, load64(last));
    } else if (length >= 4) {
        hash = mix(hash, load32(bytes) << 32 | load32(bytes + length - 4));
    } else if (length > 0) {
        uint64_t first = (unsigned char)bytes[0];
        uint64_t middle = (unsigned char)bytes[length / 2];
        hash = mix(hash, first << 16 | middle << 8 | (unsigned char)bytes[length - 1]);
    }
    return (uint32_t)(hash >> 16);
}

// -- keys --

struct value lagoon__frozen_number_key(double number)
{
    return lagoon__value_of_number(number + 0.0); // -0 is 0
}

struct value lagoon__frozen_text_key(const char *bytes, size_t length)
{
    struct value key = {.ptr = NULL};
    key.tag = FROZEN_TEXT;
    key.ref = (int32_t)hash_text(bytes, length);
    return key;
}

// -- lookup --

static bool is_key(const struct value *key, uint64_t word, const char *bytes,
                   size_t length)
{
    if (word_of(*key) != word) {
        return false;
    }
    if (key->tag != FROZEN_TEXT) {
        return true;
    }
    const struct frozen_text *text = key->ptr;
    return text->length == length && memcmp(text->bytes, bytes, length) == 0;
}

int64_t lagoon__frozen_entry(const struct frozen_view *view, struct value key,
                             const char *bytes, size_t length)
{
    uint64_t word = word_of(key);
    if (view->index == NULL) {
        for (size_t i = 0; i < view->nentries; i++) {
            if (is_key(lagoon__frozen_key(view, i), word, bytes, length)) {
                return (int64_t)i;
            }
        }
        return FROZEN_NO_ENTRY;
    }
    for (uint32_t at = place_of(word);; at++) {
        uint32_t entry = view->index[at & view->index_mask];
        if (entry == 0) {
            return FROZEN_NO_ENTRY;
        }
        if (is_key(lagoon__frozen_key(view, entry - 1), word, bytes, length)) {
            return entry - 1;
        }
    }
}

static const struct value *value_at(const struct frozen_view *view, int64_t entry)
{
    return entry >= 0 ? lagoon__frozen_key(view, (size_t)entry) + 1 : NULL;
}

const struct value *lagoon__frozen_at_number(const struct frozen_view *view,
                                             double number)
{
    if (number >= 1 && number <= (double)view->narray) {
        size_t i = (size_t)number;
        if ((double)i == number) {
            return &view->cells[i - 1];
        }
    }
    if (number != number) {
        return NULL;
    }
    struct value key = lagoon__frozen_number_key(number);
    return value_at(view, lagoon__frozen_entry(view, key, NULL, 0));
}

const struct value *lagoon__frozen_at_text(const struct frozen_view *view,
                                           const char *bytes, size_t length)
{
    struct value key = lagoon__frozen_text_key(bytes, length);
    return value_at(view, lagoon__frozen_entry(view, key, bytes, length));
}

// -- making --

void lagoon__frozen_fill_index(const struct frozen_view *view, uint32_t *index,
                               size_t size)
{
    for (size_t i = 0; i < view->nentries; i++) {
        size_t at = place_of(word_of(*lagoon__frozen_key(view, i))) & (size - 1);
        while (index[at] != 0) {
            at = (at + 1) & (size - 1);
        }
        index[at] = (uint32_t)i + 1;
    }
}
