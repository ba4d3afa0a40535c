// SPDX-License-Identifier: MIT
//
// Who takes which lock, in words that clang's -Wthread-safety checks.
#ifndef LG_BASE_ANNOTATE_H
#define LG_BASE_ANNOTATE_H

#ifdef __clang__
#define LG_CAPABILITY(name) __attribute__((capability(name)))
#define LG_ACQUIRES(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define LG_RELEASES(...) __attribute__((release_capability(__VA_ARGS__)))
#define LG_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define LG_TRY_ACQUIRES(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
#define LG_UNCHECKED_LOCKING __attribute__((no_thread_safety_analysis))
#else
#define LG_CAPABILITY(name)
#define LG_ACQUIRES(...)
#define LG_RELEASES(...)
#define LG_REQUIRES(...)
#define LG_TRY_ACQUIRES(...)
#define LG_UNCHECKED_LOCKING
#endif

#endif // LG_BASE_ANNOTATE_H
