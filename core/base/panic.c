// SPDX-License-Identifier: MIT
#include "base/panic.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

// Per thread, because several runtimes may live in one process.
static __thread const struct panic_hook *thread_hook;

__attribute__((noinline)) void lg__panic_hook_set(const struct panic_hook *hook)
{
    thread_hook = hook;
}

static void say_on_stderr(const char *message)
{
    static const char intro[] = "lagoon: fatal error: ";
    struct iovec parts[] = {
        {(void *)(uintptr_t)intro, sizeof intro - 1},
        {(void *)(uintptr_t)message, strlen(message)},
        {(void *)(uintptr_t) "\n", 1},
    };
    if (writev(STDERR_FILENO, parts, 3) < 0) {
        return; // nobody is left to tell
    }
}

_Noreturn void lg__panic(const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    const struct panic_hook *hook = thread_hook;
    if (hook && hook->say) {
        hook->say(hook->ud, message);
    } else {
        say_on_stderr(message);
    }
    abort();
}
