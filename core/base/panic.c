// SPDX-License-Identifier: MIT
#include "base/panic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    ssize_t ignored = write(STDERR_FILENO, intro, sizeof intro - 1);
    ignored = write(STDERR_FILENO, message, strlen(message));
    ignored = write(STDERR_FILENO, "\n", 1);
    (void)ignored; // nobody is left to tell
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
