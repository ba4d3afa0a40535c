// SPDX-License-Identifier: MIT
//
// Records of one size, in chunks that never move and are freed at the end only.
// So a record's address is its name for ever, and all of them, free ones too,
// can be walked a few at a time while others come and go: a walk sees each that
// is in use from its beginning to its end.
//
// The owner guards it by a lock of his own, and knows from a record whether it
// is in use.
#ifndef LG_GC_RECORDS_H
#define LG_GC_RECORDS_H

#include "base/base.h"
#include "mem/alloc.h"

// A record is at least this; while it is free its first word is ours.
struct free_record {
    struct free_record *next;
};

struct record_chunk;

struct records {
    const struct alloc *alloc;
    size_t record_bytes;
    struct record_chunk *first;
    struct record_chunk *last;
    struct free_record *free;
    size_t nused;
};

struct records_walk {
    struct record_chunk *chunk; // NULL: at the beginning
    uint32_t next;
};

void lg__records_init(struct records *records, const struct alloc *alloc,
                      size_t record_bytes);
void lg__records_fini(struct records *records);

// A record of zeroed bytes; NULL: no memory.
void *lg__records_get(struct records *records);

// Takes it back and zeroes it but for the first word.
void lg__records_put(struct records *records, void *record);

// The next record, used or free; NULL at the end. `walk` starts as zero bytes.
void *lg__records_next(struct records *records, struct records_walk *walk);

#endif // LG_GC_RECORDS_H
