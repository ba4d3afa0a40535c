// SPDX-License-Identifier: MIT
#include "mem/fixed.h"

#include <string.h>

#include "lagoon.h"
#include "os/vm.h"

enum { CHUNK_BYTES = LG_SIZED(256, 16) * 1024 };

struct fixed_chunk {
    struct fixed_chunk *next;
    uint64_t unused; // pieces are aligned to 16 bytes
};

void lg__fixed_init(struct fixed *f)
{
    memset(f, 0, sizeof *f);
}

void lg__fixed_fini(struct fixed *f)
{
    while (f->chunks) {
        struct fixed_chunk *chunk = f->chunks;
        f->chunks = chunk->next;
        lg__vm_free(chunk, CHUNK_BYTES);
    }
}

static size_t round_up(size_t size_bytes, size_t step)
{
    return (size_bytes + step - 1) / step * step;
}

static void count(struct fixed *f, size_t bytes)
{
    // relaxed: a figure
    atomic_fetch_add_explicit(&f->bytes, bytes, memory_order_relaxed);
}

static void *get_large(struct fixed *f, size_t size_bytes)
{
    size_t page_bytes = lg__vm_page_bytes();
    if (size_bytes > SIZE_MAX - page_bytes) {
        return NULL;
    }
    size_t bytes = round_up(size_bytes, page_bytes);
    void *mem;
    if (lg__vm_reserve(bytes, &mem) != LG_OK) {
        return NULL;
    }
    count(f, bytes);
    return mem;
}

static bool grow_locked(struct fixed *f) LG_REQUIRES(f->lock)
{
    void *mem;
    if (lg__vm_reserve(CHUNK_BYTES, &mem) != LG_OK) {
        return false;
    }
    struct fixed_chunk *chunk = mem;
    chunk->next = f->chunks;
    f->chunks = chunk;
    f->next = (char *)(chunk + 1);
    f->left_bytes = CHUNK_BYTES - sizeof *chunk;
    return true;
}

// A piece that has never been used, still zero.
static void *cut_locked(struct fixed *f, size_t bytes) LG_REQUIRES(f->lock)
{
    if (f->left_bytes < bytes && !grow_locked(f)) {
        return NULL;
    }
    void *ptr = f->next;
    f->next += bytes;
    f->left_bytes -= bytes;
    count(f, bytes);
    return ptr;
}

void *lg__fixed_get(struct fixed *f, size_t size_bytes)
{
    if (size_bytes > FIXED_SMALL_MAX) {
        return get_large(f, size_bytes);
    }
    size_t bytes = round_up(size_bytes ? size_bytes : 1, FIXED_STEP);
    size_t list = bytes / FIXED_STEP;
    lg__lock(&f->lock, RANK_FIXED);
    void *used = f->free[list];
    void *fresh = NULL;
    if (used) {
        memcpy(&f->free[list], used, sizeof f->free[list]);
    } else {
        fresh = cut_locked(f, bytes);
    }
    lg__unlock(&f->lock, RANK_FIXED);
    return used ? memset(used, 0, bytes) : fresh;
}

void lg__fixed_put(struct fixed *f, void *ptr, size_t size_bytes)
{
    if (!ptr) {
        return;
    }
    if (size_bytes > FIXED_SMALL_MAX) {
        size_t bytes = round_up(size_bytes, lg__vm_page_bytes());
        lg__vm_free(ptr, bytes);
        count(f, 0 - bytes);
        return;
    }
    size_t list = round_up(size_bytes ? size_bytes : 1, FIXED_STEP) / FIXED_STEP;
    lg__lock(&f->lock, RANK_FIXED);
    memcpy(ptr, &f->free[list], sizeof f->free[list]);
    f->free[list] = ptr;
    lg__unlock(&f->lock, RANK_FIXED);
}
