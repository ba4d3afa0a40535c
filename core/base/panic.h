// SPDX-License-Identifier: MIT
//
// The end: a broken invariant or a misuse that no caller can handle. The last
// words go to the hook of the thread's runtime, or else to descriptor 2.
#ifndef LG_BASE_PANIC_H
#define LG_BASE_PANIC_H

struct panic_hook {
    void (*say)(void *ud, const char *message);
    void *ud;
};

// Sets the calling thread's hook; NULL restores descriptor 2. The hook is
// borrowed until the next call.
void lg__panic_hook_set(const struct panic_hook *hook);

// Formats one line, says it and aborts.
_Noreturn void lg__panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Judges a caller on a thread that may be outside of a runtime: the last words go to its
// hook all the same.
#define LG_MISUSE_OF_IF(rt, cond, message)         \
    do {                                           \
        if (LG_UNLIKELY(cond)) {                   \
            lg__panic_hook_set(&(rt)->panic_hook); \
            lg__panic("%s", (message));            \
        }                                          \
    } while (0)

#endif // LG_BASE_PANIC_H
