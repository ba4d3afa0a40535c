// SPDX-License-Identifier: MIT
//
// Size classes: the block sizes that small objects are rounded up to, and how
// many pages a span of each class has.
//
// From 128 bytes on there are eight classes to each doubling, so a block is at
// most an eighth larger than what was asked for (below, the steps are 8 and 16
// bytes). A span is as short as it can be with at most an eighth of it unused
// behind its last block. Class 0 stands for large objects, which have a span to
// themselves.
#ifndef LG_MEM_SIZECLASS_H
#define LG_MEM_SIZECLASS_H

#include "base/base.h"

enum {
    PAGE_SHIFT = 13,
    PAGE_BYTES = 1 << PAGE_SHIFT,
    NCLASSES = 75, // the large ones included
    SMALL_BYTES_MAX = 32 * 1024,
    // Sizes up to here are looked up, those above computed.
    LOOKUP_BYTES_MAX = 1024,
};

struct size_class {
    uint16_t bytes;  // of a block
    uint8_t npages;  // of a span
    uint16_t nelems; // blocks in it
};

extern const struct size_class lg__classes[NCLASSES];
// The class of each multiple of 8, rounded up; by itself, and for blocks that
// must be aligned to 16 if they are larger than 8.
extern const uint8_t lg__class_lookup[LOOKUP_BYTES_MAX / 8 + 1];
extern const uint8_t lg__class_lookup_aligned[LOOKUP_BYTES_MAX / 8 + 1];

uint32_t lg__class_compute(size_t size_bytes);

// The smallest class whose blocks hold so many bytes; 0: a large object.
LG_INLINE uint32_t lg__class_of(size_t size_bytes)
{
    return LG_LIKELY(size_bytes <= LOOKUP_BYTES_MAX)
               ? lg__class_lookup[(size_bytes + 7) / 8]
               : lg__class_compute(size_bytes);
}

// The same for blocks aligned to 16 bytes (to 8, if they are of 8 or less).
LG_INLINE uint32_t lg__class_of_aligned(size_t size_bytes)
{
    return LG_LIKELY(size_bytes <= LOOKUP_BYTES_MAX)
               ? lg__class_lookup_aligned[(size_bytes + 7) / 8]
               : lg__class_compute(size_bytes);
}

LG_INLINE size_t lg__class_bytes(uint32_t class)
{
    return lg__classes[class].bytes;
}

LG_INLINE size_t lg__class_npages(uint32_t class)
{
    return lg__classes[class].npages;
}

LG_INLINE size_t lg__class_nelems(uint32_t class)
{
    return lg__classes[class].nelems;
}

#endif // LG_MEM_SIZECLASS_H
