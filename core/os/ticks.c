// SPDX-License-Identifier: MIT
#include "os/ticks.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
static const char *const trusted = "tsc\n";
#elif defined(__aarch64__)
static const char *const trusted = "arch_sys_counter\n";
#endif

enum { TRIES = 8 };

enum tick_source lg__tick_source(void)
{
    char name[32] = "";
    int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
                  O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return TICKS_CLOCK;
    }
    ssize_t n = read(fd, name, sizeof name - 1);
    close(fd);
    return n > 0 && strcmp(name, trusted) == 0 ? TICKS_CPU : TICKS_CLOCK;
}

struct tick_moment lg__tick_moment(enum tick_source source)
{
    struct tick_moment moment = {0};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = lg__ticks(source);
        int64_t ns = lg__clock_now();
        uint64_t apart = lg__ticks(source) - before;
        if (apart < least) { // the thread was not interrupted in between
            least = apart;
            moment = (struct tick_moment){.ticks = before + apart / 2, .ns = ns};
        }
    }
    return moment;
}

double lg__tick_rate(enum tick_source source, struct tick_moment since, int64_t least_ns)
{
    struct tick_moment now;
    if (source == TICKS_CLOCK) {
        return 1;
    }
    do {
        now = lg__tick_moment(source);
    } while (now.ns - since.ns < least_ns);
    return (double)(now.ns - since.ns) / (double)(now.ticks - since.ticks);
}
