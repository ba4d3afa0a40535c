// SPDX-License-Identifier: MIT
//
// C stacks: of native goroutines, of the scheduler, and donated ones.
//
// A stack is a power-of-two slot in a slab of reserved address space. Its
// lowest page (of large ones 64 KB) is a guard; its record stands at its top, in memory that the
// first frame touches anyway. Tops are "coloured": offset by a few cache lines
// from slot to slot, or else a thousand parked stacks would fight for the same
// cache sets.
//
//   slot  +-------------------------------+ high, aligned to the slot's size
//         | unused: colour                |
//         | struct stack                  |
//         +-------------------------------+ <- top of the usable stack
//         | frames, growing down          |
//         | ...                           |
//         | untouched, not backed         |
//         +-------------------------------+ low + the guard's size
//         | guard                         |
//         +-------------------------------+ low
//
// Free stacks wait in a cache of the P that freed them (last in, first out, so
// the warm one is next), then in the pool, still backed by memory. Those that
// nobody has needed for a while are made cold (lg__stack_pool_trim): all their
// pages are given back, the one with the record too, and the slab remembers the
// number of the slot. Not at once: a page that is given back and asked for again
// costs two system calls, an interrupt of every other CPU, and a fault.
#ifndef LG_MEM_STACK_H
#define LG_MEM_STACK_H

#include "base/base.h"
#include "mem/alloc.h"
#include "os/lock.h"

enum {
    STACK_MIN_SHIFT = 14, // 16 KB
    STACK_MAX_SHIFT = 26, // 64 MB, LG_STACK_MAX
    STACK_CLASSES = STACK_MAX_SHIFT - STACK_MIN_SHIFT + 1,
    STACK_CACHE_CAP = LG_SIZED(64, 2),
};

struct stack {
    struct stack *next; // in a cache or in the pool
    struct slab *slab;
    char *low; // of the slot, guard included
    uint32_t size_class;
    bool has_guard; // else the lowest word is a canary
#ifdef LG_CHECK
    bool is_free;
#endif
};

// The stacks of one P, of the usual size only.
struct stack_cache {
    // -- owner P only --
    struct stack *first;
    // -- written by the owner, read by anyone, relaxed: a figure --
    _Atomic uint32_t count;
};

// Address space for nslots stacks of one class. Guarded by the pool's lock.
struct slab {
    struct slab *next;      // of all
    struct slab *next_cold; // of those of its class that have cold slots
    char *mem;
    size_t size_bytes;
    uint32_t nslots;
    uint32_t nfresh; // slots [nfresh, nslots) have never been used
    uint32_t ncold;
    uint32_t cold[]; // free slots without pages: number * 2 + has_guard
};

struct stack_class {
    struct stack *warm; // free, pages kept
    struct slab *cold;  // slabs with cold slots
    struct slab *fresh; // the slab that still has slots never used, or NULL
};

struct stack_pool {
    struct heap *heap; // whose cap counts for stacks
    struct alloc *alloc;
    uint32_t usual_class; // what the caches hold
    struct lock lock;
    // -- lock --
    struct stack_class classes[STACK_CLASSES];
    struct slab *slabs;
    size_t nwarm;      // in all classes
    size_t least_warm; // since the last trim: so many have not been needed
    size_t ncold;
    size_t nmade; // slots that have ever been handed out
};

void lg__stack_pool_init(struct stack_pool *pool, struct heap *heap, struct alloc *alloc,
                         size_t usual_size_bytes);

// Frees all stacks, used ones included.
void lg__stack_pool_fini(struct stack_pool *pool);

// The class that holds size_bytes.
uint32_t lg__stack_class_of(size_t size_bytes);

// Takes a stack of a class; NULL if there is no address space for one, or the heap's cap
// is reached. The cache may be NULL.
struct stack *lg__stack_get(struct stack_pool *pool, struct stack_cache *cache,
                            uint32_t size_class);

// Returns one. It must not be the one that the caller runs on.
void lg__stack_put(struct stack_pool *pool, struct stack_cache *cache,
                   struct stack *stack);

// Gives back the pages of stacks that nobody has needed since the last call, but
// for a reserve. Returns whether more may follow. To be called now and then.
bool lg__stack_pool_trim(struct stack_pool *pool);

// Moves a P's cache to the pool.
void lg__stack_cache_flush(struct stack_pool *pool, struct stack_cache *cache);

LG_INLINE size_t lg__stack_size_bytes(const struct stack *stack)
{
    return (size_t)1 << (stack->size_class + STACK_MIN_SHIFT);
}

// Where its first frame goes.
LG_INLINE void *lg__stack_top(struct stack *stack)
{
    return stack;
}

// Stacks that are in use or in a cache of a P, and those free in the pool.
void lg__stack_pool_counts(struct stack_pool *pool, size_t *out_taken, size_t *out_free);

// Memory that backs them all, free ones included. Where there are very many, an estimate
// from some.
size_t lg__stack_pool_bytes(struct stack_pool *pool);

// Whether an address lies in its guard.
bool lg__stack_is_overflow(const struct stack *stack, const void *addr);

void lg__stack_check_canary_slow(const struct stack *stack);

// Fatal if a stack without a guard has overflowed.
LG_INLINE void lg__stack_check_canary(const struct stack *stack)
{
    if (LG_UNLIKELY(!stack->has_guard)) {
        lg__stack_check_canary_slow(stack);
    }
}

#endif // LG_MEM_STACK_H
