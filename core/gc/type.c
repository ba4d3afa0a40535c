// SPDX-License-Identifier: MIT
#include "gc/type.h"

#include <string.h>

#include "gc/gc.h"
#include "mem/sizeclass.h"

enum { BUCKETS_FIRST = LG_SIZED(64, 2) };

// ---------------------------------------------------------------------------
// What a description may say
// ---------------------------------------------------------------------------

static bool is_field_sane(const lg_type_info *info, const lg_field *field)
{
    // At most (2^32-1)^2 + 2^32-1: no overflow.
    uint64_t end = field->offset + (uint64_t)field->size * field->count;
    if (end > info->size || (uint32_t)field->kind > LG_FIELD_BYTES) {
        return false;
    }
    // In an array of values each reference must be aligned too.
    return field->kind != LG_FIELD_REF ||
           (field->size == TYPE_WORD_BYTES && field->offset % TYPE_WORD_BYTES == 0 &&
            info->size % TYPE_WORD_BYTES == 0);
}

static bool is_info_sane(const lg_type_info *info)
{
    if (info->size == 0 || info->size > TYPE_SIZE_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < info->nfields; i++) {
        if (!is_field_sane(info, &info->fields[i])) {
            return false;
        }
    }
    return true;
}

static bool is_ref_field(const lg_field *field)
{
    return field->kind == LG_FIELD_REF && field->count > 0;
}

// ---------------------------------------------------------------------------
// Runs
// ---------------------------------------------------------------------------

static uint64_t run_end(const struct type_run *run)
{
    return run->offset + (uint64_t)run->count * TYPE_WORD_BYTES;
}

// Sorts by insertion: authors list fields as they stand in the struct.
static uint32_t collect_runs(const lg_type_info *info, struct type_run *runs)
{
    uint32_t nruns = 0;
    for (uint32_t i = 0; i < info->nfields; i++) {
        const lg_field *field = &info->fields[i];
        if (!is_ref_field(field)) {
            continue;
        }
        uint32_t at = nruns++;
        for (; at > 0 && runs[at - 1].offset > field->offset; at--) {
            runs[at] = runs[at - 1];
        }
        runs[at] = (struct type_run){.offset = field->offset, .count = field->count};
    }
    return nruns;
}

// Joins neighbours. False: some overlap.
static bool join_runs(struct type_run *runs, uint32_t *nruns)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *nruns; i++) {
        struct type_run *last = kept > 0 ? &runs[kept - 1] : NULL;
        if (last && run_end(last) > runs[i].offset) {
            return false;
        }
        if (last && run_end(last) == runs[i].offset &&
            runs[i].count <= UINT32_MAX - last->count) {
            last->count += runs[i].count;
        } else {
            runs[kept++] = runs[i];
        }
    }
    *nruns = kept;
    return true;
}

static void fill_refs(struct lg_type *type)
{
    type->has_refs = type->nruns > 0;
    type->is_mask_all = true;
    for (uint32_t i = 0; i < type->nruns; i++) {
        const struct type_run *run = &type->runs[i];
        type->nrefs += run->count;
        uint64_t first = run->offset / TYPE_WORD_BYTES;
        for (uint64_t j = 0; j < run->count && first + j < TYPE_MASK_WORDS; j++) {
            type->ref_mask |= 1ULL << (first + j);
        }
        if (first + run->count > TYPE_MASK_WORDS) {
            type->is_mask_all = false;
        }
    }
}

// ---------------------------------------------------------------------------
// The table
// ---------------------------------------------------------------------------

void lg__types_init(struct gc_types *types, struct gc *gc, const struct alloc *alloc)
{
    memset(types, 0, sizeof *types);
    types->gc = gc;
    types->alloc = alloc;
}

static void type_free(struct gc_types *types, struct lg_type *type)
{
    lg__alloc_free(types->alloc, type, type->block_bytes);
}

void lg__types_fini(struct gc_types *types)
{
    while (types->first) {
        struct lg_type *type = types->first;
        types->first = type->next;
        type_free(types, type);
    }
    lg__alloc_free(types->alloc, types->buckets,
                   types->nbuckets * sizeof(struct lg_type *));
}

