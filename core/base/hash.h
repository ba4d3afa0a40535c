// SPDX-License-Identifier: MIT
//
// A hash of bytes, for tables in memory: the high half of a 128-bit product folded
// onto the low one, word by word. Both factors are mixed with a seed that nobody
// outside knows, so that nobody can choose keys that collide. Not for secrets, and
// not for files: it differs from run to run and from machine to machine.
#ifndef LG_BASE_HASH_H
#define LG_BASE_HASH_H

#include <string.h>

#include "base/base.h"

struct hash_seed {
    uint64_t words[2];
};

LG_INLINE uint64_t lg__hash_fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

LG_INLINE uint64_t lg__hash_word(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

LG_INLINE uint64_t lg__hash_half(const unsigned char *at)
{
    uint32_t half;
    memcpy(&half, at, sizeof half);
    return half;
}

// Of more than 16 bytes: what is left of them is the last 16.
uint64_t lg__hash_long(const unsigned char *bytes, size_t size_bytes, uint64_t state,
                       const struct hash_seed *seed);

// All bits of the result are good. The halves of a short key overlap.
LG_INLINE uint64_t lg__hash(const void *key, size_t size_bytes,
                            const struct hash_seed *seed)
{
    const unsigned char *bytes = key;
    const unsigned char *end = bytes + size_bytes;
    uint64_t state = seed->words[0] ^ size_bytes;
    uint64_t first = 0;
    uint64_t last = 0;
    if (size_bytes > 16) {
        state = lg__hash_long(bytes, size_bytes, state, seed);
        first = lg__hash_word(end - 16);
        last = lg__hash_word(end - 8);
    } else if (size_bytes >= 8) {
        first = lg__hash_word(bytes);
        last = lg__hash_word(end - 8);
    } else if (size_bytes >= 4) {
        first = lg__hash_half(bytes);
        last = lg__hash_half(end - 4);
    } else if (size_bytes > 0) {
        first = (uint64_t)bytes[0] << 16 | (uint64_t)bytes[size_bytes / 2] << 8 | end[-1];
    }
    uint64_t mixed = lg__hash_fold(first ^ state, last ^ seed->words[1]);
    return lg__hash_fold(mixed ^ seed->words[0], 0x9e3779b97f4a7c15ULL);
}

#endif // LG_BASE_HASH_H
