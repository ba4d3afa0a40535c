// SPDX-License-Identifier: MIT
//
// Types of collected objects: descriptions by their authors (lg_type_info),
// checked once and turned into what the allocator and the marker read.
//
// A type is found by the address of its description, and lives as long as the
// runtime. All but `next_*` is fixed before it is handed out.
#ifndef LG_GC_TYPE_H
#define LG_GC_TYPE_H

#include "base/base.h"
#include "lagoon.h"
#include "mem/alloc.h"
#include "os/lock.h"

struct gc;
struct gc_family;

enum {
    TYPE_WORD_BYTES = sizeof(void *), // of a reference
    TYPE_SLOT_MIN = 16,               // of an object
    TYPE_MASK_WORDS = 64,             // that `ref_mask` tells of
};

#define TYPE_SIZE_MAX ((size_t)1 << 40)

// References that follow each other without a gap.
struct type_run {
    uint32_t offset; // bytes, of the first
    uint32_t count;
};

struct lg_type {
    struct gc *gc;
    size_t size_bytes;
    uint64_t ref_mask; // bit i: word i is a reference; of the first 64 words
    bool has_refs;
    bool is_mask_all;          // no reference stands past those words
    uint8_t size_class;        // of size_bytes; 0: large
    uint32_t typed_elem_bytes; // of that class: the slot of a typed object
    uint32_t id;               // dense, from 0
    uint32_t nruns;
    uint64_t nrefs;              // of all runs
    const struct type_run *runs; // ascending, apart from each other
    struct gc_family *family;    // the allocator's, filled by it on first use
    const lg_type_info *info;
    size_t block_bytes; // of this record with its runs

    // -- the table's lock --
    struct lg_type *next;      // of all, by id
    struct lg_type *next_same; // in its bucket
};

struct gc_types {
    struct gc *gc;
    const struct alloc *alloc;
    struct lock lock;
    // -- lock --
    struct lg_type **buckets; // by the address of the info
    size_t nbuckets;          // a power of two, or 0
    struct lg_type *first;    // of all, by id
    struct lg_type *last;
    uint32_t count;
};

void lg__types_init(struct gc_types *types, struct gc *gc, const struct alloc *alloc);
void lg__types_fini(struct gc_types *types);

// lg_type_register(): LG_OK, LG_EINVAL or LG_ENOMEM.
int lg__types_add(struct gc_types *types, const lg_type_info *info, struct lg_type **out);

// Calls visit for each type, by id. World stopped: it may not register any.
void lg__types_visit(struct gc_types *types,
                     void (*visit)(void *ud, struct lg_type *type), void *ud);

#endif // LG_GC_TYPE_H