static int type_new(struct gc_types *types, const lg_type_info *info,
                    struct lg_type **out)
{
    size_t nfields = 0;
    for (uint32_t i = 0; i < info->nfields; i++) {
        nfields += is_ref_field(&info->fields[i]) ? 1 : 0;
    }
    size_t block_bytes = sizeof(struct lg_type) + nfields * sizeof(struct type_run);
    struct lg_type *type = lg__alloc_new(types->alloc, block_bytes);
    if (!type) {
        return LG_ENOMEM;
    }
    struct type_run *runs = (struct type_run *)(type + 1);
    type->gc = types->gc;
    type->block_bytes = block_bytes;
    type->info = info;
    type->size_bytes = info->size;
    type->runs = runs;
    type->nruns = collect_runs(info, runs);
    if (!join_runs(runs, &type->nruns)) {
        type_free(types, type);
        return LG_EINVAL;
    }
    fill_refs(type);
    // Mark bytes stand for 16 bytes each: no two objects start in the same.
    size_t slot_bytes = info->size < TYPE_SLOT_MIN ? TYPE_SLOT_MIN : info->size;
    type->size_class = (uint8_t)lg__class_of(slot_bytes);
    type->typed_elem_bytes =
        type->size_class ? (uint32_t)lg__class_bytes(type->size_class) : 0;
    *out = type;
    return LG_OK;
}

static size_t bucket_of(const lg_type_info *info, size_t nbuckets)
{
    uint64_t mixed = (uint64_t)(uintptr_t)info * 0x9e3779b97f4a7c15ULL;
    return (size_t)(mixed >> 32) & (nbuckets - 1);
}

static struct lg_type *find_locked(struct gc_types *types, const lg_type_info *info)
    LG_REQUIRES(types->lock)
{
    if (types->nbuckets == 0) {
        return NULL;
    }
    struct lg_type *type = types->buckets[bucket_of(info, types->nbuckets)];
    while (type && type->info != info) {
        type = type->next_same;
    }
    return type;
}

// Keeps chains short. LG_OK or LG_ENOMEM.
static int grow_locked(struct gc_types *types) LG_REQUIRES(types->lock)
{
    if (types->count < types->nbuckets) {
        return LG_OK;
    }
    size_t nbuckets = types->nbuckets ? 2 * types->nbuckets : BUCKETS_FIRST;
    struct lg_type **buckets =
        lg__alloc_new(types->alloc, nbuckets * sizeof(struct lg_type *));
    if (!buckets) {
        return LG_ENOMEM;
    }
    for (struct lg_type *type = types->first; type; type = type->next) {
        size_t at = bucket_of(type->info, nbuckets);
        type->next_same = buckets[at];
        buckets[at] = type;
    }
    lg__alloc_free(types->alloc, types->buckets,
                   types->nbuckets * sizeof(struct lg_type *));
    types->buckets = buckets;
    types->nbuckets = nbuckets;
    return LG_OK;
}

static int add_locked(struct gc_types *types, const lg_type_info *info,
                      struct lg_type **out) LG_REQUIRES(types->lock)
{
    int err = grow_locked(types);
    if (err) {
        return err;
    }
    struct lg_type *type;
    err = type_new(types, info, &type);
    if (err) {
        return err;
    }
    size_t at = bucket_of(info, types->nbuckets);
    type->next_same = types->buckets[at];
    types->buckets[at] = type;
    type->id = types->count++;
    if (types->last) {
        types->last->next = type;
    } else {
        types->first = type;
    }
    types->last = type;
    *out = type;
    return LG_OK;
}

int lg__types_add(struct gc_types *types, const lg_type_info *info, struct lg_type **out)
{
    if (!is_info_sane(info)) {
        return LG_EINVAL;
    }
    lg__lock(&types->lock, RANK_TYPES);
    struct lg_type *type = find_locked(types, info);
    int err = type ? LG_OK : add_locked(types, info, &type);
    lg__unlock(&types->lock, RANK_TYPES);
    if (!err) {
        *out = type;
    }
    return err;
}

void lg__types_visit(struct gc_types *types,
                     void (*visit)(void *ud, struct lg_type *type), void *ud)
{
    lg__lock(&types->lock, RANK_TYPES);
    for (struct lg_type *type = types->first; type; type = type->next) {
        visit(ud, type);
    }
    lg__unlock(&types->lock, RANK_TYPES);
}

// ---------------------------------------------------------------------------
// Public
// ---------------------------------------------------------------------------

int lg_type_register(lg_runtime *rt, const lg_type_info *info, lg_type **out)
{
    return lg__types_add(&lg__gc(rt)->types, info, out);
}

const lg_type_info *lg_type_describe(const lg_type *type)
{
    return type->info;
}
