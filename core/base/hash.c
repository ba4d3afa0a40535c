// SPDX-License-Identifier: MIT
#include "base/hash.h"

uint64_t lg__hash_long(const unsigned char *bytes, size_t size_bytes, uint64_t state,
                       const struct hash_seed *seed)
{
    for (; size_bytes > 16; size_bytes -= 16, bytes += 16) {
        state = lg__hash_fold(lg__hash_word(bytes) ^ state,
                              lg__hash_word(bytes + 8) ^ seed->words[1]);
    }
    return state;
}
