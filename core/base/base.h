// SPDX-License-Identifier: MIT
//
// Words that every file of the core uses: hints for the compiler, checks, and
// arithmetic on pointers. No state.
#ifndef LG_BASE_BASE_H
#define LG_BASE_BASE_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"

#define LG_LIKELY(cond) __builtin_expect(!!(cond), 1)
#define LG_UNLIKELY(cond) __builtin_expect(!!(cond), 0)
#define LG_NOINLINE __attribute__((noinline))
#define LG_INLINE static inline __attribute__((always_inline))

// Two fields that different CPUs write belong this far apart.
enum { LG_CACHELINE = 64 };

#define LG_CONTAINER_OF(ptr, type, member) \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

// The check build (LG_CHECK) asserts and shrinks: rings, caches and batches
// are tiny there, so that the rare path is the usual one.
#ifdef LG_CHECK
#define LG_SIZED(usual, tiny) (tiny)
#define LG_ASSERT(cond) \
    ((cond) ? (void)0   \
            : lg__panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond))
#else
#define LG_SIZED(usual, tiny) (usual)
#define LG_ASSERT(cond) ((void)0)
#endif

// Judges the caller, in every build.
#define LG_MISUSE_IF(cond, message)     \
    do {                                \
        if (LG_UNLIKELY(cond)) {        \
            lg__panic("%s", (message)); \
        }                               \
    } while (0)

#endif // LG_BASE_BASE_H
