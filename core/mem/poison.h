// SPDX-License-Identifier: MIT
//
// What the address sanitizer is told, in its build, and in no other: which memory
// nobody may touch, and which refers to blocks of malloc(). It does not look into
// memory that comes from the system, so it would take those for lost.
#ifndef LG_MEM_POISON_H
#define LG_MEM_POISON_H

#include "base/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define LG_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LG_HAS_ASAN 1
#endif
#endif

#ifdef LG_HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

LG_INLINE void lg__poison(const void *ptr, size_t size_bytes)
{
#ifdef LG_HAS_ASAN
    __asan_poison_memory_region(ptr, size_bytes);
#else
    (void)ptr;
    (void)size_bytes;
#endif
}

LG_INLINE void lg__unpoison(const void *ptr, size_t size_bytes)
{
#ifdef LG_HAS_ASAN
    __asan_unpoison_memory_region(ptr, size_bytes);
#else
    (void)ptr;
    (void)size_bytes;
#endif
}

// Each is taken back with the same bounds, before the memory goes.
LG_INLINE void lg__refers_add(const void *ptr, size_t size_bytes)
{
#ifdef LG_HAS_ASAN
    __lsan_register_root_region(ptr, size_bytes);
#else
    (void)ptr;
    (void)size_bytes;
#endif
}

LG_INLINE void lg__refers_remove(const void *ptr, size_t size_bytes)
{
#ifdef LG_HAS_ASAN
    __lsan_unregister_root_region(ptr, size_bytes);
#else
    (void)ptr;
    (void)size_bytes;
#endif
}

#endif // LG_MEM_POISON_H
