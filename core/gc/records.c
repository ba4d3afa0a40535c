// SPDX-License-Identifier: MIT
#include "gc/records.h"

#include <string.h>

enum { CHUNK_RECORDS = LG_SIZED(64, 2) };

struct record_chunk {
    struct record_chunk *next;
    alignas(16) char bytes[];
};

static size_t chunk_bytes(const struct records *records)
{
    return sizeof(struct record_chunk) + CHUNK_RECORDS * records->record_bytes;
}

void lg__records_init(struct records *records, const struct alloc *alloc,
                      size_t record_bytes)
{
    LG_ASSERT(record_bytes >= sizeof(struct free_record));
    memset(records, 0, sizeof *records);
    records->alloc = alloc;
    records->record_bytes = record_bytes;
}

void lg__records_fini(struct records *records)
{
    while (records->first) {
        struct record_chunk *chunk = records->first;
        records->first = chunk->next;
        lg__alloc_free(records->alloc, chunk, chunk_bytes(records));
    }
}

static void *record_at(const struct records *records, struct record_chunk *chunk,
                       uint32_t i)
{
    return chunk->bytes + i * records->record_bytes;
}

static void push_free(struct records *records, struct free_record *record)
{
    record->next = records->free;
    records->free = record;
}

// At the end, so that a walk meets it.
static bool add_chunk(struct records *records)
{
    struct record_chunk *chunk = lg__alloc_new(records->alloc, chunk_bytes(records));
    if (!chunk) {
        return false;
    }
    for (uint32_t i = CHUNK_RECORDS; i-- > 0;) {
        push_free(records, record_at(records, chunk, i));
    }
    if (records->last) {
        records->last->next = chunk;
    } else {
        records->first = chunk;
    }
    records->last = chunk;
    return true;
}

void *lg__records_get(struct records *records)
{
    if (!records->free && !add_chunk(records)) {
        return NULL;
    }
    struct free_record *record = records->free;
    records->free = record->next;
    record->next = NULL;
    records->nused++;
    return record;
}

void lg__records_put(struct records *records, void *record)
{
    memset(record, 0, records->record_bytes);
    push_free(records, record);
    records->nused--;
}

void *lg__records_next(struct records *records, struct records_walk *walk)
{
    if (!walk->chunk) {
        walk->chunk = records->first;
        walk->next = 0;
    } else if (walk->next == CHUNK_RECORDS && walk->chunk->next) {
        walk->chunk = walk->chunk->next;
        walk->next = 0;
    }
    if (!walk->chunk || walk->next == CHUNK_RECORDS) {
        return NULL;
    }
    return record_at(records, walk->chunk, walk->next++);
}
